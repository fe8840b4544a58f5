"""Who an event is about: each identifier parsed once, hashed at most once, for all destinations.

A destination asks for a view (`email`, `phone`, `first_name` …) and gets hashes; what cannot be used is named with
its reason, never with its value. What arrived hashed stays as it is, in lower case. Any JSON value may stand in any
field: nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tagserver.event.hashing import (
    MOST,
    SHORTEST_HASH,
    Found,
    Normalise,
    arrived_hash,
    id_text,
    is_md5,
    plain_text,
)
from tagserver.event.identity_rules import (
    BIRTH_DATE,
    BIRTH_DATE_DAY_FIRST,
    CITY,
    COUNTRY,
    EMAIL,
    EXTERNAL_ID,
    FIRST_NAME,
    GENDER,
    LAST_NAME,
    NAMES,
    PHONE_DIGITS,
    PLACES,
    POSTAL_CODE,
    REGION,
    Person,
    Rule,
    phone_plus_rule,
    phone_rule,
    rule,
)
from tagserver.event.normalise import Unusable
from tagserver.event.phone import phone_digits
from tagserver.event.placeholder import is_placeholder, is_placeholder_name

HashField = tuple[str, Rule, Callable[[tuple[str, ...]], Any] | None]
"""A field of a payload, its rule, and what it holds of any hashes: None where it holds all of them as they are."""


class Identity(Person):
    """The identifiers of one event. `data` is the event's data in our spelling."""

    __slots__ = ()

    def found(self, rule: Rule) -> Found:
        """What there is under a rule."""
        found = self._found.get(rule)
        if found is None:
            found = self._found[rule] = rule.find(self)
            if rule.at_home:
                self.home.found[rule] = found
        return found

    def fill(self, made: dict[str, Any], fields: Iterable[HashField]) -> list[tuple[str, str]]:
        """Set fields of a payload to the hashes that the person has under their rules, and give for each that is left
        out or doubtful its name and why."""
        known, user, address = self._found, self.user, self.address
        faults: list[tuple[str, str]] = []
        for name, one, shaped in fields:
            if (found := known.get(one)) is None:
                group = address if one.in_address else user
                if one.field not in group and one.twin not in group and not one.elsewhere and PHONE_DIGITS not in group:
                    continue
                known[one] = found = one.find(self)
                if one.at_home:
                    self.home.found[one] = found
            hashes, wrong = found
            if hashes:
                made[name] = [*hashes] if shaped is None else shaped(hashes)
            if wrong:
                faults += [(name, fault) for fault in wrong]
        return faults

    @property
    def email(self) -> Found:
        """Hashes of the e-mail addresses: trimmed, lower case."""
        return self.found(EMAIL)

    def phone(self, default_country: str | None = None) -> Found:
        """Hashes of the telephone numbers as bare digits, see `PhoneRule`."""
        return self.found(phone_rule(default_country))

    def phone_plus(self, default_country: str | None = None) -> Found:
        """Hashes of the telephone numbers in E.164 with the plus sign, as Google, TikTok and Reddit want them."""
        return self.found(phone_plus_rule(default_country))

    def phone_plain(self, default_country: str | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The telephone numbers themselves in E.164 with the plus sign, for vendors that get them in the clear."""
        country = self.country or default_country
        usable, faults = self.with_country(country)
        numbers: list[str] = []
        for value in usable:
            if type(value) is str and arrived_hash(value) is None:
                try:
                    numbers.append("+" + phone_digits(value, country.lower() if country else None)[0])
                except Unusable as problem:
                    faults.append(str(problem))
        return tuple(dict.fromkeys(numbers)), tuple(faults)

    def hashed(self, field: str, normalise: Normalise, fault: str = "is not usable") -> Found:
        """Hashes of a field under a vendor's own rule, made once for each pair of field and rule.

        `field`: one of `FIELDS`. What arrived hashed is kept as it is, whatever the rule.
        """
        return self.found(rule(field, normalise, fault))

    def plain(self, field: str, normalise: Normalise | None = None) -> str | None:
        """The first value of a field in the clear, normalised; None when there is none, or when it came hashed."""
        in_address, name, _ = PLACES[field]
        group = self.address if in_address else self.user
        said = group.get(name)
        if said is None:
            return None
        for value in said[:MOST] if isinstance(said, list) else (said,):
            text = plain_text(value)
            if text is None or (len(text) >= SHORTEST_HASH and (arrived_hash(text) or is_md5(text.strip()))):
                continue
            if (is_placeholder_name if field in NAMES else is_placeholder)(text):
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
        return self.found(FIRST_NAME)

    @property
    def last_name(self) -> Found:
        """Hashes of the last name: lower case, no punctuation."""
        return self.found(LAST_NAME)

    @property
    def city(self) -> Found:
        """Hashes of the city: letters alone."""
        return self.found(CITY)

    @property
    def region(self) -> Found:
        """Hashes of the region: a code in the US and Canada, letters elsewhere."""
        return self.found(REGION)

    @property
    def postal_code(self) -> Found:
        """Hashes of the postal code: without blanks and dashes, five digits in the US."""
        return self.found(POSTAL_CODE)

    @property
    def country_hash(self) -> Found:
        """Hashes of the country's two letters."""
        return self.found(COUNTRY)

    @property
    def gender(self) -> Found:
        """Hashes of `f` or `m`."""
        return self.found(GENDER)

    def birth_date(self, *, day_first: bool = False) -> Found:
        """Hashes of the date of birth as YYYYMMDD. `day_first`: `3/2/1997` is 3 February."""
        return self.found(BIRTH_DATE_DAY_FIRST if day_first else BIRTH_DATE)

    @property
    def external_ids(self) -> tuple[str, ...]:
        """The shop's own ids of the person, as they came, numbers as text: those of `user_data.external_id`, else
        `user_id`; never `client_id`."""
        return self.own_ids()[0]

    @property
    def external_id_faults(self) -> tuple[str, ...]:
        """Sentences about what stood there and is no id."""
        return self.own_ids()[1]

    @property
    def external_id_hashes(self) -> Found:
        """Hashes of `external_ids`, trimmed and nothing else."""
        return self.found(EXTERNAL_ID)

    def identifiers(self, default_country: str | None = None) -> tuple[tuple[str, str], ...]:
        """(kind, text) of what identifies the person in the queue: hashes of e-mail and phone, `user_id`,
        `client_id`. Each text can be encoded.

        `default_country`: that of the destination, so that a national phone number has the hash that was sent.
        """
        found: list[tuple[str, str]] = []
        if self.user:
            for kind, rule in (("email", EMAIL), ("phone", phone_rule(default_country))):
                hashes, _ = self._found.get(rule) or self.found(rule)
                for one in hashes:
                    found.append((kind, one[:64]))  # without the appendix: it tells who made a hash, not whose it is
        for kind in ("user_id", "client_id"):
            if (text := id_text(self.data.get(kind))) is not None:
                found.append((kind, text))
        return tuple(found)
