"""Where each signal of consent is read: the raw values of one event, before they are decoded.

Of several places that carry the same format the event's own field counts, because the page read it when the event
happened; only without one the cookie. Different formats are never chosen between, nor spellings: all are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from tagserver.event.consent_fields import (
    AC,
    CONSENT_MODE,
    GCD,
    GCS,
    GDPR,
    GPC,
    GPP,
    GPP_SID,
    NPA,
    TCF,
    TCF_COOKIE,
    USP,
    USP_COOKIE,
    says_something,
)
from tagserver.event.event import Event

Found = tuple[Any, str]
"""A value, any JSON, and the name of the place it was found at."""


class RawSignals(msgspec.Struct, frozen=True, gc=False):
    """The signals of one event, raw. Of a format with several spellings all are there. `beneath`: those of the batch's
    context, of the kinds of which the event speaks itself."""

    consent_mode: tuple[Found, ...] = ()
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
    beneath: RawSignals | None = None


def signals_of(event: Event) -> RawSignals:
    """The signals of one event, and of the request that carried it."""
    headers = event.facts.headers
    if not event.beneath:
        return _signals(event.data, event.cookies, headers.get("sec-gpc"), headers.get("dnt"), None)
    beneath, cookies = _signals(event.beneath, {}, None, None, None), event.cookies
    if beneath.tcf:
        cookies = {name: text for name, text in cookies.items() if name not in (TCF_COOKIE, AC)}
    return _signals(event.data, cookies, headers.get("sec-gpc"), headers.get("dnt"), beneath)


def _signals(
    data: Mapping[str, Any],
    cookies: Mapping[str, str],
    sec_gpc: str | None,
    dnt: str | None,
    beneath: RawSignals | None,
) -> RawSignals:
    get = data.get
    tcf = _both(get, TCF)
    if not tcf and (cookie := _cookie(cookies, TCF_COOKIE)) is not None:
        tcf = (cookie,)
    ac, usp = get(AC), get(USP)
    return RawSignals(
        consent_mode=_both(get, CONSENT_MODE),
        gcs=_both(get, GCS),
        gcd=_both(get, GCD),
        tcf=tcf,
        npa=_both(get, NPA),
        ac=(ac, AC) if says_something(AC, ac) else _cookie(cookies, AC),
        usp=(usp, USP) if says_something(USP, usp) else _usp_cookie(cookies),
        gdpr=get(GDPR),
        gpp=get(GPP),
        gpp_sid=get(GPP_SID),
        gpc=get(GPC),
        sec_gpc=sec_gpc,
        dnt=dnt,
        beneath=beneath,
    )


def _both(get: Callable[[str], Any], names: tuple[str, str]) -> tuple[Found, ...]:
    """What a format's two spellings say. Asked of every event, which mostly has none of them."""
    one, other = names
    first, second = get(one), get(other)
    if first is None and second is None:
        return ()
    found = ((first, one), (second, other))
    return tuple((value, name) for value, name in found if says_something(name, value))


def _cookie(cookies: Mapping[str, str], name: str) -> tuple[str, str] | None:
    text = cookies.get(name)
    if not text:
        return None
    # It was decoded once when the cookies were read; tools that encode twice exist.
    return unquote(text) if "%" in text else text, f"cookie {name}"


def _usp_cookie(cookies: Mapping[str, str]) -> Found | None:
    """The cookie's text, or what stands under `uspString` where a tool has written JSON."""
    found = _cookie(cookies, USP_COOKIE)
    if found is None or not found[0].lstrip().startswith("{"):
        return found
    try:
        text = json.loads(found[0][:1000]).get("uspString")
    except (ValueError, RecursionError, AttributeError):
        text = None
    return (text if isinstance(text, str) else "unreadable"), found[1]


_NOTHING = ("", "undefined")
_NO = ("0", "false", "no")
_YES = ("1", "true", "yes")


class Flag(NamedTuple):
    """Yes or no in the ways that pages write it. Never a cast: the text 0 is true to Python. `value`: None where
    nothing is said. `plain`: it is one of the usual words."""

    value: bool | None
    plain: bool = True


def read_flag(value: Any) -> Flag:
    """A flag from any JSON value. Nothing is said by null, empty text and `undefined`; what is no plain no is a yes,
    because all these flags ask for less."""
    if value is None:
        return Flag(None)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _NOTHING:
            return Flag(None)
        return Flag(word not in _NO, word in _NO or word in _YES)
    if isinstance(value, bool | int | float) and value in (0, 1):
        return Flag(bool(value), not isinstance(value, float))
    return Flag(value=True, plain=False)
