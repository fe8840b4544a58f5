"""OneTrust's `OptanonConsent`: `k=v&k=v`, of which `groups=C0001:1,C0002:0` counts.

Groups have OneTrust's own ids or the site's (`consent.onetrust_groups`). A choice was made when
`OptanonAlertBoxClosed` is there, or the visitor has clicked at least once. Grammar as seen in cookies of public code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tagserver.consent.cookies.choice import (
    MARKETING,
    NECESSARY,
    PREFERENCES,
    STATISTICS,
    Answer,
    Purposes,
    answers,
    reading,
    unreadable,
)
from tagserver.consent.cookies.decoding import decodings, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

GROUPS: Purposes = {"C0001": NECESSARY, "C0002": STATISTICS, "C0003": PREFERENCES, "C0004": MARKETING}
SOCIAL = "C0005"
"""Pixels of social networks. To refuse them is to refuse ads; to accept them alone is not to accept all ads."""

_GROUP = re.compile(r"([^:,\s]{1,64}):([01])\Z")


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of OneTrust's cookie, if there is one."""
    raw = cookies.get("OptanonConsent")
    if not raw:
        return []
    fields = _fields(raw)
    if len(named := [value for key, value in fields if key == "groups"]) != 1:
        return [unreadable("onetrust", "no_groups")]
    groups = [_GROUP.match(one) for one in (plain_text(named[0]) or "").split(",")]
    said = [(found[1], found[2] == "1") for found in groups if found]
    if len(said) != len(groups):
        return [unreadable("onetrust", "groups")]
    clicked = any(key == "interactionCount" and re.match(r"0*[1-9]\d*\Z", value) for key, value in fields)
    recorded = clicked or bool(cookies.get("OptanonAlertBoxClosed"))
    found = reading("onetrust", _answers(said, policy.onetrust_groups), recorded=recorded)
    if not found.signals:
        return [Reading(found.name, problems=("cmp.onetrust:no_known_group",))]
    return [found]


def _fields(raw: str) -> list[tuple[str, str]]:
    """The pairs of the least decoded form that names groups: an address among them may hold & and = of its own."""
    for text in decodings(raw):
        pairs = [pair.partition("=") for pair in text.split("&")]
        if any(key == "groups" for key, _, _ in pairs):
            return [(key, value) for key, _, value in pairs]
    return []


def _answers(said: list[tuple[str, bool]], own: Purposes) -> Iterator[Answer]:
    yield from answers(said, {**GROUPS, **own})
    if SOCIAL not in own:
        yield from (
            Answer(MARKETING, False, f"{SOCIAL}:no") for group, granted in said if (group, granted) == (SOCIAL, False)
        )
