"""What somebody says of limiting an event: read in every spelling, so that a wish to limit never becomes a permission.

Sites say it as a list (`["LDU"]`), as text because their tool knows nothing else (`LDU`, `'["LDU"]'`, `"true"`), or
broken (`[null]`). What is there and cannot be read limits, too. Authors import this from `tagserver.plugin`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tagserver.event.event import MISSING
from tagserver.plugin.fields import Kind

LONGEST = 200
"""Characters of a text that are looked at; what a vendor's words make is far shorter."""

_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True)
class Wish:
    """`limits`: True, or False for the express wish not to be limited; None when nothing is said. `clear`: whether it
    could be read; what cannot be read limits."""

    limits: bool | None
    clear: bool = True

    def or_else(self, other: Wish) -> Wish:
        """What two that may speak have said together: who wants a limit has it, whatever the other says."""
        if self.limits or other.limits:
            return Wish(True, all(one.clear for one in (self, other)))
        return other if self.limits is None else self


NOTHING, FREE, LIMITED, UNCLEAR = Wish(None), Wish(False), Wish(True), Wish(True, clear=False)


def read_wish(value: Any, words: Collection[str] = ()) -> Wish:
    """A wish as a flag (`true`, `1`, `"yes"` and their opposites), or as the vendor's `words` (upper case), one or a
    list of them. An empty list of words says that nothing is limited; an empty text, map or null says nothing."""
    if value is None or value is MISSING or value == {} or (isinstance(value, str) and not value.strip()):
        return NOTHING
    if isinstance(value, list | Mapping):
        return _listed(value, words)
    if isinstance(value, bool):
        return LIMITED if value else FREE
    if isinstance(value, int | float):
        return LIMITED if value == 1 else FREE if value == 0 else UNCLEAR
    if not isinstance(value, str) or len(value) > LONGEST:
        return UNCLEAR
    text = value.strip()
    if text.upper() in words or text.lower() in _YES:
        return LIMITED
    if text.lower() in _NO:
        return FREE
    return _listed(_unpacked(text), words)


def _listed(value: Any, words: Collection[str]) -> Wish:
    if value == []:
        return FREE if words else NOTHING
    said = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    said = [one for one in said if one is not None and one != ""]
    clear = bool(said) and all(isinstance(one, str) and one.strip().upper() in words for one in said)
    return LIMITED if clear else UNCLEAR


def _unpacked(text: str) -> Any:
    """The list or map of a text that is JSON; None for any other text."""
    if text[0] not in "[{":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def wish_kind(fault: str, words: Collection[str] = ()) -> Kind:
    """For `Destination.kinds`: a constant that could not be read as a wish is a problem of `tagserver check`. `fault`:
    the sentence for it."""
    return Kind(lambda value: True if read_wish(value, words).clear else None, fault)
