"""Google's Additional Consent string: providers on Google's list that the IAB's list does not have.

`1~89.122`: consent for 89 and 122. `2~89.122~dv.61`: the same, and 61 was shown without consent. Source: Google,
"Additional Consent technical specification". It means nothing without a valid TC string beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tagserver.consent.strings.invalid import Invalid

LONGEST = 32 << 10
"""Characters of a string."""

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
    if len(text) > LONGEST:
        return Invalid(f"longer than {LONGEST} characters")
    if found := _FIRST.match(text):
        return AcString(1, _ids(found[1]), None)
    if found := _SECOND.match(text):
        return AcString(2, _ids(found[1]), _ids(found[2]))
    return Invalid("neither 1~numbers nor 2~numbers~dv.numbers, with dots between the numbers")


def _ids(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split("."))) if text else frozenset()
