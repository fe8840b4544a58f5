"""Google's `gcd`: a letter for each of four purposes, which says what was preset and what the visitor then chose.

`13r3r3r2r5`: four times `r`, preset to denied and then granted. Not published by Google; the form is what its tags
send. In the base64url alphabet the low four bits of a letter are the two answers: 01 none, 10 denied, 11 granted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tagserver.consent.state import State
from tagserver.consent.strings.invalid import Invalid

LONGEST = 32
"""Characters of a string."""

Answer = Literal["granted", "denied"]


@dataclass(frozen=True, slots=True)
class Answers:
    """What was preset for one purpose, and what the visitor chose; None where nothing was said. `known`: False for a
    letter that means nothing that we know."""

    default: Answer | None = None
    update: Answer | None = None
    known: bool = True

    @property
    def state(self) -> State:
        """What is in effect: the choice, else the preset."""
        return self.update or self.default or "unset"


@dataclass(frozen=True, slots=True)
class Gcd:
    """The answers for each purpose that `gcd` knows."""

    ad_storage: Answers
    analytics_storage: Answers
    ad_user_data: Answers
    ad_personalization: Answers


_SILENT = Answers()
_UNKNOWN = Answers(known=False)
_LETTERS = {
    "l": _SILENT,
    "m": Answers(None, "denied"),
    "n": Answers(None, "granted"),
    "p": Answers("denied", None),
    "q": Answers("denied", "denied"),
    "r": Answers("denied", "granted"),
    "t": Answers("granted", None),
    "u": Answers("granted", "denied"),
    "v": Answers("granted", "granted"),
}
# The digits say nothing of consent, and what follows differs between versions of the tags.
_FORM = re.compile(r"1[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])[0-9]([a-z])")


def read_gcd(text: str) -> Gcd | Invalid:
    """Read the four letters. A letter whose meaning is not known says nothing of its purpose."""
    if len(text) > LONGEST:
        return Invalid(f"longer than {LONGEST} characters")
    found = _FORM.match(text)
    if found is None:
        return Invalid("not 1 and four times a digit and a letter")
    return Gcd(*(_LETTERS.get(letter, _UNKNOWN) for letter in found.groups()))
