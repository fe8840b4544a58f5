"""How a vendor's field reads a value: what fits, as the vendor wants it, and a sentence for what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tagserver.plugin.listed import Unlisted, listed


@dataclass(frozen=True, slots=True)
class Kind:
    """How a value is read (None for what does not fit), and the sentence for what does not fit.

    `each`: the field is a list, and each of its values is read by itself; a single value is a list of one, and a JSON
    text of a list is that list. `commas`: of a text with commas each part is a value.
    """

    read: Callable[[Any], Any]
    fault: str
    each: bool = False
    commas: bool = False

    def faults(self, value: Any) -> bool:
        """Whether a value, or one of a list of them, does not fit."""
        try:
            values = listed(value, commas=self.commas) if self.each else [value]
        except Unlisted:
            return True
        return any(self.read(one) is None for one in values)
