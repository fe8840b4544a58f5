"""iubenda's `_iub_cs-ID`: JSON with `purposes` by number, or one `consent` for all; a `timestamp` once the visitor
chose. Its sister `_iub_cs-ID-uspr` holds what US laws ask: sale, sharing, targeted ads, false for an opt-out. Grammar
as seen in cookies of public code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tagserver.consent.cookies.choice import (
    MARKETING,
    NECESSARY,
    OPTIONAL,
    STATISTICS,
    Answer,
    Purposes,
    answers,
    reading,
    unreadable,
)
from tagserver.consent.cookies.decoding import json_object, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading, denied_for_ads

PURPOSES: Purposes = {
    "1": NECESSARY,
    "2": ("functionality_storage",),
    "3": ("personalization_storage",),
    "4": STATISTICS,
    "5": MARKETING,
}
US_FLAGS = ("s", "sh", "adv")

_NAME = re.compile(r"_iub_cs-\d{1,20}(-uspr)?\Z")


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """One reading for each of iubenda's cookies: a site may have several."""
    readings = []
    for name, raw in cookies.items():
        if raw and (found := _NAME.match(name)):
            value = json_object(plain_text(raw))
            if value is None:
                readings.append(unreadable("iubenda", "not_json"))
            else:
                readings.append(_us(value) if found[1] else _read(value))
    return readings


def _read(value: dict[str, Any]) -> Reading:
    recorded = bool(value.get("timestamp"))
    purposes, consent = value.get("purposes"), value.get("consent")
    if purposes is not None and not isinstance(purposes, dict):
        return unreadable("iubenda", "purposes")
    if purposes is not None and consent is not False:
        said = {name: purposes[name] for name in PURPOSES if name in purposes}
        if not all(isinstance(word, bool) for word in said.values()):
            return unreadable("iubenda", "purposes")
        return reading("iubenda", answers(said.items(), PURPOSES), recorded=recorded)
    if isinstance(consent, bool):
        answer = Answer(OPTIONAL, consent, f"consent:{'yes' if consent else 'no'}")
        return reading("iubenda", [answer], recorded=recorded)
    # Before the choice the cookie holds the id alone.
    return unreadable("iubenda", "no_purposes") if recorded or purposes or consent else reading("iubenda", [])


def _us(value: dict[str, Any]) -> Reading:
    flags = [value[name] for name in US_FLAGS if name in value]
    if not all(isinstance(flag, bool) for flag in flags):
        return denied_for_ads("cmp.iubenda", "us_flags", "unreadable")
    return reading("iubenda", [], sale_opt_out=not all(flags))
