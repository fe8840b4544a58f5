"""One field of a person in one canonical form, hashed: the rules by which vendors know people.

A rule is one object for all destinations and events. So what an event's person has under it is worked out once, however
many vendors ask, and a destination's table of fields names the rule in place of code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar

from tagserver.event.hashing import (
    MOST,
    NOTHING,
    SHORTEST_HASH,
    Found,
    Normalise,
    arrived_hash,
    hash_field,
    hash_phone,
    hash_phones,
    hash_values,
    id_texts,
    several,
)
from tagserver.event.home import FIELDS as OF_HOME
from tagserver.event.home import home_of
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
from tagserver.event.phone import usual_digits
from tagserver.event.placeholder import SIGNS, WHY, is_placeholder, is_placeholder_name
from tagserver.event.places import country_code


def _group(value: Any) -> Mapping[str, Any]:
    """An object, or the first object of a list; nothing for everything else."""
    if type(value) is dict or value is None:
        return value or {}
    if isinstance(value, list):
        value = next((one for one in value if isinstance(one, Mapping)), None)
    return value if isinstance(value, Mapping) else {}


PHONE_DIGITS = "sha256_phone_digits"
"""Telephone numbers that came hashed as Meta wants them, as bare digits: `user_data` holds them beside those that
Google's form has hashed with the plus sign (`sha256_phone_number`), because neither ever equals the other."""
_UNKNOWN_COUNTRY = "is no country: write a code of ISO 3166-1 or the English name"
_NO_HASH = "is said to be a SHA-256, and is none"
NAMES = frozenset({"first_name", "last_name"})
_TWINS = frozenset({"email", "first_name", "last_name", "street"})
"""Fields that have a twin for hashes, such as `sha256_first_name`."""
PLACES: Mapping[str, tuple[bool, str, str | None]] = {
    field: (field not in ("email", "gender", "date_of_birth"), field, f"sha256_{field}" if field in _TWINS else None)
    for field in ("first_name", "last_name", "street", "city", "region", "postal_code", "country", "gender")
} | {
    "email": (False, "email", "sha256_email_address"),
    "date_of_birth": (False, "date_of_birth", None),
}
"""Field → whether the address has it, its name there, and that of its twin."""
FIELDS = tuple(PLACES)
"""What `Identity.hashed` and `Identity.plain` know; telephone numbers have methods of their own."""


@lru_cache(maxsize=1024)
def _in_country(normalise: Callable[[str, str | None], str], country: str | None) -> Normalise:
    """A rule that depends on the country, as a rule of that country: one function for all events."""
    return lambda text: normalise(text, country)


class Person:
    """What one event says of its person. `data` is the event's data in our spelling; `user` and `address` are the
    groups in it."""

    __slots__ = ("_found", "_own_ids", "address", "country", "data", "home", "user")

    country: str | None
    """ISO 3166-1 alpha-2 in lower case of the address, when it is there in the clear."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        user = data.get("user_data")
        self.user = user = user if type(user) is dict else _group(user)
        address = user.get("address")
        self.address = address = address if type(address) is dict else _group(address)
        self.home = home = home_of(address)
        self.country = home.country
        self._found: dict[Rule, Found] = home.found.copy()
        self._own_ids: Found | None = None

    def own_ids(self) -> Found:
        """The shop's own ids of the person, as they came, and sentences about what stood there and is none."""
        found = self._own_ids
        if found is None:
            said = self.user.get("external_id")
            if said is None:
                found = id_texts(self.data.get("user_id"))
            elif not (found := id_texts(said))[0]:
                ids, faults = id_texts(self.data.get("user_id"))
                found = ids, (*found[1], *faults)
            self._own_ids = found
        return found

    def with_country(self, country: str | None) -> tuple[list[Any], list[str]]:
        """The numbers whose country is known, and sentences about the others."""
        usable, faults = [], []
        for value in several(self.user.get("phone_number"))[:MOST]:
            text = str(value) if type(value) is int else value
            bare = type(text) is str and arrived_hash(text) is None and text.strip() != ""
            if bare and country is None and not text.strip().startswith(("+", "00", "tel:+")):
                faults.append("has no country code, and no default country is set")
            else:
                usable.append(text)
        return usable, faults


def _nothing(text: str) -> None:
    """The canonical form of what was to come hashed."""


MOST_VALUES = 4096
"""Of what is remembered of one rule."""


class Rule:
    """One field of a person in one canonical form, as some vendors want it hashed.

    What an event says under a rule is worked out once, however many vendors ask: `rule` gives one object for the same
    field and form. `in_country`: the form takes the address's country as well. `common`: many people share these values
    (a first name, a city), so what became of them is remembered from event to event.
    """

    __slots__ = (
        "at_home",
        "common",
        "fault",
        "field",
        "in_address",
        "in_country",
        "is_name",
        "known",
        "normalise",
        "twin",
    )
    elsewhere: ClassVar[bool] = False
    """Whether the field may stand outside of `user_data`, too."""

    def __init__(
        self,
        field: str,
        normalise: Callable[..., str | None],
        fault: str,
        *,
        in_country: bool = False,
        common: bool = False,
    ) -> None:
        self.in_address, self.field, self.twin = PLACES[field]
        self.normalise, self.fault = normalise, fault
        self.in_country, self.common = in_country, common
        self.known: dict[tuple[str, str | None], Found] = {}
        """What became of short texts that many share, in their country."""
        self.at_home = common and field in OF_HOME
        """Whether it makes the same of all who live at one place."""
        self.is_name = field in NAMES

    @property
    def place(self) -> str:
        """Where an event's `user_data` has the field: `email`, `address.city`."""
        return f"address.{self.field}" if self.in_address else self.field

    def find(self, who: Person) -> Found:
        """The hashes, and what is wrong with the values that have none."""
        group = who.address if self.in_address else who.user
        value = group.get(self.field)
        twin = None if self.twin is None else group.get(self.twin)
        if type(value) is str and twin is None and 0 < len(value) < SHORTEST_HASH and value.isascii():
            # The usual case: a short plain text, which can be neither a hash nor half a surrogate pair.
            country = who.country if self.in_country else None
            if self.common and (known := self.known.get((value, country))) is not None:
                return known
            if bare := value.strip():
                try:
                    if bare[0] in SIGNS and (is_placeholder_name if self.is_name else is_placeholder)(value):
                        raise Unusable(WHY)
                    canonical = self.normalise(value, country) if self.in_country else self.normalise(value)
                    if not canonical:
                        raise Unusable(self.fault)
                    found: Found = (sha256(canonical.encode()).hexdigest(),), ()
                except Unusable as problem:
                    found = (), (str(problem),)
                if self.common:
                    if len(self.known) >= MOST_VALUES:
                        self.known.clear()
                    self.known[value, country] = found
                return found
        if value is None and twin is None:
            return NOTHING
        normalise = _in_country(self.normalise, who.country) if self.in_country else self.normalise
        return hash_field(value, normalise, self.fault, twin, person_name=self.is_name)


@lru_cache(maxsize=1024)
def rule(
    field: str,
    normalise: Callable[..., str | None],
    fault: str = "is not usable",
    *,
    in_country: bool = False,
    common: bool = False,
) -> Rule:
    """The rule that hashes a field (one of `FIELDS`) in a canonical form. `fault`: the sentence where the form has none
    to give. Ask for rules with functions that stay: those of a module, not one that is made for an event."""
    return Rule(field, normalise, fault, in_country=in_country, common=common)


class PhoneRule(Rule):
    """Telephone numbers as bare digits. `default_country` (ISO 3166-1) counts where the address names none."""

    __slots__ = ("default_country",)

    def __init__(self, default_country: str | None) -> None:
        self.in_address, self.field, self.twin, self.at_home = False, "phone_number", "sha256_phone_number", False
        self.default_country = default_country

    def find(self, who: Person) -> Found:
        """A hash that came under `sha256_phone_number` is left out: Google hashes the number with its plus sign, which
        bare digits never equal."""
        user = who.user
        value = user.get("phone_number")
        if type(value) is str and (digits := usual_digits(value)):
            found: Found = (sha256(digits.encode()).hexdigest(),), ()
        else:
            found = hash_phone(value, who.country or self.default_country)
        if PHONE_DIGITS in user:
            known, wrong = hash_field(None, _nothing, _NO_HASH, user[PHONE_DIGITS])
            found = tuple(dict.fromkeys((*found[0], *known))), (*found[1], *wrong)
        if "sha256_phone_number" in user and user["sha256_phone_number"] not in (None, "", []):
            found = (found[0], (*found[1], "sha256_phone_number is a hash with the plus sign, which never matches"))
        return found


class PhonePlusRule(PhoneRule):
    """Telephone numbers in E.164 with the plus sign. Numbers whose country is unknown are left out: a plus sign in
    front of them would invent one."""

    __slots__ = ()

    def find(self, who: Person) -> Found:
        """What came hashed is kept: it has the plus sign."""
        value = who.user.get("phone_number")
        hashed = "sha256_phone_number" in who.user or PHONE_DIGITS in who.user
        if type(value) is str and not hashed and (digits := usual_digits(value)):
            return (sha256(f"+{digits}".encode()).hexdigest(),), ()
        country = who.country or self.default_country
        usable, faults = who.with_country(country)
        hashes, more = hash_phones(usable, country, plus=True)
        twin, wrong = hash_field(None, _nothing, _NO_HASH, who.user.get("sha256_phone_number"))
        if who.user.get(PHONE_DIGITS) not in (None, "", []):
            wrong = (*wrong, f"{PHONE_DIGITS} is a hash without the plus sign, which never matches")
        return (tuple(dict.fromkeys((*hashes, *twin))), (*faults, *more, *wrong))


class OwnIdRule(Rule):
    """The shop's own ids of the person, those of `external_id`, else `user_id`; in the clear where there is no form."""

    __slots__ = ("in_clear",)
    elsewhere = True

    def __init__(self, normalise: Normalise | None) -> None:
        self.in_address, self.field, self.twin, self.at_home = False, "external_id", None, False
        self.normalise: Callable[..., str | None] = normalise or str
        self.in_clear = normalise is None

    def find(self, who: Person) -> Found:
        """32 hex digits are a customary id (a UUID without dashes) and no wrong hash."""
        ids, wrong = own = who.own_ids()
        if self.in_clear or not ids:
            return own
        first, *more = ids
        if not more and len(first) < SHORTEST_HASH and (text := self.normalise(first)):
            return (sha256(text.encode()).hexdigest(),), wrong
        hashes, faults = hash_values(list(ids), self.normalise, "is no id", md5=False)
        return hashes, (*wrong, *faults)


phone_rule = lru_cache(maxsize=512)(PhoneRule)
phone_plus_rule = lru_cache(maxsize=512)(PhonePlusRule)
own_id_rule = lru_cache(maxsize=64)(OwnIdRule)


def _month_first(text: str) -> str:
    return birth_date_text(text)


def _day_first(text: str) -> str:
    return birth_date_text(text, day_first=True)


EMAIL = rule("email", email_text, "is no e-mail address")
FIRST_NAME = rule("first_name", name_text, "is no name", common=True)
LAST_NAME = rule("last_name", name_text, "is no name")
CITY = rule("city", city_text, "is no city", common=True)
REGION = rule("region", state_text, "is no region", in_country=True, common=True)
POSTAL_CODE = rule("postal_code", postal_text, "is no postal code", in_country=True, common=True)
COUNTRY = rule("country", country_code, _UNKNOWN_COUNTRY, common=True)
GENDER = rule("gender", gender_text, "is neither f nor m", common=True)
BIRTH_DATE = rule("date_of_birth", _month_first, "is no date of birth")
BIRTH_DATE_DAY_FIRST = rule("date_of_birth", _day_first, "is no date of birth")
EXTERNAL_ID = own_id_rule(str.strip)
OWN_IDS = own_id_rule(None)
"""Meta's rules, which most vendors share."""
