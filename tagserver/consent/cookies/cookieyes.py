"""CookieYes: `cookieyes-consent` with `consent:yes,action:yes,analytics:no,…`, or its older cookies
`cookielawinfo-checkbox-analytics=no`. Grammar as seen in cookies of public code; the purposes are those of the tool's
own script for Google's Consent Mode, which knows none for `performance` and `other`."""

from __future__ import annotations

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
    "necessary": NECESSARY,
    "functional": PREFERENCES,
    "analytics": STATISTICS,
    "advertisement": MARKETING,
}
OLD_PREFIX = "cookielawinfo-checkbox-"
OLD_CHOICE = "viewed_cookie_policy"

_WORDS = {"yes": True, "no": False}


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of CookieYes' cookie; of the older ones only where it is not there."""
    raw = cookies.get("cookieyes-consent")
    return _old(cookies) if not raw else [_read(raw)]


def _read(raw: str) -> Reading:
    pairs = [pair.partition(":") for pair in (plain_text(raw) or "").split(",")]
    fields = {name.strip(): word.strip() for name, _, word in pairs}
    refused = fields.get("consent") == "no"
    if len(fields) != len(pairs) or not all(colon for _, colon, _ in pairs):
        return unreadable("cookieyes", "form")
    said = {name: fields[name] for name in CATEGORIES if fields.get(name)}
    if not said.keys() <= {name for name, word in said.items() if word in _WORDS}:
        return unreadable("cookieyes", "categories")
    recorded = fields.get("action") == "yes"
    # Who has refused all has refused each, whatever stands there.
    given = [(name, _WORDS[word] and not (recorded and refused and name != "necessary")) for name, word in said.items()]
    return reading("cookieyes", answers(given, CATEGORIES), recorded=recorded)


def _old(cookies: Mapping[str, str]) -> list[Reading]:
    """The boxes are written before the visitor sees them; only the other cookie says that he chose."""
    said = {name: cookies[OLD_PREFIX + name] for name in CATEGORIES if OLD_PREFIX + name in cookies}
    if not said:
        return []
    words = {name: _WORDS.get(plain_text(raw) or "") for name, raw in said.items()}
    if None in words.values():
        return [unreadable("cookieyes", "categories")]
    choice = cookies.get(OLD_CHOICE)
    refused = choice is not None and choice != "yes"
    given = [(name, bool(word) and not (refused and name != "necessary")) for name, word in words.items()]
    return [reading("cookieyes", answers(given, CATEGORIES), recorded=choice is not None)]
