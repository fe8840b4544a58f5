"""Plain values of an event as a vendor may have them: nothing is guessed, what does not fit is None."""

from __future__ import annotations

import math
import re
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,40})?|\.\d{1,40})\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
LONGEST_TEXT = 1000


def number(value: Any) -> int | float | None:
    """A number, or a text that is one: no thousands separators, no NaN, no infinity; true and false are no numbers."""
    if type(value) is int:
        return value if abs(value) < 10**15 else None
    if type(value) is float:
        return value if -1e15 < value < 1e15 else None
    if type(value) is str and _NUMBER.match(text := value.strip()):
        made = float(text)
        return int(text) if made.is_integer() and "." not in text else made
    return None


def identifier(value: Any) -> str | None:
    """An id as text: 123 becomes "123"."""
    if type(value) is str:
        return (value.strip() or None) if is_text(value) else None
    if type(value) is int and abs(value) < 10**40:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def short_text(value: Any) -> str | None:
    """A text or a number as text, cut to a length that no vendor minds."""
    text = identifier(value)
    return text[:LONGEST_TEXT] if text else None


def currency_code(value: Any) -> str | None:
    """Three letters of ISO 4217 in upper case."""
    text = value.strip().upper() if type(value) is str else ""
    return text if _CURRENCY.match(text) else None


def is_text(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair it cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_empty(value: Any) -> bool:
    """Whether a value counts as missing. Nought and false do not."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def shown(key: Any) -> str:
    """A field's name for `Omitted`: short, and always text."""
    text = str(key)[:60]
    return text if is_text(text) else "?"


def sendable(value: Any, depth: int = 10) -> bool:
    """Whether a value is plain data that JSON can hold, within reason."""
    if isinstance(value, str):
        return is_text(value)
    if value is None or isinstance(value, bool | int):
        return value is None or abs(value) < 2**63
    if isinstance(value, float):
        return math.isfinite(value)
    if depth == 0:
        return False
    if isinstance(value, list):
        return all(sendable(one, depth - 1) for one in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_text(key) and sendable(one, depth - 1) for key, one in value.items())
    return False
