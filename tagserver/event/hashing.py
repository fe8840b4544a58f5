"""Hashes of what identifies people: made of canonical forms, kept when they arrived, never made of nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from math import isfinite
from typing import Any

from tagserver.event.normalise import Unusable
from tagserver.event.phone import phone_digits
from tagserver.event.placeholder import SIGNS, WHY, is_hash_of_nothing, is_placeholder, is_placeholder_name
from tagserver.system.text import is_text

SHORTEST_HASH = 32
"""Characters that an MD5 has, of all hashes the fewest."""
LONGEST = 512
MOST = 20
"""Characters of a value, and values of a field, that are believed."""

Found = tuple[tuple[str, ...], tuple[str, ...]]
"""Hashes of one field, without doubles, in order; and sentences about values that were left out or are doubtful."""

NOTHING: Found = ((), ())

Normalise = Callable[[str], "str | None"]
"""The canonical form of a text. Raises Unusable with the reason, or gives None when it has none to give."""

_sha256 = re.compile(r"([0-9a-fA-F]{64})(\.(?:[A-Za-z0-9_-]{8}|A[Qgw]|B[AQg]))?").fullmatch
_UNUSUAL = SIGNS.union("\x0b\x0c\x1c\x1d\x1e\x1f")
"""How an id begins that may be a placeholder, or nothing but blanks."""
is_md5 = re.compile(r"[0-9a-fA-F]{32}").fullmatch


def sha256_hex(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, 64 lower-case hex digits. Raises UnicodeEncodeError for half a surrogate pair."""
    return sha256(text.encode()).hexdigest()


def arrived_hash(value: Any) -> str | None:
    """The value as a SHA-256 that was made before it came here (64 hex digits, any case), or None.

    Meta's parameter builder marks its hashes with an appendix of eight characters, formerly one of six pairs:
    kept as it is.
    """
    if type(value) is not str or len(value) < 64 or (found := _sha256(value.strip())) is None:
        return None
    return found[1].lower() + (found[2] or "")


def hash_values(
    values: list[Any], normalise: Normalise, fault: str, *, md5: bool = True, person_name: bool = False
) -> Found:
    """Hash each value after `normalise`, or take it as the hash it is; unusable ones are left out with a sentence.

    `fault`: the sentence where `normalise` gives none. `md5`: 32 hex digits are somebody's MD5, which no vendor here
    takes. `person_name`: they are names of people, who may be called Null.
    """
    hashes: dict[str, None] = {}
    faults: list[str] = []
    for value in values[:MOST]:
        try:
            made = _hash_one(value, normalise, md5, person_name)
            if made is None:
                raise Unusable(fault)
            if made:
                hashes[made] = None
        except Unusable as problem:
            faults.append(str(problem))
    if len(values) > MOST:
        faults.append(f"has more than {MOST} values; the rest is left out")
    return tuple(hashes), tuple(faults)


def _hash_one(value: Any, normalise: Normalise, md5: bool, person_name: bool) -> str | None:
    """A hash; empty for a value that counts as missing, None for one that `normalise` has no form for."""
    if type(value) is int and abs(value) < 10**40:
        value = str(value)
    elif type(value) is float and value.is_integer() and abs(value) < 1e15:
        value = str(int(value))
    if value is None:
        return ""
    if type(value) is not str:
        raise Unusable("is not text")
    if len(value) > LONGEST:
        raise Unusable("is too long")
    if len(value) >= 32:
        made = arrived_hash(value)
        if made is not None:
            if is_hash_of_nothing(made[:64], person_name=person_name):
                raise Unusable("is the hash of nothing, or of what is written for it (undefined, null, …)")
            return made
        if md5 and is_md5(value.strip()):
            raise Unusable("is an MD5 hash, and SHA-256 is wanted")
    if not value or value.isspace():
        return ""
    if value[0] in SIGNS and (is_placeholder_name if person_name else is_placeholder)(value):
        raise Unusable(WHY)
    text = normalise(value)
    if not text:
        return None
    try:
        return sha256_hex(text)
    except UnicodeEncodeError:
        raise Unusable("is not valid text") from None


def hash_phones(values: list[Any], country: str | None, *, plus: bool = False) -> Found:
    """Hashes of telephone numbers as bare digits, or with a plus sign in front (`plus`); `country` (ISO 3166-1) for
    numbers without an international prefix."""
    notes: dict[str, None] = {}
    country = country.lower() if country else None

    def normalise(text: str) -> str:
        digits, note = phone_digits(text, country)
        if note:
            notes[note] = None
        return f"+{digits}" if plus else digits

    hashes, faults = hash_values(values, normalise, "is no telephone number")
    return hashes, (*faults, *notes)


def hash_phone(value: Any, country: str | None) -> Found:
    """A field of telephone numbers, as bare digits."""
    if value is None:
        return NOTHING
    if type(value) is not str or not is_short(value):
        return hash_phones(several(value), country)
    try:
        digits, note = phone_digits(value, country.lower() if country else None)
    except Unusable as problem:
        return (), (str(problem),)
    return (sha256(digits.encode()).hexdigest(),), (note,) if note else ()


def several(value: Any) -> list[Any]:
    """One list of a value that may be one, several, or nothing."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def is_short(value: Any) -> bool:
    """Whether this is the usual case: one short plain text, which can be neither a hash nor half a surrogate pair."""
    return type(value) is str and 0 < len(value) < SHORTEST_HASH and value.isascii() and not value.isspace()


def hash_field(value: Any, normalise: Normalise, fault: str, twin: Any = None, *, person_name: bool = False) -> Found:
    """One field and its twin that holds hashes by declaration (`sha256_email_address`)."""
    hashes, faults = hash_values(several(value), normalise, fault, person_name=person_name)
    if twin is not None:
        known, wrong = hash_values(several(twin), lambda _: None, "is said to be a SHA-256, and is none")
        hashes, faults = tuple(dict.fromkeys((*hashes, *known))), (*faults, *wrong)
    return hashes, faults


def plain_text(value: Any) -> str | None:
    """A text, or a number as text (4711.0 → `4711`); None when it is empty, too long or something else."""
    if type(value) is str:
        if not value or len(value) > LONGEST or value.isspace():
            return None
        return value if value.isascii() or is_text(value) else None
    if type(value) is int and abs(value) < 10**40:
        return str(value)
    if type(value) is float and isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def id_text(value: Any) -> str | None:
    """An id as text, numbers too; None when it is empty, no id, or stands for a missing one (`undefined`)."""
    if type(value) is str and value.isascii() and value and value[0] not in _UNUSUAL and len(value) <= LONGEST:
        return value  # plain ASCII can be encoded
    text = plain_text(value)
    return None if text is None or is_placeholder(text) else text


def id_texts(value: Any) -> Found:
    """The ids of a field that may hold one or several, without doubles, and sentences about what is none."""
    if type(value) is str:
        if value.isascii() and value and value[0] not in _UNUSUAL and len(value) <= LONGEST:
            return (value,), ()
        if (text := id_text(value)) is not None:
            return (text,), ()
    made: dict[str, None] = {}
    faults: dict[str, None] = {}
    for one in several(value)[:MOST]:
        if (text := id_text(one)) is not None:
            made[text] = None
        elif one is not None and one != "":
            faults[WHY if isinstance(one, str) and is_placeholder(one) else "is no id"] = None
    return tuple(made), tuple(faults)
