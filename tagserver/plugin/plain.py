"""Plain values as a vendor may have them, and lists of them as pages write these. What does not fit is None; nothing is
guessed, and no value of JSON raises.

Templates of shops often write a list as one text: as JSON (`["301","302"]`), or with commas (`301, 302`). Taken as one
value, such a text is an id that matches nothing.

Authors of destinations import these from `tagserver.plugin.values`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tagserver.event.order_ids import plain_id
from tagserver.event.placeholder import SIGNS, is_placeholder
from tagserver.system.text import is_text

LONGEST_TEXT = 1000
DEEPEST = 12
"""Lists and maps within each other that are followed."""
LARGEST = 1 << 63
"""Whole numbers that JSON readers hold: 64 bits with a sign."""

_LONGEST_CODE = 16
"""Characters of a code with blanks around it."""

_number = re.compile(r"[+-]?(\d{1,15}(\.\d{0,40})?|\.\d{1,40})", re.ASCII).fullmatch


def number(value: Any) -> int | float | None:
    """A number, or a text that is one (`" 129.90 "` → 129.9). No thousands separators, no NaN, no infinity; true and
    false are no numbers."""
    kind = type(value)
    if kind is float:
        found: float = value
        return found if -1e15 < found < 1e15 else None
    if kind is int:
        return int(value) if -(10**15) < value < 10**15 else None
    if type(value) is str and _number(text := value.strip()):
        made = float(text)
        return int(text) if made.is_integer() and "." not in text else made
    return None


def whole_number(value: Any) -> int | None:
    """A count: a whole number, not below zero (`"2"` → 2, `2.0` → 2, `2.5` → None)."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def decimal_text(value: Any) -> str | None:
    """A number as the text that some vendors want for money (129.9 → `"129.9"`), never in powers of ten."""
    found = number(value)
    text = "" if found is None else f"{Decimal(repr(found)):f}".removesuffix(".0")
    return text if _number(text) else None


def identifier(value: Any) -> str | None:
    """An id as text, trimmed (123 → `"123"`); None when it is empty, no id, or stands for a missing one
    (`undefined`)."""
    text = value.strip() if type(value) is str and value.isascii() else plain_id(value)
    return None if not text or (text[0] in SIGNS and is_placeholder(text)) else text


def short_text(value: Any) -> str | None:
    """A text, or a number as text, cut to a thousand characters. Not for ids: one that is cut is another id."""
    text = value.strip() if type(value) is str and value.isascii() else plain_id(value)
    return text[:LONGEST_TEXT] if text else None


def currency_code(value: Any) -> str | None:
    """A code of ISO 4217 in upper case (`" eur "` → `"EUR"`); None for what is in no use as one (`RMB`, `XXX`)."""
    if type(value) is str and value in CURRENCIES:
        return value
    text = value.strip().upper() if type(value) is str and len(value) < _LONGEST_CODE else ""
    return text if text in CURRENCIES else None


def sendable(value: Any, depth: int = DEEPEST) -> bool:
    """Whether a value is plain data that JSON can hold as it stands."""
    if isinstance(value, str):
        return is_text(value)
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -LARGEST <= value < LARGEST
    if isinstance(value, float):
        return math.isfinite(value)
    if depth == 0:
        return False
    if isinstance(value, list):
        return all(sendable(one, depth - 1) for one in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_text(key) and sendable(one, depth - 1) for key, one in value.items())
    return False


def plain_data(value: Any, depth: int = DEEPEST) -> Any:
    """The value without nulls, empty texts, lists and maps, and without what JSON cannot hold; None when nothing is
    left. Whole numbers beyond 64 bits become text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if value and is_text(value) else None
    if isinstance(value, int):
        if -LARGEST <= value < LARGEST:
            return value
        return str(value) if abs(value) < 10**40 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth and isinstance(value, Mapping):
        made = {
            key: kept
            for key, one in value.items()
            if isinstance(key, str) and is_text(key) and (kept := plain_data(one, depth - 1)) is not None
        }
        return made or None
    if depth and isinstance(value, list | tuple):
        return [kept for one in value if (kept := plain_data(one, depth - 1)) is not None] or None
    return None


class Unlisted(ValueError):
    """A text that looks like JSON and is no list; what it says is for people, without the value."""


def listed(value: Any, *, commas: bool = False) -> list[Any]:
    """The values as a list. A single value is a list of one; `commas`: of a text with commas each part is a value.

    Raises Unlisted for a text between brackets or braces that is no JSON list. Nothing else is an error.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return [value]
    text = value.strip()
    if text[:1] + text[-1:] in ("[]", "{}"):
        return _json_list(text)
    if commas and "," in text:
        return [part.strip() for part in text.split(",")]
    return [value]


def _json_list(text: str) -> list[Any]:
    try:
        made = json.loads(text) if is_text(text) else None
    except (ValueError, RecursionError):
        made = None
    if not isinstance(made, list):
        raise Unlisted("is a text that looks like JSON, and is no list")
    return made


_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF
CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS
VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""The currencies of ISO 4217, in upper case: list one of its maintenance agency (SIX), published on 2026-01-01. `XXX`
(no currency) and `XTS` (for tests) are in that list and name none; they are left out here."""
