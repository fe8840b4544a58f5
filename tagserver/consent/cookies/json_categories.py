"""Tools that ask for fixed categories and write them as JSON: iubenda, Osano, Shopify. Grammars as seen in cookies of
public code.

Each function gives the readings of its tool's cookies, none when they are absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tagserver.consent.cookies.choice import (
    CATEGORIES,
    OPTIONAL,
    Choice,
    by_category,
    json_object,
    plain_text,
    reading,
    unreadable,
)
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.consent.model.reading import Reading, denied_for_ads

US_FLAGS = ("s", "sh", "adv")
_IUBENDA = re.compile(r"_iub_cs-\d{1,20}(-uspr)?\Z")


def iubenda(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`_iub_cs-ID`: `purposes` by number, or one `consent` for all; a `timestamp` once the visitor chose. Its sister
    `_iub_cs-ID-uspr` holds what US laws ask: sale, sharing, targeted ads, false for an opt-out. One reading for each
    cookie: a site may have several."""
    readings = []
    for name, raw in cookies.items():
        if raw and (found := _IUBENDA.match(name)):
            value = json_object(plain_text(raw))
            if value is None:
                readings.append(unreadable("iubenda", "not_json"))
            else:
                readings.append(_iubenda_us(value) if found[1] else _iubenda(value))
    return readings


def _iubenda(value: dict[str, Any]) -> Reading:
    recorded = bool(value.get("timestamp"))
    purposes, consent = value.get("purposes"), value.get("consent")
    if purposes is not None and not isinstance(purposes, dict):
        return unreadable("iubenda", "purposes")
    if purposes is not None and consent is not False:
        said = {name: purposes[name] for name in CATEGORIES["iubenda"] if name in purposes}
        if not all(isinstance(word, bool) for word in said.values()):
            return unreadable("iubenda", "purposes")
        return by_category("iubenda", said.items(), recorded=recorded)
    if isinstance(consent, bool):
        choice = Choice(OPTIONAL, consent, f"consent:{'yes' if consent else 'no'}")
        return reading("iubenda", [choice], recorded=recorded)
    # Before the choice the cookie holds the id alone.
    return unreadable("iubenda", "no_purposes") if recorded or purposes or consent else reading("iubenda", [])


def _iubenda_us(value: dict[str, Any]) -> Reading:
    flags = [value[name] for name in US_FLAGS if name in value]
    if not all(isinstance(flag, bool) for flag in flags):
        return denied_for_ads("cmp.iubenda", "us_flags", "unreadable")
    return reading("iubenda", [], sale_opt_out=not all(flags))


OPT_OUT = "OPT_OUT"
"""Accepted by who does not want his data to be sold."""
STATUS = "cookieconsent_status"
_ACCEPT_DENY = {"ACCEPT": True, "DENY": False}
_ALLOW_DENY = {"allow": True, "deny": False}


def osano(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`osano_consentmanager`, JSON with ACCEPT or DENY for each category, and `cookieconsent_status` (allow, deny,
    dismiss) of its open-source edition, whose fourth version has one for each category
    (`cookieconsent_status_MARKETING`). All are written when the visitor chooses."""
    readings = []
    if raw := cookies.get("osano_consentmanager"):
        readings.append(_osano(raw))
    if raw := cookies.get(STATUS):
        word = plain_text(raw)
        if word in _ALLOW_DENY:
            readings.append(reading("osano", [Choice(OPTIONAL, _ALLOW_DENY[word], word)]))
        elif word != "dismiss":  # which closes the banner without a choice
            readings.append(unreadable("osano", "status"))
    for category, purposes in CATEGORIES["osano"].items():
        if raw := cookies.get(f"{STATUS}_{category}"):
            word = plain_text(raw).lower()
            if word in _ALLOW_DENY:
                readings.append(reading("osano", [Choice(purposes, _ALLOW_DENY[word], f"{category}:{word}")]))
            elif word != "dismiss":
                readings.append(unreadable("osano", category))
    return readings


def _osano(raw: str) -> Reading:
    value = json_object(plain_text(raw))
    if value is None:
        return unreadable("osano", "not_json")
    said = {name: value[name] for name in (*CATEGORIES["osano"], OPT_OUT) if name in value}
    if not said or not all(isinstance(word, str) and word in _ACCEPT_DENY for word in said.values()):
        return unreadable("osano", "categories")
    given = [(name, _ACCEPT_DENY[word]) for name, word in said.items()]
    return by_category("osano", given, sale_opt_out=said.get(OPT_OUT) == "ACCEPT")


SALE = ("s", "t")


def shopify(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """`_tracking_consent` in its versions of JSON: `con.CMP` with "1", "0" or "" for each letter, or `purposes` with
    true and false. Letters: a analytics, m marketing, p preferences, s and t sale to others.

    The newest version (`3.AMPS_USCA_f_f_…`) is not published: it cannot be read, and counts as a refusal.
    """
    if not (raw := cookies.get("_tracking_consent")):
        return []
    value = json_object(plain_text(raw))
    if value is None:
        return [unreadable("shopify", "not_json")]
    con, purposes = value.get("con"), value.get("purposes")
    asked = con.get("CMP") if isinstance(con, dict) else None
    chosen = _shopify_chosen(asked) if isinstance(asked, dict) else {}
    if chosen is None:
        return [unreadable("shopify", "con")]
    if chosen:
        return [_shopify(chosen, recorded=True)]
    if purposes is None:
        return [] if asked is not None or isinstance(con, dict) else [unreadable("shopify", "no_purposes")]
    if not isinstance(purposes, dict) or not all(isinstance(word, bool) for word in purposes.values()):
        return [unreadable("shopify", "purposes")]
    # Beside questions that nobody answered, these are what the shop's settings came to.
    return [_shopify(purposes, recorded=asked is None)]


def _shopify_chosen(asked: Mapping[str, Any]) -> dict[str, bool] | None:
    """The letters with an answer; None when one of them has no such answer."""
    letters = {name: word for name, word in asked.items() if name in CATEGORIES["shopify"] or name in SALE}
    if not all(isinstance(word, str) and word in ("1", "0", "") for word in letters.values()):
        return None
    return {name: word == "1" for name, word in letters.items() if word}


def _shopify(said: Mapping[str, bool], *, recorded: bool) -> Reading:
    sold = not recorded or all(said.get(name, True) for name in SALE)
    return by_category("shopify", said.items(), recorded=recorded, sale_opt_out=not sold)
