"""`gpp_sid`: which sections of a GPP string are in force for the visitor."""

from __future__ import annotations

from typing import Any

MOST = 64
"""Numbers in one list."""
HIGHEST = 999


def read_gpp_sid(value: Any) -> frozenset[int] | None:
    """The sections in force, of a list (`[7, 8]`) or a text (`7,8` or `7_8`); None when it names none, so that all are
    evaluated. -1 and 0, by which consent tools say "none" and "not known", name none."""
    parts = value.replace("_", ",").split(",") if isinstance(value, str) else value
    if type(parts) is int:
        parts = [parts]
    if not isinstance(parts, list) or len(parts) > MOST:
        return None
    return frozenset(number for number in map(_number, parts) if 0 < number <= HIGHEST) or None


def _number(part: Any) -> int:
    """A number, or the digits of one; 0 for everything else."""
    if type(part) is int:
        return part
    text = part.strip() if isinstance(part, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
