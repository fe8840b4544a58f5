"""Commanders Act's `TC_PRIVACY`: `STATUS@VERSIONS@CATEGORIES@…`, status 0 for in and 1 for out; categories are the
accepted ones, `4,1,5` or `ALL`. The vendor calls the form unstable; grammar as seen in cookies of public code."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.consent.cookies.choice import OPTIONAL, Answer, of_vendors, reading, unreadable
from tagserver.consent.cookies.decoding import plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

IN, OUT = "0", "1"


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of Commanders Act's cookie, if there is one. Categories have the site's numbers:
    `consent.cmp_vendors`."""
    if not (raw := cookies.get("TC_PRIVACY")):
        return []
    fields = (plain_text(raw) or "").split("@")
    # Without an @ behind them the categories may be cut off: 12 would be read as 1.
    if len(fields) < 4 or fields[0] not in (IN, OUT):
        return [unreadable("commanders_act", "form")]
    if fields[0] == OUT:
        return [reading("commanders_act", [Answer(OPTIONAL, False, "out")])]
    if fields[2] == "ALL":
        return [reading("commanders_act", [Answer(OPTIONAL, True, "ALL")])]
    accepted = fields[2].split(",") if fields[2] else []
    if not all(number.isascii() and number.isdigit() for number in accepted):
        return [unreadable("commanders_act", "categories")]
    # The list is whole, so a category that is not on it was refused.
    said = {name: name in accepted for name in policy.cmp_vendors if name.isdigit()}
    return [of_vendors("commanders_act", said, policy.cmp_vendors)]
