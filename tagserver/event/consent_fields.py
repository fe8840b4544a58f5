"""The kinds of signal, and the fields of an event in which each is spoken of.

Names alone: ingest lays a batch's context beneath each of its events kind by kind, the gate reads the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

AD_PURPOSES = ("ad_storage", "ad_user_data", "ad_personalization")
PURPOSES = (
    *AD_PURPOSES,
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)
"""The seven purposes, by Google's names for Consent Mode v2."""

CONSENT_MODE = ("consent", "consent_state")
GCS = ("gcs", "x-ga-gcs")
GCD = ("gcd", "x-ga-gcd")
TCF = ("tcf", "gdpr_consent")
GDPR = "gdpr"
AC = "addtl_consent"
USP = "us_privacy"
GPP = "gpp"
GPP_SID = "gpp_sid"
NPA = ("npa", "x-ga-npa")
GPC = "gpc"
FIELDS = frozenset({*CONSENT_MODE, *GCS, *GCD, *TCF, *NPA, AC, USP, GDPR, GPP, GPP_SID, GPC})
"""The fields of an event that say something about consent."""
TCF_COOKIE = "euconsent-v2"
USP_COOKIE = "usprivacy"
COOKIES = (TCF_COOKIE, AC, USP_COOKIE)
"""The cookies that do, beside those of consent tools."""

NOTHING: Mapping[str, Any] = {}
ILLEGIBLE = "unreadable"
"""What stands for a value that may have been a refusal, and that nobody can read."""


class SignalFields(NamedTuple):
    """Where one kind of signal is. `fields`: a value in one of them speaks of the kind; one in `perhaps` may do so.
    `beside`: what means nothing without them. `in_parts`: one value may leave out some purposes, of which another may
    still speak; else it says all there is."""

    fields: tuple[str, ...]
    perhaps: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    in_parts: bool = True


KINDS = (
    SignalFields(CONSENT_MODE),
    SignalFields(GCS),
    SignalFields(GCD),
    SignalFields((*TCF, GDPR), perhaps=(GPP,), beside=(AC,)),
    SignalFields((GPP, GPP_SID)),
    SignalFields((USP,), in_parts=False),
    SignalFields(NPA, in_parts=False),
    SignalFields((GPC,), in_parts=False),
)
_PLACE = {name: place for place, kind in enumerate(KINDS) for name in (*kind.fields, *kind.beside)}
"""A field → its kind's place in the list."""
_FLAGS = frozenset({GDPR, GPC, *NPA})


def says_something(field: str, value: Any) -> bool:
    """Whether a field says anything, readable or not. Missing, null and empty text say nothing, and `undefined` where a
    flag is asked for; of consent itself, which nobody writes as a text, an empty one is there and cannot be read."""
    if value is None:
        return False
    if not isinstance(value, str) or field in CONSENT_MODE:
        return True
    return bool(value) if field not in _FLAGS else value.strip().lower() not in ("", "undefined")


def lay_beneath(context: Mapping[str, Any], data: dict[str, Any]) -> Mapping[str, Any]:
    """Lay what a batch's context says of consent beneath an event's own signals, kind by kind.

    A kind of which the event does not speak is filled into `data`. What the context says of one of which it does speak
    is returned: of the purposes that the event does not name, a denial there still counts, and a grant does not.
    """
    beneath: dict[str, Any] = {}
    for place in {_PLACE[name] for name in context if name in _PLACE}:
        kind = KINDS[place]
        said = {name: context[name] for name in (*kind.fields, *kind.beside) if says_something(name, context.get(name))}
        if not said:
            continue
        if not any(says_something(name, data.get(name)) for name in (*kind.fields, *kind.perhaps)):
            for name, value in said.items():
                if not says_something(name, data.get(name)):
                    data[name] = value
        elif kind.in_parts:
            beneath |= said
    return beneath or NOTHING


def with_signals(context: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """A batch's context with signals that stand where a sender easily takes them to be in it: beside `events`, or in
    the `ctx` of one event. Where both speak of a kind and differ, nobody knows which is meant."""
    data = dict(context)
    lay_beneath(beside, data)
    if any(says_something(name, value) and data.get(name) != value for name, value in beside.items()):
        data[CONSENT_MODE[0]] = ILLEGIBLE
    return data


def of_two_places(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a sender has written in two places of one request, such as its address and its body: those of
    `above` over those of `below`. Of consent a field that says nothing takes nothing away; and where both places say
    something in one field and differ, nobody knows which is meant."""
    fields = {**below, **above}
    for name in FIELDS & below.keys() & above.keys():
        if not says_something(name, below[name]):
            continue
        if not says_something(name, above[name]):
            fields[name] = below[name]
        elif above[name] != below[name]:
            fields[CONSENT_MODE[0]] = ILLEGIBLE
    return fields
