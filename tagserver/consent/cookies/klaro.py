"""Klaro's `klaro`: JSON, service → true or false. It is written when the visitor chooses. Grammar as seen in cookies of
public code."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.consent.cookies.choice import of_vendors, unreadable
from tagserver.consent.cookies.decoding import json_object, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of Klaro's cookie, if there is one. Services are the site's: `consent.cmp_vendors`."""
    if not (raw := cookies.get("klaro")):
        return []
    value = json_object(plain_text(raw))
    if value is None:
        return [unreadable("klaro", "not_json")]
    if not all(isinstance(word, bool) for word in value.values()):
        return [unreadable("klaro", "services")]
    return [of_vendors("klaro", value, policy.cmp_vendors)]
