"""Phone numbers as vendors hash them: the digits of the international number, without a plus sign.

The common case, a number written with `+` or `00`, is read here, and its length compared with those that its calling
code has. A national number needs the numbering plan of its country. Both are known to the phonenumbers library, which
is imported at the first number; its parser is slow beside everything else on this path, and reads national numbers
alone.

A number that cannot be one is Unusable: its hash would match nobody, and count as somebody that was known.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from typing import Any

from tagserver.event.normalise import Unusable

SHORTEST, LONGEST = 7, 15
"""Digits of a number with its calling code. ITU-T E.164 allows 15; below seven nobody is reached from abroad."""

_DIGITS = b"0123456789"
_NO_DIGITS = bytes(byte for byte in range(256) if byte not in _DIGITS)
_HARMLESS = _DIGITS + b"+ -./\t"
"""Characters that say nothing but "a number"; brackets may say (0), letters and # may begin an extension."""

_extension = re.compile(
    r"(?:;?ext(?:ensi[oó]n)?\.?|x\.?|#|;|durchwahl|dw\.?|poste|ramal|anexo)[\s:=]*\d+\D*\Z", re.IGNORECASE
)
_power_of_ten = re.compile(r"\s*[+-]?[0-9]+(?:[.,][0-9]*)?e[+-]?[0-9]+\s*", re.IGNORECASE).fullmatch
_whole_decimal = re.compile(r"\s*(\+?[0-9]{7,15})[.,]0+\s*").fullmatch
"""`14155552671.0`: a number that passed through a table of numbers."""
_LONGEST_USUAL = 41
"""Characters of a number as most come: international, and nothing in it that needs a second look."""
_bracketed_zero = re.compile(r"[(\[]\s*0+\s*[)\]]")

_two_digit_codes = """
    20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86
    90 91 92 93 94 95 98
"""
_TWO_DIGIT_CODES = frozenset(_two_digit_codes.split())
"""ITU-T E.164 calling codes of two digits; 1 and 7 have one, all others three."""

NO_COUNTRY = "no country code: sent as written, and matches nobody unless the digits begin with one"


def phone_digits(text: str, country: str | None) -> tuple[str, str]:
    """`+44 (0)20 7946 0000` → (`442079460000`, ""). The second text is a remark about a number that is kept with a
    doubt.

    `country` (ISO 3166-1 alpha-2, lower case) is where a number without international prefix belongs. Raises
    Unusable.
    """
    if usual := usual_digits(text):
        return usual, ""
    if (whole := _whole_decimal(text)) is not None:
        text = whole[1]
    raw = text.encode() if text.isascii() else b"?"
    if raw.translate(None, _HARMLESS):
        text = _cleared(text)
        raw = text.encode()
    digits = raw.translate(None, _NO_DIGITS).decode()
    if b"+" in raw and raw.rindex(b"+") > _first_digit(raw):
        raise Unusable("is more than one number")
    if raw.lstrip()[:1] == b"+" or digits.startswith("00"):
        return _international(digits.lstrip("0")), ""
    if country is not None:
        return _national(digits, country), ""
    return _sized(digits.lstrip("0")), NO_COUNTRY


def usual_digits(text: str) -> str:
    """The same of a number as most come: international, of a known length, nothing in it that needs a second look.
    Empty for any other."""
    if text[:1] != "+" or len(text) > _LONGEST_USUAL or not text.isascii():
        return ""
    digits = text[1:].replace(" ", "").replace("-", "").replace("/", "").lstrip("0")
    return digits if digits.isdigit() and len(digits) in _usual_lengths(digits[:4]) else ""


@lru_cache(maxsize=10000)
def _usual_lengths(beginning: str) -> frozenset[int]:
    """How many digits a number has in all that begins with these four; none where what follows its calling code is a
    zero, which needs a second look."""
    code = 1 if beginning[:1] in ("1", "7") else 2 if beginning[:2] in _TWO_DIGIT_CODES else 3
    if beginning[code : code + 1] == "0":
        return frozenset()
    return frozenset(code + one for one in _lengths(beginning[:code]) if SHORTEST <= code + one <= LONGEST)


def _first_digit(raw: bytes) -> int:
    """Where the first digit stands; the length of what holds none."""
    return len(raw) - len(raw.lstrip(_NO_DIGITS))


def _cleared(text: str) -> str:
    """The number in ASCII, without extension, words around it, and a trunk zero in brackets behind a calling code.
    Raises Unusable for words between its digits: two numbers, or none."""
    wide = unicodedata.normalize("NFKC", text[:200])
    wide = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in wide)
    if _power_of_ten(wide):
        raise Unusable("is written in powers of ten, and its last digits are lost")
    wide = _extension.sub("", wide)
    places = [at for at, one in enumerate(wide) if one in "0123456789"]
    if places and any(map(str.isalpha, wide[places[0] : places[-1]])):
        raise Unusable("has words between its digits")
    signs = "".join(one for one in wide if one in "0123456789+")
    if signs.startswith(("+", "00")):
        signs = "".join(one for one in _bracketed_zero.sub("", wide) if one in "0123456789+")
    return signs


def _sized(digits: str) -> str:
    if not digits:
        raise Unusable("holds no digits")
    if len(digits) < SHORTEST:
        raise Unusable(f"has fewer than {SHORTEST} digits")
    if len(digits) > LONGEST:
        raise Unusable(f"has more than {LONGEST} digits")
    return digits


def _international(digits: str) -> str:
    code = 1 if digits[:1] in ("1", "7") else 2 if digits[:2] in _TWO_DIGIT_CODES else 3
    if digits[code : code + 1] == "0" and len(digits) <= LONGEST + 1:
        # `+44 020 …`: a trunk zero that does not belong there, or Italy, where it does. The library knows.
        library = _library()
        with suppress(library.NumberParseException):
            digits = _e164(library.parse("+" + digits, None))
    _sized(digits)
    lengths = _lengths(digits[:code])
    if not lengths:
        raise Unusable("begins with no calling code")
    if len(digits) - code not in lengths:
        raise Unusable("has too few or too many digits for its country")
    return digits


@lru_cache(maxsize=2048)
def _lengths(code: str) -> frozenset[int]:
    """How many digits may follow a calling code; nothing for what is none."""
    library = _library()
    regions = library.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    plans = (
        library.PhoneMetadata.metadata_for_nongeo_region(int(code), None)
        if region == library.REGION_CODE_FOR_NON_GEO_ENTITY
        else library.PhoneMetadata.metadata_for_region(region, None)
        for region in regions
    )
    return frozenset(length for plan in plans if plan is not None for length in plan.general_desc.possible_length)


def _national(digits: str, country: str) -> str:
    if not SHORTEST - 3 <= len(digits.lstrip("0")) <= LONGEST + 5:
        return _sized(digits.lstrip("0"))
    library, region = _library(), country.upper()
    code = str(library.country_code_for_region(region) or "-")
    if digits.startswith(code) and _valid("+" + digits):
        return digits  # international already, only the plus sign is missing
    try:
        number = library.parse(digits, region)
    except library.NumberParseException:
        raise Unusable("is not a number of its country, and has no international prefix") from None
    length = library.is_possible_number_with_reason(number)
    if length == library.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise Unusable("has no area code")
    if length != library.ValidationResult.IS_POSSIBLE:
        raise Unusable("has too few or too many digits for its country")
    return _sized(_e164(number))


def _valid(text: str) -> bool:
    library = _library()
    try:
        return bool(library.is_valid_number(library.parse(text, None)))
    except library.NumberParseException:
        return False


def _e164(number: Any) -> str:
    library = _library()
    formatted: str = library.format_number(number, library.PhoneNumberFormat.E164)
    return formatted.removeprefix("+")


@lru_cache(maxsize=1)
def _library() -> Any:
    return import_module("phonenumbers")
