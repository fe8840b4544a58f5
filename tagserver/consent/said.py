"""Where each signal of consent is read: the raw values of one event, before anybody says what they mean.

Of several places that carry the same format the event's own field counts, because the page read it when the event
happened; only without one the cookie. Different formats are never chosen between, nor spellings: all are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from tagserver.consent.kinds import AC, CONSENT_MODE, GCD, GCS, GDPR, GPC, GPP, GPP_SID, NPA, TCF, USP, is_word
from tagserver.event import Event

TCF_COOKIE = "euconsent-v2"
USP_COOKIE = "usprivacy"
COOKIES = (TCF_COOKIE, AC, USP_COOKIE)

Found = tuple[Any, str]
"""A value, any JSON, and the name of the place it was found at."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What one event says, raw. Of a format with several spellings all are there. `beneath`: what the batch's context
    says of the kinds of which the event speaks itself."""

    mode: tuple[Found, ...] = ()
    gcs: tuple[Found, ...] = ()
    gcd: tuple[Found, ...] = ()
    tcf: tuple[Found, ...] = ()
    npa: tuple[Found, ...] = ()
    ac: Found | None = None
    usp: Found | None = None
    gdpr: Any = None
    gpp: Any = None
    gpp_sid: Any = None
    gpc: Any = None
    sec_gpc: str | None = None
    dnt: str | None = None
    beneath: Said | None = None


def said_of(event: Event) -> Said:
    """The signals of one event, and of the request that carried it."""
    headers = event.facts.headers
    beneath = _said(event.beneath, {}) if event.beneath else None
    cookies = event.cookies
    if beneath is not None and beneath.tcf:
        cookies = {name: text for name, text in cookies.items() if name not in (TCF_COOKIE, AC)}
    said = _said(event.data, cookies)
    return msgspec.structs.replace(said, sec_gpc=headers.get("sec-gpc"), dnt=headers.get("dnt"), beneath=beneath)


def _said(data: Mapping[str, Any], cookies: Mapping[str, str]) -> Said:
    get = data.get
    return Said(
        mode=_all(data, CONSENT_MODE),
        gcs=_all(data, GCS),
        gcd=_all(data, GCD),
        tcf=_all(data, TCF) or _cookie(cookies, TCF_COOKIE),
        npa=_all(data, NPA),
        ac=next(iter(_all(data, (AC,)) or _cookie(cookies, AC)), None),
        usp=next(iter(_all(data, (USP,)) or _usp_cookie(cookies)), None),
        gdpr=get(GDPR),
        gpp=get(GPP),
        gpp_sid=get(GPP_SID),
        gpc=get(GPC),
    )


def _all(data: Mapping[str, Any], names: Iterable[str]) -> tuple[Found, ...]:
    return tuple((data[name], name) for name in names if is_word(name, data.get(name)))


def _cookie(cookies: Mapping[str, str], name: str) -> tuple[tuple[str, str], ...]:
    text = cookies.get(name)
    if not text:
        return ()
    # It was decoded once when the cookies were read; tools that encode twice exist.
    return ((unquote(text) if "%" in text else text, f"cookie {name}"),)


def _usp_cookie(cookies: Mapping[str, str]) -> tuple[Found, ...]:
    """The cookie's text, or what stands under `uspString` where a tool has written JSON."""
    found = _cookie(cookies, USP_COOKIE)
    if not found or not found[0][0].lstrip().startswith("{"):
        return found
    try:
        text = json.loads(found[0][0][:1000]).get("uspString")
    except (ValueError, RecursionError, AttributeError):
        text = None
    return ((text if isinstance(text, str) else "unreadable", found[0][1]),)
