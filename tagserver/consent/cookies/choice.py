"""From a consent tool's cookie to the purposes: its text decoded, and the table of what each tool's categories mean."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading, Signal, unreadable_signal
from tagserver.event.consent_fields import AD_PURPOSES

NECESSARY = ("security_storage",)
PREFERENCES = ("functionality_storage", "personalization_storage")
STATISTICS = ("analytics_storage",)
MARKETING = AD_PURPOSES
OPTIONAL = (*PREFERENCES, *STATISTICS, *MARKETING)
"""All that a visitor can refuse."""

Purposes = Mapping[str, Iterable[str]]
"""A tool's category, group or vendor → the purposes it stands for."""

CATEGORIES: Mapping[str, Purposes] = {
    "onetrust": {"C0001": NECESSARY, "C0002": STATISTICS, "C0003": PREFERENCES, "C0004": MARKETING},
    "cookiebot": {
        "necessary": NECESSARY,
        "preferences": PREFERENCES,
        "statistics": STATISTICS,
        "marketing": MARKETING,
    },
    # Those of the tool's own script for Google's Consent Mode, which knows none for `performance` and `other`.
    "cookieyes": {
        "necessary": NECESSARY,
        "functional": PREFERENCES,
        "analytics": STATISTICS,
        "advertisement": MARKETING,
    },
    # Complianz calls functional what others call necessary: it is always allowed, so it is no answer to anything else.
    "complianz": {
        "functional": NECESSARY,
        "preferences": PREFERENCES,
        "statistics": STATISTICS,
        "marketing": MARKETING,
    },
    "iubenda": {
        "1": NECESSARY,
        "2": ("functionality_storage",),
        "3": ("personalization_storage",),
        "4": STATISTICS,
        "5": MARKETING,
    },
    "osano": {
        "ESSENTIAL": NECESSARY,
        "PERSONALIZATION": PREFERENCES,
        "ANALYTICS": STATISTICS,
        "MARKETING": MARKETING,
    },
    "shopify": {"a": STATISTICS, "m": MARKETING, "p": PREFERENCES},
}
"""Tool → its categories. All other tools ask by names of the site's own: `consent.cmp_vendors`."""


class Choice(NamedTuple):
    """Yes or no to something that stands for `purposes`. `raw` is the tool's own word for it."""

    purposes: Iterable[str]
    granted: bool
    raw: str


def choices(said: Iterable[tuple[str, bool]], purposes: Purposes) -> Iterator[Choice]:
    """The choices about what `purposes` names; the others say nothing."""
    for name, granted in said:
        if name in purposes:
            yield Choice(purposes[name], granted, f"{name}:{'yes' if granted else 'no'}")


def reading(tool: str, made: Iterable[Choice], *, recorded: bool = True, sale_opt_out: bool = False) -> Reading:
    """What a tool's cookie says. `recorded`: the visitor chose; otherwise it is a preset. Of two choices about one
    purpose the refusal counts."""
    signals: dict[str, Signal] = {}
    for choice in made:
        signal = Signal("granted" if choice.granted else "denied", "explicit" if recorded else "default", choice.raw)
        for purpose in choice.purposes:
            if purpose not in signals or signals[purpose].state == "granted":
                signals[purpose] = signal
    return Reading(f"cmp.{tool}", signals, sale_opt_out=sale_opt_out)


def by_category(
    tool: str, said: Iterable[tuple[str, bool]], *, recorded: bool = True, sale_opt_out: bool = False
) -> Reading:
    """What a tool says of its categories."""
    return reading(tool, choices(said, CATEGORIES[tool]), recorded=recorded, sale_opt_out=sale_opt_out)


def by_vendor(tool: str, said: Mapping[str, bool], policy: ConsentPolicy, *, recorded: bool = True) -> Reading:
    """What a tool says that asks for each vendor, through the site's own map of vendors."""
    if policy.cmp_vendors.keys().isdisjoint(said):
        return Reading(f"cmp.{tool}", problems=(f"cmp.{tool}:no_vendor_of_cmp_vendors",))
    return reading(tool, choices(said.items(), policy.cmp_vendors), recorded=recorded)


def unreadable(tool: str, why: str) -> Reading:
    """A cookie that is there and cannot be believed may hold a refusal: it counts as one of all that can be refused."""
    return unreadable_signal(f"cmp.{tool}", why, OPTIONAL)


LONGEST = 16384
"""Characters of a cookie beyond which it is not read."""
MOST_DECODINGS = 2


def decodings(raw: str) -> Iterator[str]:
    """The text as it is, and percent-decoded at most twice; it ends where nothing changes, or when it is too long."""
    if len(raw) > LONGEST:
        return
    yield raw
    for _ in range(MOST_DECODINGS):
        text = unquote(raw)
        if text == raw:
            return
        yield text
        raw = text


def plain_text(raw: str) -> str:
    """The text, decoded as far as `decodings` goes; empty when it is too long."""
    *_, text = ("", *decodings(raw))
    return text


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, or None. One that says a thing twice is none: nobody knows which one holds."""
    try:
        value = json.loads(text, object_pairs_hook=_said_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found
