"""`gpp_sid`: which sections of a GPP string are in force for the visitor."""

from __future__ import annotations

from typing import Any

MOST = 64
"""Numbers in one list."""
HIGHEST = 999


def read_gpp_sid(value: Any) -> frozenset[int] | None:
    """The sections in force, of a list (`[7, 8]`) or a text (`7,8` or `7_8`); None when it names none, so that all are
    evaluated. -1 and 0, by which consent tools say "none" and "not known", name none."""
    return frozenset(number for number in _numbers(value) or () if number is not None and number > 0) or None


def is_legible(value: Any) -> bool:
    """Whether all of it could be read. What could not may have been any section."""
    numbers = _numbers(value)
    return numbers is not None and None not in numbers


def _numbers(value: Any) -> list[int | None] | None:
    """The numbers of a list, None for each part that is none; None for what is no such list."""
    parts = value.replace("_", ",").split(",") if isinstance(value, str) else value
    if parts is None or parts == [""]:
        return []
    if type(parts) is int:
        parts = [parts]
    if not isinstance(parts, list) or len(parts) > MOST:
        return None
    return [_number(part) for part in parts]


def _number(part: Any) -> int | None:
    if type(part) is int:
        return part if -1 <= part <= HIGHEST else None
    text = part.strip() if isinstance(part, str) else ""
    if text == "-1":
        return -1
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
