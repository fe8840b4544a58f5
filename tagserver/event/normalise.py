"""One canonical text for each thing that identifies a person, so that everybody who hashes it gets the same hash.

Every function takes the text as a person typed it and gives its canonical form, or raises Unusable with a
sentence that says what is wrong and never repeats the value. The rules are those of Meta's customer
information parameters, which most vendors share; phone numbers have a module of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

from tagserver.event.places import region_code


class Unusable(ValueError):
    """This text is not what its field promises; the exception's text says why, without the value."""


def email_form(text: str) -> str:
    """`" Erika@Example.COM "` → `erika@example.com`: the form of an e-mail address, or a part of one, in which it is
    hashed and compared. Whether it is one is another question."""
    return text.strip().lower()


def email_text(text: str) -> str:
    """`" Erika@Example.COM "` → `erika@example.com`. Dots and plus signs stay: only some vendors fold them,
    each its own way.

    Letters of any script are taken; what cannot be an address is Unusable: one @, a dot in the domain, no blank.
    """
    text = text.strip().lower()
    local, at, domain = text.partition("@")
    if not at or not local or "@" in domain:
        raise Unusable("is not an e-mail address: it needs exactly one @ with something before it")
    if "." not in domain or domain[0] == "." or domain[-1] == ".":
        raise Unusable("is not an e-mail address: its domain needs a dot between two names")
    if " " in text or not text.isprintable():
        raise Unusable("is not an e-mail address: it holds a blank")
    return text


_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def email_gmail_dots_text(text: str) -> str:
    """The same without the dots in front of gmail.com and googlemail.com, which Gmail ignores (GA4's rule)."""
    local, _, domain = email_text(text).partition("@")
    return f"{_some(local.replace('.', ''))}@{domain}" if domain in _GMAIL else f"{local}@{domain}"


def email_gmail_alias_text(text: str) -> str:
    """The same without dots and without `+suffix` in front of Gmail's domains (Google's rule for its Data Manager)."""
    local, _, domain = email_text(text).partition("@")
    if domain in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{_some(local)}@{domain}"


def email_bare_text(text: str) -> str:
    """In front of any domain cut at the first plus sign, and letters and digits alone (Reddit's rule)."""
    local, _, domain = email_text(text).partition("@")
    return f"{_some(''.join(filter(str.isalnum, local.partition('+')[0])))}@{domain}"


def email_folded_text(text: str) -> str:
    """In front of any domain without dots and cut at the first plus sign (Microsoft's rule)."""
    local, _, domain = email_text(text).partition("@")
    return f"{_some(local.partition('+')[0].replace('.', ''))}@{domain}"


def _some(local: str) -> str:
    if not local:
        raise Unusable("is not an e-mail address: nothing is left before the @")
    return local


def lower_text(text: str) -> str:
    """Trimmed and in lower case, nothing else."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip().lower()


def compact_text(text: str) -> str:
    """In lower case and without blanks."""
    return "".join(lower_text(text).split())


@lru_cache(maxsize=4096)
def _is_letter(one: str) -> bool:
    return one == " " or unicodedata.category(one)[0] in "LM" or one in _INVISIBLE_LETTERS


def letters_text(text: str) -> str:
    """In lower case, without digits and symbols; blanks between words stay (GA4's rule for names)."""
    return " ".join("".join(filter(_is_letter, lower_text(text))).split())


def street_text(text: str) -> str:
    """Street and number in lower case, without symbols; blanks between words stay (GA4's rule)."""
    return " ".join("".join(filter(_in_a_street, lower_text(text))).split())


@lru_cache(maxsize=4096)
def _in_a_street(one: str) -> bool:
    return one.isspace() or unicodedata.category(one)[0] in "LMN"


def digits_text(text: str) -> str:
    """The digits alone (Pinterest's rule for postal codes)."""
    return "".join(one for one in text if one in "0123456789")


_INVISIBLE_LETTERS = "\u200c\u200d"
"""The joiners of Persian and Indic scripts: invisible, but part of the spelling."""


@lru_cache(maxsize=4096)
def _in_a_name(one: str) -> bool:
    """Whether a character belongs to a name: no punctuation, blank, control character or free-standing accent."""
    kind = unicodedata.category(one)
    if one.isascii():
        return one.isalnum()
    return (kind[0] not in "PZ" and kind not in ("Cc", "Cf", "Sk", "Cs")) or one in _INVISIBLE_LETTERS


@lru_cache(maxsize=4096)
def _in_a_place(one: str) -> bool:
    """Whether a character belongs to a city or region: letters of any script with their marks."""
    return unicodedata.category(one)[0] in "LM" or one in _INVISIBLE_LETTERS


def _kept(text: str, keep: Callable[[str], bool], *, lower: bool = True) -> str:
    text = unicodedata.normalize("NFC", text)
    if lower:
        text = text.lower()
    text = unicodedata.normalize("NFC", "".join(filter(keep, text)))
    if not text or not any(map(str.isalnum, text)):
        raise Unusable("holds no letters")
    return text


def name_text(text: str) -> str:
    """A first or last name: `" O'Neil-Smith "` → `oneilsmith`, `Valéry` → `valéry`. Digits stay, letters of
    any script too."""
    text = text.strip()
    if text.isascii() and text.isalpha():
        return text.lower()
    return _kept(text, _in_a_name)


def name_case_text(text: str) -> str:
    """The same with its case, for vendors that keep it: `" O'Neil-Smith "` → `ONeilSmith`."""
    return _kept(text, _in_a_name, lower=False)


def trimmed_text(text: str) -> str:
    """As it was typed, but for blanks around it: nothing of its case or its marks is changed."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise Unusable("is empty")
    return text


@lru_cache(maxsize=4096)
def city_text(text: str) -> str:
    """`São Paulo` → `sãopaulo`, `St. John's` → `stjohns`, `Wien 1010` → `wien`."""
    return _kept(text, _in_a_place)


@lru_cache(maxsize=4096)
def state_text(text: str, country: str | None = None) -> str:
    """A US state or Canadian province as its code (`California` → `ca`), any other region by its letters, uncut.

    `country`: alpha-2, lower case, when known.
    """
    return region_code(text, country) or _kept(text, _in_a_place)


_zip = re.compile(r"([0-9]{5})(?:-[0-9]{4})?").fullmatch


@lru_cache(maxsize=4096)
def postal_text(text: str, country: str | None) -> str:
    """`M1 1AE` → `m11ae`; of the United States the first five digits, also of a ZIP+4 whose country is unknown."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join("-" if unicodedata.category(one) == "Pd" else one for one in text)
    text = "".join(text.lower().split())
    if country is None and (found := _zip(text)):
        return found[1]
    text = text.replace("-", "")
    if not any(map(str.isalnum, text)):
        raise Unusable("holds no letters or digits")
    if country == "us":
        if not _zip(text[:5]):
            raise Unusable("is not a ZIP code of the United States, which begins with five digits")
        return text[:5]
    return text


_GENDERS: Mapping[str, str] = {
    word: letter
    for letter, words in {
        "f": "f female woman girl w weiblich frau femme féminin mujer femenino femminile donna vrouw kvinna kobieta",
        "m": "m male man boy männlich mann herr homme masculin hombre masculino maschile uomo mannelijk mężczyzna",
    }.items()
    for word in words.split()
}


def gender_text(text: str) -> str:
    """`f` or `m`, from a few words of a few languages. What is neither is Unusable: the vendors know no third."""
    letter = _GENDERS.get(text.strip().rstrip(".").lower())
    if letter is None:
        raise Unusable("is neither f nor m, the only two that vendors take")
    return letter


_MONTHS = {
    word: number
    for number, word in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_time_behind = re.compile(r"(?<=[0-9])[t ][0-9]{1,2}:[0-9]{2}.*", re.DOTALL)
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_part = re.compile(r"[0-9]+|[a-z]+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def birth_date_text(text: str, *, day_first: bool = False) -> str:
    """`2/16/1997`, `1997-02-16`, `16 Feb 1997` → `19970216`. `day_first` decides only where both readings are
    dates."""
    if len(text) > 40:
        raise Unusable("is not a date")
    text = _time_behind.sub("", unicodedata.normalize("NFKC", text).strip().lower())
    parts = [part for part in _part.findall(text) if part not in _ORDINALS]
    if len(parts) == 1 and len(parts[0]) == 8 and parts[0].isdigit():
        parts = _unglued(parts[0])
    if len(parts) != 3:
        raise Unusable("is not a date with year, month and day")
    named = [index for index, part in enumerate(parts) if part.isalpha()]
    if named:
        year, month, day = _with_month_name(parts, named)
    elif len(parts[0]) == 4:
        year, month, day = (int(part) for part in parts)
    elif len(parts[2]) == 4:
        year, first, second = int(parts[2]), int(parts[0]), int(parts[1])
        month_first = second > 12 if max(first, second) > 12 else not day_first
        month, day = (first, second) if month_first else (second, first)
    else:
        raise Unusable("is a date without a year of four digits")
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise Unusable(f"is a date before {_FIRST_YEAR} or after {_LAST_YEAR}")
    try:
        return date(year, month, day).strftime("%Y%m%d")
    except (ValueError, OverflowError):
        raise Unusable("is a date that does not exist") from None


def _unglued(digits: str) -> list[str]:
    if _FIRST_YEAR <= int(digits[:4]) <= _LAST_YEAR:
        return [digits[:4], digits[4:6], digits[6:]]
    return [digits[:2], digits[2:4], digits[4:]]


def _with_month_name(parts: list[str], named: list[int]) -> tuple[int, int, int]:
    month = _MONTHS.get(parts[named[0]][:3])
    numbers = [part for index, part in enumerate(parts) if index != named[0]]
    if month is None or len(named) != 1:
        raise Unusable("is not a date with year, month and day")
    years = [part for part in numbers if len(part) == 4]
    if len(years) != 1:
        raise Unusable("is a date without a year of four digits")
    numbers.remove(years[0])
    return int(years[0]), month, int(numbers[0])
