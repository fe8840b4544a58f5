"""Telephone numbers as vendors hash them: digits with the country's calling code in front."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_EXTENSION = re.compile(r"(?:x|ext\.?|extension|#)\s*\d+\s*\Z", re.IGNORECASE)
_BRACKETED_ZERO = re.compile(r"\(\s*0\s*\)")
NORTH_AMERICA = frozenset("US CA AG AI AS BB BM BS DM DO GD GU JM KN KY LC MP MS PR SX TC TT VC VG VI".split())
SHORTEST, LONGEST = 7, 15
"""Digits of an international number (ITU-T E.164 allows fifteen)."""


def phone_digits(text: str, country: str | None) -> tuple[str | None, str | None]:
    """The digits of a number and, if something is amiss, a sentence.

    A number with `+`, `00` (or `011` in North America) is international. Any other needs a country (ISO 3166-1) to get its calling
    code; without one its digits are kept as they are, though they hardly match. Outside seven to fifteen digits there is no number.
    """
    if len(text) > 64:
        return None, "is no telephone number"
    folded = unicodedata.normalize("NFKC", text).strip()
    folded = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in folded)
    folded = _BRACKETED_ZERO.sub("", _EXTENSION.sub("", folded))
    digits = "".join(one for one in folded if one.isdigit() and one.isascii())
    international = folded.lstrip(" (").startswith("+")
    if not international and digits.startswith("00"):
        international = True
    elif not international and country in NORTH_AMERICA and digits.startswith("011"):
        international, digits = True, digits[3:]
    if international:
        digits, why = digits.lstrip("0"), None
    elif country is not None:
        digits, why = _national(digits, country), None
    else:
        digits, why = digits.lstrip("0"), "has no country code and no country is known: it cannot match"
    if not SHORTEST <= len(digits) <= LONGEST:
        return None, "has too few or too many digits for a telephone number"
    return digits, why


@lru_cache(maxsize=4096)
def _national(digits: str, country: str) -> str:
    """A national number with its calling code. The library knows trunk zeros, their exceptions and lengths."""
    import phonenumbers  # imported at first need: it is large, and most numbers come with their prefix

    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return digits.lstrip("0")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return "".join(one for one in written if one.isdigit())
