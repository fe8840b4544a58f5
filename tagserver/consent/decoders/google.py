"""Google's short strings: `gcs` and `gcd`, which repeat Consent Mode, and the Additional Consent string.

`G101` (gcs): a character each for ad_storage (denied) and analytics_storage (granted), as they were in effect.
`13r3r3r2r5` (gcd): a letter for each of four purposes, `r` is preset to denied and then granted. Neither is published
by Google; the forms are what its tags send. In the base64url alphabet the low four bits of a letter of `gcd` are two
codes, default and update: 01 none, 10 denied, 11 granted.

`1~89.122` (additional consent): consent for the providers 89 and 122 of Google's list, who are not on the IAB's.
`2~89.122~dv.61`: the same, and 61 was shown without consent. Source: Google, "Additional Consent technical
specification". It means nothing without a valid TC string beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.model.reading import Signal, State

_GCS_STATES: dict[str, State] = {"0": "denied", "1": "granted", "-": "unset"}
GCS_PURPOSES = ("ad_storage", "analytics_storage")
GCD_PURPOSES = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
"""The purposes that each of them speaks of, in the order of their characters."""
LONGEST_GCD = 32
LONGEST_AC = 32 << 10
"""Characters of a string."""


@dataclass(frozen=True, slots=True)
class Gcs:
    """The state of the two purposes that `gcs` knows, as it was in effect; the other ad purposes are not in it."""

    ad_storage: State
    analytics_storage: State

    def signals(self) -> dict[str, Signal]:
        """Purpose → explicit signal: `gcs` says what is in effect and hides whether it was preset."""
        states = {"ad_storage": self.ad_storage, "analytics_storage": self.analytics_storage}
        return {name: Signal(state, "explicit", state) for name, state in states.items() if state != "unset"}


def read_gcs(text: str) -> Gcs | Invalid:
    """Read four characters; everything else is no `gcs`."""
    if len(text) != 4 or not text.startswith("G1"):
        return Invalid("not G1 and two more characters")
    ads, analytics = _GCS_STATES.get(text[2]), _GCS_STATES.get(text[3])
    if ads is None or analytics is None:
        return Invalid("a character that is not 0, 1 or -")
    return Gcs(ads, analytics)


Update = Literal["granted", "denied"]


@dataclass(frozen=True, slots=True)
class GcdLetter:
    """What was preset for one purpose, and what the visitor chose; None where nothing was said. `known`: False for a
    letter that means nothing that we know."""

    default: Update | None = None
    update: Update | None = None
    known: bool = True

    @property
    def state(self) -> State:
        """What is in effect: the choice, else the preset."""
        return self.update or self.default or "unset"


_UNKNOWN = GcdLetter(known=False)
_LETTERS = {
    "l": GcdLetter(),
    "m": GcdLetter(None, "denied"),
    "n": GcdLetter(None, "granted"),
    "p": GcdLetter("denied", None),
    "q": GcdLetter("denied", "denied"),
    "r": GcdLetter("denied", "granted"),
    "t": GcdLetter("granted", None),
    "u": GcdLetter("granted", "denied"),
    "v": GcdLetter("granted", "granted"),
}
# The digits say nothing of consent, and what follows differs between versions of the tags.
_GCD = re.compile(r"1[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])")


@dataclass(frozen=True, slots=True)
class Gcd:
    """Purpose → letter, for each purpose that `gcd` knows."""

    letters: dict[str, GcdLetter]

    def signals(self) -> dict[str, Signal]:
        """Purpose → signal: what the visitor chose is explicit, what was only preset is a default."""
        found: dict[str, Signal] = {}
        for name, letter in self.letters.items():
            if letter.update is not None:
                found[name] = Signal(letter.update, "explicit", letter.update)
            elif letter.default is not None:
                found[name] = Signal(letter.default, "default", letter.default)
        return found

    def unknown(self) -> frozenset[str]:
        """The purposes whose letter means nothing that we know."""
        return frozenset(name for name, letter in self.letters.items() if not letter.known)


def read_gcd(text: str) -> Gcd | Invalid:
    """Read the four letters. A letter whose meaning is not known says nothing of its purpose."""
    if len(text) > LONGEST_GCD:
        return Invalid(f"longer than {LONGEST_GCD} characters")
    found = _GCD.match(text)
    if found is None:
        return Invalid("not 1 and four times a digit and a letter")
    letters = (_LETTERS.get(letter, _UNKNOWN) for letter in found.groups())
    return Gcd(dict(zip(GCD_PURPOSES, letters, strict=True)))


_IDS = r"(?:[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*)?"
_FIRST = re.compile(rf"1~({_IDS})\Z")
# A string that was cut off before its last part does not fit.
_SECOND = re.compile(rf"2~({_IDS})~dv\.({_IDS})\Z")


@dataclass(frozen=True, slots=True)
class AcString:
    """Providers by their numbers in Google's list. `disclosed` were shown without consent; None in version 1, which
    does not say."""

    version: int
    consented: frozenset[int]
    disclosed: frozenset[int] | None


def read_ac(text: str) -> AcString | Invalid:
    """Read either version. Nothing shows that the end of a version 1 was cut off; version 2 mends that."""
    if len(text) > LONGEST_AC:
        return Invalid(f"longer than {LONGEST_AC} characters")
    if found := _FIRST.match(text):
        return AcString(1, _ids(found[1]), None)
    if found := _SECOND.match(text):
        return AcString(2, _ids(found[1]), _ids(found[2]))
    return Invalid("neither 1~numbers nor 2~numbers~dv.numbers, with dots between the numbers")


def _ids(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split("."))) if text else frozenset()
