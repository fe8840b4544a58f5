"""Where each signal of consent is read: the raw values of one event, before anybody says what they mean.

Of several places that carry the same format the event's own field counts first, because the page read it when the
event happened; then its other spellings; then the cookie. Different formats are never chosen between: all are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from tagserver.event import Event

CONSENT_MODE = ("consent", "consent_state")
GCS = ("gcs", "x-ga-gcs")
GCD = ("gcd", "x-ga-gcd")
TCF = ("tcf", "gdpr_consent")
NPA = ("npa", "x-ga-npa")
TCF_COOKIE = "euconsent-v2"
AC = "addtl_consent"
USP = "us_privacy"
USP_COOKIE = "usprivacy"
COOKIES = (TCF_COOKIE, AC, USP_COOKIE)
FIELDS = (*CONSENT_MODE, *GCS, *GCD, *TCF, *NPA, AC, USP, "gdpr", "gpp", "gpp_sid", "gpc")
"""The fields of an event that say something about consent."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What one event says, raw: any JSON value, None where nothing stands. A pair holds the value and the name of the
    place it was found at."""

    mode: tuple[Any, str] | None = None
    gcs: tuple[Any, str] | None = None
    gcd: tuple[Any, str] | None = None
    tcf: tuple[Any, str] | None = None
    ac: tuple[Any, str] | None = None
    usp: tuple[Any, str] | None = None
    npa: tuple[Any, str] | None = None
    gdpr: Any = None
    gpp: Any = None
    gpp_sid: Any = None
    gpc: Any = None
    sec_gpc: str | None = None
    dnt: str | None = None


def said_of(event: Event) -> Said:
    """The signals of one event, and of the request that carried it."""
    data, cookies, headers = event.data, event.cookies, event.facts.headers
    get = data.get
    return Said(
        mode=_first(data, CONSENT_MODE),
        gcs=_first(data, GCS),
        gcd=_first(data, GCD),
        tcf=_first(data, TCF) or _cookie(cookies, TCF_COOKIE),
        ac=_first(data, (AC,)) or _cookie(cookies, AC),
        usp=_first(data, (USP,)) or _usp_cookie(cookies),
        npa=_first(data, NPA),
        gdpr=get("gdpr"),
        gpp=get("gpp"),
        gpp_sid=get("gpp_sid"),
        gpc=get("gpc"),
        sec_gpc=headers.get("sec-gpc"),
        dnt=headers.get("dnt"),
    )


def _first(data: Mapping[str, Any], names: Iterable[str]) -> tuple[Any, str] | None:
    for name in names:
        value = data.get(name)
        if value is not None and value != "":
            return value, name
    return None


def _cookie(cookies: Mapping[str, str], name: str) -> tuple[str, str] | None:
    text = cookies.get(name)
    if not text:
        return None
    # It was decoded once when the cookies were read; tools that encode twice exist.
    return unquote(text) if "%" in text else text, f"cookie {name}"


def _usp_cookie(cookies: Mapping[str, str]) -> tuple[str, str] | None:
    """The cookie's text, or what stands under `uspString` where a tool has written JSON."""
    found = _cookie(cookies, USP_COOKIE)
    if found is None or not found[0].lstrip().startswith("{"):
        return found
    try:
        text = json.loads(found[0][:1000]).get("uspString")
    except (ValueError, RecursionError, AttributeError):
        text = None
    return (text if isinstance(text, str) else "unreadable"), found[1]
