"""Where two values differ, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Sign = Literal["+", "-", "~"]
ABSENT = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: `before` and `after` are plain data, or ABSENT."""

    path: str
    before: Any
    after: Any

    @property
    def sign(self) -> Sign:
        """`+` appears, `-` vanishes, `~` changes."""
        return "+" if self.before is ABSENT else "-" if self.after is ABSENT else "~"

    def as_dict(self) -> dict[str, Any]:
        """For machines; the side that is absent is left out."""
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path, "sign": self.sign, **{k: v for k, v in sides.items() if v is not ABSENT}}

    def __str__(self) -> str:
        """For people: `~ value: 5 → 6`."""
        sides = (json.dumps(side, default=str) for side in (self.before, self.after) if side is not ABSENT)
        return f"{self.sign} {self.path}: {' → '.join(sides)}"


def field_change(shown: Mapping[str, Any]) -> FieldChange:
    """A change again, from what it is for machines."""
    return FieldChange(shown["path"], shown.get("before", ABSENT), shown.get("after", ABSENT))


def differences(before: Any, after: Any, path: str = "") -> Iterator[FieldChange]:
    """The fields in which two values differ. Lists are compared place by place."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            below = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), below)
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            one = before[index] if index < len(before) else ABSENT
            other = after[index] if index < len(after) else ABSENT
            yield from differences(one, other, f"{path}.{index}" if path else str(index))
    elif before is not after and (type(before), before) != (type(after), after):
        yield FieldChange(path, before, after)
