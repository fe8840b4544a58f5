"""Who an event is about: each identifier parsed once, hashed at most once, for all destinations.

A destination asks for a view (`email`, `phone`, `first_name` …) and gets hashes; what cannot be used is named with
its reason, never with its value. What arrived hashed stays as it is, in lower case. Any JSON value may stand in any
field: nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tagserver.event.hashing import (
    LONGEST,
    MOST,
    Found,
    Normalise,
    arrived_hash,
    hash_common,
    hash_field,
    hash_phone,
    hash_phones,
    hash_values,
    id_text,
    id_texts,
    is_md5,
    plain_text,
    several,
    sha256_hex,
)
from tagserver.event.normalise import (
    Unusable,
    birth_date_text,
    city_text,
    email_text,
    gender_text,
    name_text,
    postal_text,
    state_text,
)
from tagserver.event.phone import phone_digits
from tagserver.event.placeholder import is_placeholder, is_placeholder_name
from tagserver.event.places import country_code

__all__ = [
    "Found",
    "Identity",
    "Unusable",
    "arrived_hash",
    "birth_date_text",
    "city_text",
    "email_text",
    "gender_text",
    "hash_phones",
    "hash_values",
    "name_text",
    "postal_text",
    "sha256_hex",
    "state_text",
]


def _group(value: Any) -> Mapping[str, Any]:
    """An object, or the first object of a list; nothing for everything else."""
    if isinstance(value, list):
        value = next((one for one in value if isinstance(one, Mapping)), None)
    return value if isinstance(value, Mapping) else {}


_UNKNOWN_COUNTRY = "is no country: write a code of ISO 3166-1 or the English name"


_PLACES: Mapping[str, tuple[str, str, str | None]] = {
    "email": ("user", "email", "sha256_email_address"),
    "first_name": ("address", "first_name", "sha256_first_name"),
    "last_name": ("address", "last_name", "sha256_last_name"),
    "street": ("address", "street", "sha256_street"),
    "city": ("address", "city", None),
    "region": ("address", "region", None),
    "postal_code": ("address", "postal_code", None),
    "country": ("address", "country", None),
    "gender": ("user", "gender", None),
    "date_of_birth": ("user", "date_of_birth", None),
}
FIELDS = tuple(_PLACES)
"""What `Identity.hashed` and `Identity.plain` know; telephone numbers have methods of their own."""


_NAMES = frozenset({"first_name", "last_name"})


@lru_cache(maxsize=1024)
def _in_country(normalise: Callable[[str, str | None], str], country: str | None) -> Normalise:
    """A rule that depends on the country, as a rule of that country: one function for all events."""
    return lambda text: normalise(text, country)


class Identity:
    """The identifiers of one event. `data` is the event's data in our spelling."""

    __slots__ = ("_address", "_found", "_user", "country", "data")

    country: str | None
    """ISO 3166-1 alpha-2 in lower case of the address, when it is there in the clear."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self._user = _group(data.get("user_data"))
        self._address = _group(self._user.get("address"))
        self._found: dict[Any, Found] = {}
        country = self._address.get("country")
        if isinstance(country, list):
            country = next((one for one in country if type(one) is str), None)
        self.country = country_code(country) if type(country) is str and len(country) <= LONGEST else None

    @property
    def email(self) -> Found:
        """Hashes of the e-mail addresses: trimmed, lower case."""
        found = self._found.get("email")
        if found is None:
            user = self._user
            found = hash_field(user.get("email"), email_text, "is no e-mail address", user.get("sha256_email_address"))
            self._found["email"] = found
        return found

    def phone(self, default_country: str | None = None) -> Found:
        """Hashes of the telephone numbers as bare digits. `default_country` (ISO 3166-1) counts where the
        address names none.

        `sha256_phone_number` is left out: Google hashes the number with its plus sign, which bare digits never equal.
        """
        key = ("phone", self.country or default_country)
        found = self._found.get(key)
        if found is None:
            found = hash_phone(self._user.get("phone_number"), key[1])
            if self._user.get("sha256_phone_number") not in (None, "", []):
                found = (found[0], (*found[1], "sha256_phone_number is a hash with the plus sign, which never matches"))
            self._found[key] = found
        return found

    def phone_plus(self, default_country: str | None = None) -> Found:
        """Hashes of the telephone numbers in E.164 with the plus sign, as Google, TikTok and Reddit want them.

        Numbers whose country is unknown are left out: a plus sign in front of them would invent one.
        """
        country = self.country or default_country
        key = ("phone_plus", country)
        found = self._found.get(key)
        if found is None:
            usable, faults = self._with_country(country)
            hashes, more = hash_phones(usable, country, plus=True)
            twin, wrong = hash_field(
                None, lambda _: None, "is said to be a SHA-256, and is none", self._user.get("sha256_phone_number")
            )
            found = self._found[key] = (tuple(dict.fromkeys((*hashes, *twin))), (*faults, *more, *wrong))
        return found

    def phone_plain(self, default_country: str | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The telephone numbers themselves in E.164 with the plus sign, for vendors that get them in the clear."""
        country = self.country or default_country
        usable, faults = self._with_country(country)
        numbers: list[str] = []
        for value in usable:
            if type(value) is str and arrived_hash(value) is None:
                try:
                    numbers.append("+" + phone_digits(value, country.lower() if country else None)[0])
                except Unusable as problem:
                    faults.append(str(problem))
        return tuple(dict.fromkeys(numbers)), tuple(faults)

    def _with_country(self, country: str | None) -> tuple[list[Any], list[str]]:
        """The numbers whose country is known, and sentences about the others."""
        usable, faults = [], []
        for value in several(self._user.get("phone_number"))[:MOST]:
            text = str(value) if type(value) is int else value
            bare = type(text) is str and arrived_hash(text) is None and text.strip() != ""
            if bare and country is None and not text.strip().startswith(("+", "00", "tel:+")):
                faults.append("has no country code, and no default country is set")
            else:
                usable.append(text)
        return usable, faults

    def hashed(self, field: str, normalise: Normalise, fault: str = "is not usable") -> Found:
        """Hashes of a field under a vendor's own rule, made once for each pair of field and rule.

        `field`: one of `FIELDS`. What arrived hashed is kept as it is, whatever the rule.
        """
        key = (field, normalise)
        found = self._found.get(key)
        if found is None:
            place, name, twin = _PLACES[field]
            group = self._address if place == "address" else self._user
            hashed = group.get(twin) if twin else None
            found = hash_field(group.get(name), normalise, fault, hashed, person_name=field in _NAMES)
            self._found[key] = found
        return found

    def plain(self, field: str, normalise: Normalise | None = None) -> str | None:
        """The first value of a field in the clear, normalised; None when there is none, or when it came hashed."""
        place, name, _ = _PLACES[field]
        group = self._address if place == "address" else self._user
        for value in several(group.get(name))[:MOST]:
            text = plain_text(value)
            if text is None or arrived_hash(text) is not None or is_md5(text.strip()):
                continue
            if (is_placeholder_name if field in _NAMES else is_placeholder)(text):
                continue
            try:
                made = normalise(text) if normalise else text.strip()
            except Unusable:
                continue
            if made:
                return made
        return None

    @property
    def first_name(self) -> Found:
        """Hashes of the first name: lower case, no punctuation."""
        found = self._found.get("first_name")
        if found is None:
            address = self._address
            twin = address.get("sha256_first_name")
            found = self._found["first_name"] = hash_field(
                address.get("first_name"), name_text, "is no name", twin, person_name=True
            )
        return found

    @property
    def last_name(self) -> Found:
        """Hashes of the last name: lower case, no punctuation."""
        found = self._found.get("last_name")
        if found is None:
            address = self._address
            twin = address.get("sha256_last_name")
            found = self._found["last_name"] = hash_field(
                address.get("last_name"), name_text, "is no name", twin, person_name=True
            )
        return found

    @property
    def city(self) -> Found:
        """Hashes of the city: letters alone."""
        found = self._found.get("city")
        if found is None:
            found = hash_common(self._address.get("city"), city_text, "is no city")
            self._found["city"] = found
        return found

    @property
    def region(self) -> Found:
        """Hashes of the region: a code in the US and Canada, letters elsewhere."""
        found = self._found.get("region")
        if found is None:
            rule = _in_country(state_text, self.country)
            found = hash_common(self._address.get("region"), rule, "is no region")
            self._found["region"] = found
        return found

    @property
    def postal_code(self) -> Found:
        """Hashes of the postal code: without blanks and dashes, five digits in the US."""
        found = self._found.get("postal_code")
        if found is None:
            rule = _in_country(postal_text, self.country)
            found = hash_common(self._address.get("postal_code"), rule, "is no postal code")
            self._found["postal_code"] = found
        return found

    @property
    def country_hash(self) -> Found:
        """Hashes of the country's two letters."""
        found = self._found.get("country")
        if found is None:
            found = hash_common(self._address.get("country"), country_code, _UNKNOWN_COUNTRY)
            self._found["country"] = found
        return found

    @property
    def gender(self) -> Found:
        """Hashes of `f` or `m`."""
        found = self._found.get("gender")
        if found is None:
            found = hash_common(self._user.get("gender"), gender_text, "is neither f nor m")
            self._found["gender"] = found
        return found

    def birth_date(self, *, day_first: bool = False) -> Found:
        """Hashes of the date of birth as YYYYMMDD. `day_first`: `3/2/1997` is 3 February."""
        key = ("birth_date", day_first)
        found = self._found.get(key)
        if found is None:
            value = self._user.get("date_of_birth")
            found = hash_field(value, lambda text: birth_date_text(text, day_first=day_first), "is no date of birth")
            self._found[key] = found
        return found

    @property
    def external_ids(self) -> tuple[str, ...]:
        """The shop's own ids of the person, as they came, numbers as text: those of `user_data.external_id`, else
        `user_id`; never `client_id`."""
        return self._own_ids()[0]

    @property
    def external_id_faults(self) -> tuple[str, ...]:
        """Sentences about what stood there and is no id."""
        return self._own_ids()[1]

    def _own_ids(self) -> Found:
        found = self._found.get("own_ids")
        if found is None:
            found = id_texts(self._user.get("external_id"))
            if not found[0]:
                ids, faults = id_texts(self.data.get("user_id"))
                found = ids, (*found[1], *faults)
            self._found["own_ids"] = found
        return found

    @property
    def external_id_hashes(self) -> Found:
        """Hashes of `external_ids`, trimmed and nothing else. 32 hex digits are a customary id (a UUID without dashes)
        and no wrong hash."""
        found = self._found.get("external_id")
        if found is None:
            ids, wrong = self._own_ids()
            hashes, faults = hash_values(list(ids), str.strip, "is no id", md5=False)
            found = self._found["external_id"] = (hashes, (*wrong, *faults))
        return found

    def identifiers(self, default_country: str | None = None) -> tuple[tuple[str, str], ...]:
        """(kind, text) of what identifies the person in the queue: hashes of e-mail and phone, `user_id`,
        `client_id`.

        `default_country`: that of the destination, so that a national phone number has the hash that was sent.
        """
        found: list[tuple[str, str]] = []
        if self._user:
            # Without the appendix: it tells who made a hash, not whose it is.
            found += [("email", one[:64]) for one in self.email[0]]
            found += [("phone", one[:64]) for one in self.phone(default_country)[0]]
        for kind in ("user_id", "client_id"):
            text = id_text(self.data.get(kind))
            if text is not None:
                found.append((kind, text))
        return tuple(found)
