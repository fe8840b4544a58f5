"""The id of a hit that has none of its own.

Google's tag keeps hits that it has sent while something was denied, and sends those for pages and conversions again
once the visitor grants it (`gcu=1`): with a new `_s` and the new consent, and otherwise as they were, down to `_et`,
the time since the hit before. Both must be one event, so that the vendor who got the first does not get the second, and
one who might not have the first gets the second. Everything else the page has sent twice because it happened twice.
Source: hits of gtag.js, builds of 2023 and 2025.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from tagserver.plugin.inbound import event_id_for

PREFIX = "ga4_"
PAGE_VIEW = "page_view"
_SAID = ("tid", "cid", "_p", "en", "dl", "dr", "cu", "_et")
_SETTLED = re.compile(r"1[0-9](?:[nrtv][0-9]){3}[nrtv]")
"""A `gcd` by which all four purposes are granted."""
GRANTED = "G111"


def id_of(hit: Mapping[str, str], place: int) -> str | None:
    """The id of a hit, alike in each copy of it; None where the host has a better one (of the order), or where nothing
    tells this page view from another. `place`: which line of its request it is."""
    name = hit.get("en", "")
    order = hit.get("ep.transaction_id") or hit.get("epn.transaction_id")
    if event_id_for(name, order) is not None:
        return None
    if not (hit.get("_p") and hit.get("cid") and name):
        return None
    said = [hit.get(key, "") for key in _SAID]
    said += (f"{key}={hit[key]}" for key in sorted(hit) if _is_said_of_event(key))
    if not may_come_again(hit):
        said += (hit.get("_s", ""), str(place))
    text = json.dumps(said).encode()
    return PREFIX + hashlib.blake2b(text, digest_size=16).hexdigest()


def may_come_again(hit: Mapping[str, str]) -> bool:
    """Whether a hit is one that comes again once more is granted, or has come again. One that was sent with everything
    granted does not."""
    if hit.get("gcu"):
        return True
    if hit.get("en") != PAGE_VIEW and hit.get("_c") != "1":
        return False
    return hit.get("gcs") != GRANTED or _SETTLED.match(hit.get("gcd", "")) is None


def _is_said_of_event(key: str) -> bool:
    """What the page has said of the event. Who it was may be known by the second time only."""
    if key.startswith(("ep.", "epn.")):
        return not key.startswith("ep.user_data")
    return key.startswith("pr") and key[2:3].isdecimal()
