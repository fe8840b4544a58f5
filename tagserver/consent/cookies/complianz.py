"""Complianz: one cookie for each category, `cmplz_marketing=allow`; the name may carry the site's id
(`cmplz_2_marketing`). Grammar as its own script writes it: a choice writes all categories, but statistics alone are
also allowed before there was one, where the site's settings want it so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tagserver.consent.cookies.choice import (
    MARKETING,
    NECESSARY,
    PREFERENCES,
    STATISTICS,
    Purposes,
    answers,
    reading,
    unreadable,
)
from tagserver.consent.cookies.decoding import plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

CATEGORIES: Purposes = {
    # Complianz calls functional what others call necessary: it is always allowed, so it is no answer to anything else.
    "functional": NECESSARY,
    "preferences": PREFERENCES,
    "statistics": STATISTICS,
    "marketing": MARKETING,
}

_NAME = re.compile(rf"cmplz_(?:[a-z0-9]{{1,20}}_)?({'|'.join(CATEGORIES)})\Z")
_WORDS = {"allow": True, "deny": False}


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """One reading of all of Complianz' cookies, if there are any."""
    said: list[tuple[str, bool]] = []
    for name, raw in cookies.items():
        if raw and (found := _NAME.match(name)):
            word = _WORDS.get(plain_text(raw) or "")
            if word is None:
                return [unreadable("complianz", found[1])]
            said.append((found[1], word))
    recorded = any(name != "statistics" or not allowed for name, allowed in said)
    return [reading("complianz", answers(said, CATEGORIES), recorded=recorded)] if said else []
