"""tarteaucitron's `tarteaucitron`: `!service=true!service=false!service=wait`; a service that waits has no answer yet.
Grammar as the tool's users describe it."""

from __future__ import annotations

from collections.abc import Mapping

from tagserver.consent.cookies.choice import of_vendors, unreadable
from tagserver.consent.cookies.decoding import plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

_WORDS = {"true": True, "false": False, "wait": None}


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of tarteaucitron's cookie, if there is one. Services are the site's: `consent.cmp_vendors`."""
    if not (raw := cookies.get("tarteaucitron")):
        return []
    first, *pairs = (plain_text(raw) or "?").split("!")
    words = [pair.partition("=") for pair in pairs]
    if first or not words or not all(name and word in _WORDS for name, _, word in words):
        return [unreadable("tarteaucitron", "form")]
    said: dict[str, bool] = {}
    for name, _, word in words:
        if (granted := _WORDS[word]) is not None:
            said[name] = granted and said.get(name, True)
    return [of_vendors("tarteaucitron", said, policy.cmp_vendors)] if said else []
