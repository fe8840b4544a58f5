"""Cookiebot's `CookieConsent`: `{stamp:'…',necessary:true,marketing:false,method:'explicit',…}`, which is no JSON; `-1`
where the visitor's region needs no consent, `0` where he did not accept. Grammar as seen in cookies of public code;
what the values mean by Cookiebot's page for developers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tagserver.consent.cookies.choice import (
    MARKETING,
    NECESSARY,
    OPTIONAL,
    PREFERENCES,
    STATISTICS,
    Answer,
    Purposes,
    answers,
    reading,
    unreadable,
)
from tagserver.consent.cookies.decoding import plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

CATEGORIES: Purposes = {
    "necessary": NECESSARY,
    "preferences": PREFERENCES,
    "statistics": STATISTICS,
    "marketing": MARKETING,
}

_FIELD = re.compile(r"\s*(\w+)\s*:\s*('[^']*'|[\w.\-]+)\s*(?:,|\Z)")


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of Cookiebot's cookie, if there is one."""
    if not (raw := cookies.get("CookieConsent")):
        return []
    text = (plain_text(raw) or "").strip()
    if text == "-1":
        return [reading("cookiebot", [Answer((*NECESSARY, *OPTIONAL), True, "-1")], recorded=False)]
    if text == "0":
        return [reading("cookiebot", [Answer(OPTIONAL, False, "0")])]
    fields = _fields(text)
    if fields is None:
        return [unreadable("cookiebot", "form")]
    said = {name: fields[name] for name in CATEGORIES if name in fields}
    if not said or not {"true", "false"}.issuperset(said.values()):
        return [unreadable("cookiebot", "categories")]
    # Its maker: where the method is not known, as in old cookies, consent is taken as implied.
    recorded = fields.get("method") == "'explicit'"
    given = answers([(name, word == "true") for name, word in said.items()], CATEGORIES)
    return [reading("cookiebot", given, recorded=recorded)]


def _fields(text: str) -> dict[str, str] | None:
    """Name → value as written, or None when it is not such a text, or says a thing twice."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    body, at = text[1:-1], 0
    fields: dict[str, str] = {}
    while at < len(body):
        found = _FIELD.match(body, at)
        if found is None or found[1] in fields:
            return None
        fields[found[1]] = found[2]
        at = found.end()
    return fields
