"""Shopify's `_tracking_consent` in its versions of JSON: `con.CMP` with "1", "0" or "" for each letter, or `purposes`
with true and false. Letters: a analytics, m marketing, p preferences, s and t sale to others. Grammar as seen in
cookies of public code.

The newest version (`3.AMPS_USCA_f_f_…`) is not published: it cannot be read, and counts as a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.consent.cookies.choice import (
    MARKETING,
    PREFERENCES,
    STATISTICS,
    Purposes,
    answers,
    reading,
    unreadable,
)
from tagserver.consent.cookies.decoding import json_object, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

LETTERS: Purposes = {"a": STATISTICS, "m": MARKETING, "p": PREFERENCES}
SALE = ("s", "t")

_WORDS = {"1": True, "0": False, "": None}


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of Shopify's cookie, if there is one."""
    if not (raw := cookies.get("_tracking_consent")):
        return []
    value = json_object(plain_text(raw))
    if value is None:
        return [unreadable("shopify", "not_json")]
    con, purposes = value.get("con"), value.get("purposes")
    asked = con.get("CMP") if isinstance(con, dict) else None
    chosen = _chosen(asked) if isinstance(asked, dict) else {}
    if chosen is None:
        return [unreadable("shopify", "con")]
    if chosen:
        return [_reading(chosen, recorded=True)]
    if purposes is None:
        return [] if asked is not None or isinstance(con, dict) else [unreadable("shopify", "no_purposes")]
    if not isinstance(purposes, dict) or not all(isinstance(word, bool) for word in purposes.values()):
        return [unreadable("shopify", "purposes")]
    # Beside questions that nobody answered, these are what the shop's settings came to.
    return [_reading(purposes, recorded=asked is None)]


def _chosen(asked: Mapping[str, Any]) -> dict[str, bool] | None:
    """The letters with an answer; None when one of them has no such answer."""
    letters = {name: word for name, word in asked.items() if name in LETTERS or name in SALE}
    if not all(isinstance(word, str) and word in _WORDS for word in letters.values()):
        return None
    return {name: word == "1" for name, word in letters.items() if word}


def _reading(said: Mapping[str, bool], *, recorded: bool) -> Reading:
    sold = not recorded or all(said.get(name, True) for name in SALE)
    return reading("shopify", answers(said.items(), LETTERS), recorded=recorded, sale_opt_out=not sold)
