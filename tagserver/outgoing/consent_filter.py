"""What consent keeps back: of one event, for one tag, whatever its plugin would do with it.

| not granted | is kept back |
|---|---|
| `ad_storage` | click ids and the ids of ad networks' cookies; the end of the visitor's address |
| that and `analytics_storage` | every cookie, `client_id` and `session_id`, too |
| `ad_user_data` | who it was: `user_data`, `user_id`; the visitor's address; all of the user agent but its family |

An opt-out of sale keeps back who it was and the address, too, except where the vendor works for the site alone in its
limited mode (`ConsentNeeds.processor`) and needs the address to tell which law applies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from tagserver.consent.model.policy import Needs
from tagserver.consent.state import ConsentState
from tagserver.event.event import MISSING, NO_TEXTS, Derived, Event, Facts
from tagserver.event.ip_address import truncated_ip
from tagserver.expressions.derive import device_class
from tagserver.plugin.destination import ConsentNeeds, Mode, Omitted
from tagserver.privacy.rules import (
    AD_COOKIES,
    AD_FIELDS,
    ADDRESS_FIELDS,
    AGENT_FIELDS,
    PERSON_COOKIES,
    PERSON_FIELDS,
    PLAIN_HEADERS,
    VISIT_FIELDS,
)


class Leave(msgspec.Struct, frozen=True, cache_hash=True):
    """What one tag may have of an event. `storage`: ids of ad networks; `visit`: the site's own ids of browser and
    visit; `person`: who it was, and `agent` the browser's whole name; `address`: how much of the visitor's."""

    storage: bool = True
    visit: bool = True
    person: bool = True
    agent: bool = True
    address: Literal["whole", "cut", "none"] = "whole"
    why_person: str = ""
    why_address: str = ""


EVERYTHING = Leave()


def leave(needs: Needs, declared: ConsentNeeds, state: ConsentState, mode: Mode) -> Leave:
    """What a tag may have, by what was granted. A tag with `consent_override` counts the purposes that it lists, and
    no others."""
    granted = state.granted
    free = needs.overridden is not None
    storage, person = free or "ad_storage" in granted, free or "ad_user_data" in granted
    opted_out = mode == "restrict" and bool(state.sale_opt_out)
    if storage and person and not opted_out:
        return EVERYTHING
    why_person = "" if person else "ad_user_data is not granted"
    address: Literal["whole", "cut", "none"] = "whole" if storage else "cut"
    why_address = "is cut: ad_storage is not granted"
    if not person:
        address, why_address = "none", why_person
    agent = person
    if opted_out:
        if not declared.processor and person:
            person, why_person = False, "opted out of sale"
        if address != "none" and not declared.needs_address(state.region.subdivision):
            address, why_address = "none", "opted out of sale, and the vendor needs none to tell which law applies"
    visit = storage or "analytics_storage" in granted
    return Leave(storage, visit, person, agent, address, why_person, why_address)


def withhold(event: Event, left: Leave) -> tuple[Event, tuple[Omitted, ...]]:
    """The event without what is kept back, and what that was, by its path."""
    omitted: list[Omitted] = []
    gone = _gone_fields(left)
    data: dict[str, Any] = {}
    for name, value in event.data.items():
        if (why := gone.get(name)) is None:
            data[name] = value
        elif value not in (None, "", {}, []):
            omitted.append(Omitted(name, why))
    if not left.storage and isinstance(person := data.get("user_data"), dict):
        kept = {name: value for name, value in person.items() if name not in AD_FIELDS}
        omitted += [Omitted(f"user_data.{name}", _NO_STORAGE) for name in person if name not in kept]
        data["user_data"] = kept
    data.pop("cookie", None)
    facts = _facts(event, left, omitted)
    if left.storage:
        return event.derive(data, facts, Derived(clicks=event.clicks, click_faults=event.click_faults)), tuple(omitted)
    omitted += [Omitted(f"click.{name}", _NO_STORAGE) for name in event.clicks]
    return event.derive(data, facts, Derived(clicks=NO_TEXTS)), tuple(omitted)


_NO_STORAGE = "ad_storage is not granted"
_NO_VISIT = "neither ad_storage nor analytics_storage is granted"
_COARSE = "is cut to its family: ad_user_data is not granted"


def _gone_fields(left: Leave) -> Mapping[str, str]:
    gone: dict[str, str] = {}
    if not left.storage:
        gone |= dict.fromkeys(AD_FIELDS, _NO_STORAGE)
    if not left.visit:
        gone |= dict.fromkeys(VISIT_FIELDS, _NO_VISIT)
    if not left.person:
        gone |= dict.fromkeys(PERSON_FIELDS, left.why_person)
    if left.address != "whole":
        gone |= dict.fromkeys(ADDRESS_FIELDS, left.why_address)
    if not left.agent:
        gone |= dict.fromkeys(AGENT_FIELDS, "ad_user_data is not granted")
    return gone


def _facts(event: Event, left: Leave, omitted: list[Omitted]) -> Facts:
    facts = event.facts
    ip, agent = facts.ip, facts.user_agent
    if ip is not None and left.address != "whole":
        cut = truncated_ip(ip) if left.address == "cut" else MISSING
        ip = None if cut is MISSING else cut
        omitted.append(Omitted("ip", left.why_address))
    if agent is not None and not left.agent:
        agent = coarse_agent(agent)
        omitted.append(Omitted("user_agent", _COARSE))
    headers, cookies = facts.headers, event.cookies
    if left.address != "whole" or not left.agent:
        headers = {name: text for name, text in headers.items() if name in PLAIN_HEADERS}
    elif not left.storage and "cookie" in headers:
        headers = {name: text for name, text in headers.items() if name != "cookie"}
    kept = {name: text for name, text in cookies.items() if _cookie_stays(name, left)}
    for name in [name for name in cookies if name not in kept]:
        why = left.why_person if left.storage else _NO_STORAGE if left.visit else _NO_VISIT
        omitted.append(Omitted(f"cookie.{name}", why))
    return Facts(facts.source, facts.received, headers, kept, ip, agent, facts.country, facts.region)


def _cookie_stays(name: str, left: Leave) -> bool:
    if not left.person and name in PERSON_COOKIES:
        return False
    return left.storage or (left.visit and name not in AD_COOKIES)


def withhold_parameters(
    parameters: dict[str, Any], groups: Collection[str], left: Leave
) -> tuple[dict[str, Any], list[Omitted]]:
    """What a tag sets itself, by the same rules. `groups`: under which names it says who it was."""
    if left is EVERYTHING:
        return parameters, []
    gone = {**_gone_fields(left), **({} if left.person else dict.fromkeys(groups, left.why_person))}
    omitted: list[Omitted] = []
    return _kept(parameters, "", groups, gone, omitted), omitted


def _kept(
    given: Mapping[str, Any], path: str, groups: Collection[str], gone: Mapping[str, str], omitted: list[Omitted]
) -> dict[str, Any]:
    """What stays of a map: of the parameters, or of a group that says, or leads to, who it was."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        place = f"{path}{name}"
        if (why := gone.get(name) or gone.get(place)) is not None:
            omitted.append(Omitted(place, why))
        elif isinstance(value, dict) and any(group == place or group.startswith(f"{place}.") for group in groups):
            made[name] = _kept(value, f"{place}.", groups, gone, omitted)
        else:
            made[name] = value
    return made


_FAMILIES = (
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("FxiOS", "Firefox")),
    *(("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari")),
)
"""In this order: most browsers claim to be several."""


def coarse_agent(agent: str) -> str:
    """The family of a browser and the kind of its device, without version and model: `Chrome (mobile)`."""
    family = next((name for sign, name in _FAMILIES if sign in agent[:1000]), "other")
    return f"{family} ({device_class(agent)})"
