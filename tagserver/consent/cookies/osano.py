"""Osano: `osano_consentmanager`, JSON with ACCEPT or DENY for each category, and `cookieconsent_status` (allow, deny,
dismiss) of its open-source edition, whose fourth version has one for each category (`cookieconsent_status_MARKETING`).
All are written when the visitor chooses. Grammar as seen in cookies of public code, and in that edition's own."""

from __future__ import annotations

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
from tagserver.consent.cookies.decoding import json_object, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading

CATEGORIES: Purposes = {
    "ESSENTIAL": NECESSARY,
    "PERSONALIZATION": PREFERENCES,
    "ANALYTICS": STATISTICS,
    "MARKETING": MARKETING,
}

OPT_OUT = "OPT_OUT"
"""Accepted by who does not want his data to be sold."""
STATUS = "cookieconsent_status"

_WORDS = {"ACCEPT": True, "DENY": False}
_STATUS = {"allow": True, "deny": False}


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The readings of the cookies of both editions."""
    readings = []
    if raw := cookies.get("osano_consentmanager"):
        readings.append(_read(raw))
    if raw := cookies.get(STATUS):
        word = plain_text(raw)
        if word in _STATUS:
            readings.append(reading("osano", [Answer(OPTIONAL, _STATUS[word], word)]))
        elif word != "dismiss":  # which closes the banner without a choice
            readings.append(unreadable("osano", "status"))
    for category, purposes in CATEGORIES.items():
        if raw := cookies.get(f"{STATUS}_{category}"):
            word = (plain_text(raw) or "").lower()
            if word in _STATUS:
                readings.append(reading("osano", [Answer(purposes, _STATUS[word], f"{category}:{word}")]))
            elif word != "dismiss":
                readings.append(unreadable("osano", category))
    return readings


def _read(raw: str) -> Reading:
    value = json_object(plain_text(raw))
    if value is None:
        return unreadable("osano", "not_json")
    said = {name: value[name] for name in (*CATEGORIES, OPT_OUT) if name in value}
    if not said or not all(isinstance(word, str) and word in _WORDS for word in said.values()):
        return unreadable("osano", "categories")
    given = answers([(name, _WORDS[word]) for name, word in said.items()], CATEGORIES)
    return reading("osano", given, sale_opt_out=said.get(OPT_OUT) == "ACCEPT")
