"""Who an event is about: each identifier parsed once, hashed at most once, for all destinations.

A destination asks for a view (`email`, `phone`, `first_name` …) and gets hashes; what cannot be used is named with its reason, never with its
value. What arrived hashed stays as it is, in lower case.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from tagserver.phone import phone_digits
from tagserver.places import compact, country_code, state_code

_HASH = re.compile(r"[0-9a-f]{64}\Z")
_HASH_WITH_APPENDIX = re.compile(r"[0-9a-f]{64}\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg)\Z")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
"""The hash of nothing, which broken senders make of missing values."""
LONGEST = 512

Found = tuple[tuple[str, ...], tuple[str, ...]]
"""Hashes of one field, without doubles, in order; and sentences about values that were left out."""


def sha256_hex(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, 64 lower-case hex digits."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


@lru_cache(maxsize=4096)
def _common_hash(text: str) -> str:
    """For values that many visitors share: countries, states, cities."""
    return sha256_hex(text)


def arrived_hash(value: Any) -> str | None:
    """The value as a SHA-256 that was made before it came here (64 hex digits, any case, perhaps an appendix), or None."""
    if type(value) is not str or len(value) < 64:
        return None
    text = value.strip()
    head, dot, appendix = text.partition(".")
    lower = head.lower()
    if not _HASH.match(lower):
        return None
    if dot and not _HASH_WITH_APPENDIX.match(f"{lower}.{appendix}"):
        return None
    return f"{lower}.{appendix}" if dot else lower


Normalise = Callable[[str], "str | None"]


def email_text(text: str) -> str | None:
    """Trimmed and lower case; one `@`, a dot in the domain, no blanks inside. Letters of any script are taken."""
    folded = text.strip().lower()
    name, at, domain = folded.partition("@")
    if not name or not at or "@" in domain or any(one.isspace() for one in folded):
        return None
    host, dot, last = domain.rpartition(".")
    return folded if host and dot and last else None


def name_text(text: str) -> str | None:
    """Lower case, without punctuation and blanks; letters of any script stay."""
    folded = unicodedata.normalize("NFC", text).lower()
    if folded.isascii() and folded.isalnum():
        return folded
    return "".join(one for one in folded if unicodedata.category(one)[0] not in "PZC") or None


def city_text(text: str) -> str | None:
    """Letters alone, lower case."""
    return compact(text) or None


def state_text(text: str) -> str | None:
    """The code of a US state or Canadian province, else the letters of the region's name."""
    return state_code(text) or None


def postal_text(text: str, country: str | None) -> str | None:
    """Lower case without blanks and dashes; five digits for the US, or where it looks like a ZIP or ZIP+4 and no country is known."""
    folded = "".join(text.split()).replace("-", "").lower()
    if (country == "us" or country is None) and folded.isascii() and folded.isdigit():
        zip_shape = len(folded) in (5, 9) and (len(folded) == 5 or "-" in text or country == "us")
        if country == "us" or zip_shape:
            folded = folded[:5]
    return folded or None


_GENDERS = {"f": "f", "female": "f", "woman": "f", "w": "f", "m": "m", "male": "m", "man": "m"}


def gender_text(text: str) -> str | None:
    """`f` or `m` for the letters and a few words; nothing else."""
    return _GENDERS.get(text.strip().lower())


_DATE_PARTS = re.compile(r"(\d{1,4})\D+(\d{1,2})\D+(\d{1,4})\Z")


def birth_date_text(text: str, *, day_first: bool = False) -> str | None:
    """YYYYMMDD of a date from 1900 on; of an unclear order the month comes first unless `day_first`."""
    folded = text.strip()
    if len(folded) == 8 and folded.isascii() and folded.isdigit():
        year, month, day = int(folded[:4]), int(folded[4:6]), int(folded[6:])
    else:
        found = _DATE_PARTS.match(folded.partition("T")[0])
        if not found:
            return None
        one, two, three = found.groups()
        if len(one) == 4:
            year, month, day = int(one), int(two), int(three)
        elif len(three) == 4:
            year = int(three)
            month, day = (int(two), int(one)) if day_first else (int(one), int(two))
            if month > 12 >= day:
                month, day = day, month
        else:
            return None
    try:
        moment = date(year, month, day)
    except ValueError:
        return None
    return moment.strftime("%Y%m%d") if moment.year >= 1900 else None


class Identity:
    """The identifiers of one event. `data` is the event's data in our spelling."""

    __slots__ = ("_address", "_found", "_user", "data")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        user = data.get("user_data")
        self._user: Mapping[str, Any] = user if isinstance(user, Mapping) else {}
        address = self._user.get("address")
        self._address: Mapping[str, Any] = address if isinstance(address, Mapping) else {}
        self._found: dict[Any, Found] = {}

    def _once(self, key: Any, make: Callable[[], Found]) -> Found:
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = make()
        return found

    @property
    def country(self) -> str | None:
        """ISO 3166-1 alpha-2 in lower case of the address, when it is there in the clear."""
        value = self._address.get("country")
        return country_code(value) if type(value) is str else None

    @property
    def email(self) -> Found:
        """Hashes of the e-mail addresses: trimmed, lower case."""
        return self._once(
            "email",
            lambda: hash_values(
                _several(self._user.get("email"), self._user.get("sha256_email_address")), email_text, "is no e-mail address"
            ),
        )

    def phone(self, default_country: str | None = None) -> Found:
        """Hashes of the telephone numbers as bare digits. `default_country` (ISO 3166-1) counts where the address names none."""
        return self._once(("phone", default_country), lambda: self._phones(default_country))

    def _phones(self, default_country: str | None) -> Found:
        country = (self.country or (default_country or "").lower()).upper() or None
        return hash_phones(_several(self._user.get("phone_number")), country)

    @property
    def first_name(self) -> Found:
        """Hashes of the first name: lower case, no punctuation."""
        return self._of_address("first_name", name_text, "sha256_first_name")

    @property
    def last_name(self) -> Found:
        """Hashes of the last name: lower case, no punctuation."""
        return self._of_address("last_name", name_text, "sha256_last_name")

    @property
    def city(self) -> Found:
        """Hashes of the city: letters alone."""
        return self._of_address("city", city_text)

    @property
    def region(self) -> Found:
        """Hashes of the region: a code in the US and Canada, letters elsewhere."""
        return self._of_address("region", state_text)

    @property
    def postal_code(self) -> Found:
        """Hashes of the postal code."""
        country = self.country
        return self._of_address("postal_code", lambda text: postal_text(text, country))

    @property
    def country_hash(self) -> Found:
        """Hashes of the country's two letters."""
        return self._of_address("country", country_code)

    @property
    def gender(self) -> Found:
        """Hashes of `f` or `m`."""
        return self._once(
            "gender", lambda: hash_values(_several(self._user.get("gender")), gender_text, "is neither f nor m", common=True)
        )

    def birth_date(self, *, day_first: bool = False) -> Found:
        """Hashes of the date of birth as YYYYMMDD."""
        return self._once(
            ("birth_date", day_first),
            lambda: hash_values(
                _several(self._user.get("date_of_birth")),
                lambda text: birth_date_text(text, day_first=day_first),
                "is no date of birth",
            ),
        )

    def _of_address(self, name: str, normalise: Normalise, hashed: str | None = None) -> Found:
        values = _several(self._address.get(name), self._address.get(hashed) if hashed else None)
        return self._once(
            name,
            lambda: hash_values(
                values, normalise, "is not usable", common=name in ("city", "region", "country", "postal_code")
            ),
        )

    @property
    def external_ids(self) -> tuple[str, ...]:
        """The shop's own ids of the person, as they came: `user_data.external_id`, else `user_id`."""
        given = _several(self._user.get("external_id")) or _several(self.data.get("user_id"))
        texts = (str(one) if type(one) is int else one for one in given)
        return tuple(dict.fromkeys(one for one in texts if type(one) is str and one.strip() and len(one) <= LONGEST))

    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """(kind, text) of what identifies the person in the queue: hashes of e-mail and phone, `user_id`, `client_id`."""
        found = [("email", one) for one in self.email[0]] if self._user else []
        if self._user:
            found += [("phone", one) for one in self.phone()[0]]
        for kind in ("user_id", "client_id"):
            value = self.data.get(kind)
            if type(value) is str:
                found.append((kind, value))
        return tuple(found)


def _several(*values: Any) -> list[Any]:
    """One list of values that may each be one, several, or nothing."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found.extend(value[:20])
        elif value is not None:
            found.append(value)
    return found


def hash_values(values: list[Any], normalise: Normalise, fault: str, *, common: bool = False) -> Found:
    """Hash each value after `normalise`, or take it as the hash it is; unusable ones are left out with a sentence."""
    hashes: list[str] = []
    faults: list[str] = []
    for value in values:
        made = arrived_hash(value)
        if made is None:
            made, why = _hash_one(value, normalise, fault, common)
            if why:
                faults.append(why)
        if made is not None and made.startswith(EMPTY_HASH):
            faults.append("is the hash of nothing")
            made = None
        if made is not None and made not in hashes:
            hashes.append(made)
    return tuple(hashes), tuple(faults)


def _hash_one(value: Any, normalise: Normalise, fault: str, common: bool) -> tuple[str | None, str | None]:
    if type(value) is int:
        value = str(value)
    if type(value) is not str:
        return None, "is not text"
    if not value.strip():
        return None, None  # empty counts as missing
    if len(value) > LONGEST:
        return None, "is too long"
    if _MD5.match(value.strip().lower()):
        return None, "is an MD5 hash, and SHA-256 is wanted"
    text = normalise(value)
    if not text:
        return None, fault
    return (_common_hash(text) if common else sha256_hex(text)), None


def hash_phones(values: list[Any], country: str | None) -> Found:
    """Hashes of telephone numbers as bare digits; `country` (ISO 3166-1, upper case) for numbers without an international prefix."""
    notes: list[str] = []

    def normalise(text: str) -> str | None:
        digits, why = phone_digits(text, country)
        if digits is not None and why is not None:
            notes.append(why)
        return digits

    hashes, faults = hash_values(values, normalise, "is no telephone number")
    return hashes, (*faults, *notes)
