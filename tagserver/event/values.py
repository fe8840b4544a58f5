"""Values as the browser compares them: text and numbers by JavaScript's rules (ECMA-262, ToString and ToNumber).

People who know Google Tag Manager expect these: a missing value compares as the text `undefined`, and what is no
number is never greater or less than anything.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from tagserver.event.event import MISSING

_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,400}\Z", re.ASCII)
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]{1,64}|[oO][0-7]{1,64}|[bB][01]{1,64})\Z")
_NAN = math.nan
_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What JavaScript strips around a number (StrWhiteSpaceChar)."""


def js_text(value: Any) -> str:
    """JavaScript's `String(value)`; integers stay exact whatever their size."""
    if type(value) is str:
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if value is MISSING:
        return "undefined"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, list | tuple):
        return ",".join("" if one is None or one is MISSING else js_text(one) for one in value)
    return "[object Object]"


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e21:
        # The shortest digits that mean this number, then zeros (Number::toString).
        return f"{Decimal(repr(value)):.0f}" if value else "0"
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    power = int(exponent)
    if -7 < power < 0:
        return f"{value:.{len(mantissa.replace('.', '').lstrip('-')) - 1 - power}f}"
    return f"{mantissa.removesuffix('.0')}e{'+' if power > 0 else '-'}{abs(power)}"


def join_text(value: Any) -> str:
    """A value inside a longer text: nothing for what is missing or null."""
    return "" if value is None or value is MISSING else js_text(value)


def js_number(value: Any) -> int | float:
    """JavaScript's `Number(value)`, NaN for what is none. Integers are not rounded to a float's precision."""
    if type(value) is int or type(value) is float:
        return value
    if value is True:
        return 1
    if value is None or value is False:
        return 0
    if isinstance(value, str):
        return _text_number(value.strip(_BLANKS))
    if isinstance(value, list):
        return _text_number(js_text(value).strip(_BLANKS))
    return _NAN


def _text_number(text: str) -> int | float:
    if not text:
        return 0
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    if _RADIX.match(text):
        return int(text, 0)
    if text in ("Infinity", "+Infinity", "-Infinity"):
        return math.inf if text[0] != "-" else -math.inf
    return _NAN
