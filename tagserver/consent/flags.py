"""Flags: yes or no, in the ways that pages write them. Never a cast: the text 0 is true to Python."""

from __future__ import annotations

from typing import Any, NamedTuple

_NOTHING = ("", "undefined")
_NO = ("0", "false", "no")
_YES = ("1", "true", "yes")


class Flag(NamedTuple):
    """`said`: yes or no, None where nothing is said. `plain`: it is one of the usual words."""

    said: bool | None
    plain: bool = True


def read_flag(value: Any) -> Flag:
    """A flag from any JSON value. Nothing is said by null, empty text and `undefined`; what is no plain no is a yes,
    because all these flags ask for less."""
    if value is None:
        return Flag(None)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _NOTHING:
            return Flag(None)
        return Flag(word not in _NO, word in _NO or word in _YES)
    if isinstance(value, bool | int | float) and value in (0, 1):
        return Flag(bool(value), not isinstance(value, float))
    return Flag(said=True, plain=False)
