"""Values as a Measurement Protocol request may hold them: texts, plain numbers, true and false."""

from __future__ import annotations

import math
import re
from typing import Any

from tagserver.plugin import MISSING

_NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,40})?|\.\d{1,40})\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


def number(value: Any) -> int | float | None:
    """A number, or a text that is one: no thousands separators, no NaN; true and false are no numbers."""
    if type(value) is int:
        return value if abs(value) < 10**15 else None
    if type(value) is float:
        return value if -1e15 < value < 1e15 else None
    if type(value) is str and _NUMBER.match(text := value.strip()):
        made = float(text)
        return int(text) if made.is_integer() and "." not in text else made
    return None


def identifier(value: Any) -> str | None:
    """An id as text, whole numbers too; None when it is empty or no id."""
    if type(value) is str:
        return value.strip() or None if is_text(value) else None
    if type(value) is int and abs(value) < 10**40:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def currency(value: Any) -> str | None:
    """Three letters of ISO 4217, or None."""
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


def scalar(value: Any) -> str | int | float | bool | None:
    """What a parameter may hold as it stands: text, a number that JSON can hold, true or false. None for the rest."""
    if type(value) is bool:
        return value
    if type(value) is str:
        return value if is_text(value) else None
    if type(value) in (int, float):
        return number(value)
    return None


def missing(value: Any) -> bool:
    """Whether a value counts as not there: null, empty, MISSING."""
    return value is None or value is MISSING or value == "" or value == [] or value == {}
