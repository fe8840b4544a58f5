"""From a record back to the question for `try`: the event as the page could have pushed it, about nobody, and the rest
of its request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tagserver.consent.cookies.tools import is_consent_cookie
from tagserver.event.click_ids import COOKIES as CLICK_COOKIES
from tagserver.event.consent_fields import FIELDS, PURPOSES
from tagserver.explain.invented import AGENT, PERSON, Inventor, invented_id
from tagserver.inbound.enrich import GEO_HEADERS

_DERIVED = frozenset({*FIELDS, "click", "cookie", "geo", "ip", "user_agent", "client", "source", "page", "timestamp"})
_OF_PAGE = frozenset({"host", "path", "query", "hash", "location", "referrer"})
_SLACK = 1000
"""Milliseconds that an event may be older than its receipt without being said so."""
_ip = re.compile(r"[0-9a-fA-F.:]{2,45}").fullmatch


class NothingToAsk(ValueError):
    """There is no event in this record; the text says why."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """What the server takes from those in front of it (`collect.trusted_proxies`, `collect.geo_headers`)."""

    number: int = 0
    geo_headers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """`event` without what it says of consent; `request`: the rest of what `try` takes; `consent` by purpose, None
    where the record does not know it. `whole`: nothing of the event is missing that was pushed."""

    event: dict[str, Any]
    request: dict[str, Any]
    consent: dict[str, str] | None
    whole: bool = field(default=True)


def asked_again(record: Mapping[str, Any], proxies: Proxies = Proxies()) -> AskedAgain:
    """The question that a RECORD is the answer to. Raises NothingToAsk."""
    if record["name"] is None:
        raise NothingToAsk("the whole request was refused, or its event has no name: nothing was decided")
    if record["event"] is None:
        return _of_summary(record)
    inventor = Inventor()
    masked: Mapping[str, Any] = record["event"]
    first = {name: masked[name] for name in ("event", "event_id") if name in masked}
    event = inventor.event(first | {name: held for name, held in masked.items() if name not in _DERIVED})
    if page := _page(masked.get("page") or {}, inventor):
        event["page"] = page
    if clicks := _clicks(masked, inventor):
        event["click"] = clicks
    if record["received"] - masked["timestamp"] > _SLACK:
        event["timestamp"] = masked["timestamp"]
    request: dict[str, Any] = {"now": _moment(record["received"])}
    if record["source"] == "browser":
        request |= _of_browser(masked, proxies)
    else:
        request["source"] = record["source"]
        if _ip(masked.get("ip", "")):
            event["ip_override"] = masked["ip"]
        if "user_agent" in masked:
            event["user_agent"] = AGENT
    if cookies := _cookies(masked, inventor):
        request["cookies"] = cookies
    return AskedAgain(event, request, _consent(record["consent"], event), whole=not inventor.cut)


def _of_summary(record: Mapping[str, Any]) -> AskedAgain:
    shop = {name: record[key] for name, key in _SHOP if record[key] is not None}
    if "transaction_id" in shop:
        shop["transaction_id"] = invented_id(shop["transaction_id"])
    event: dict[str, Any] = {"event": record["name"], "event_id": invented_id(record["event_id"] or "event-1")}
    if shop:
        event["ecommerce"] = shop
    event["user_data"] = {"email": PERSON["email"]}
    request: dict[str, Any] = {"now": _moment(record["received"])}
    if record["source"] != "browser":
        request["source"] = record["source"]
    return AskedAgain(event, request, None, whole=False)


_SHOP = (("transaction_id", "order"), ("value", "value"), ("currency", "currency"))


def _page(masked: Mapping[str, Any], inventor: Inventor) -> dict[str, Any]:
    page = {name: held for name, held in inventor.value(masked).items() if name not in _OF_PAGE}
    for name in ("location", "referrer"):
        if name in masked:
            page[name] = inventor.address(str(masked[name]))
    return page


def _clicks(masked: Mapping[str, Any], inventor: Inventor) -> dict[str, Any]:
    """Click ids that are known neither from the page's address nor from a cookie."""
    query = {key.lower() for key in (masked.get("page") or {}).get("query") or {}}
    cookies = masked.get("cookie") or {}
    return {
        name: inventor.text(shape)
        for name, shape in (masked.get("click") or {}).items()
        if name not in query and not any(cookie in cookies for cookie, _ in CLICK_COOKIES.get(name, ()))
    }


def _cookies(masked: Mapping[str, Any], inventor: Inventor) -> dict[str, str]:
    """Without those of consent tools: what they say stands in the record by purpose."""
    cookies = masked.get("cookie") or {}
    return {
        inventor.text(name): inventor.cookie(name, str(shape))
        for name, shape in cookies.items()
        if not is_consent_cookie(name) and not name.startswith("…")
    }


def _of_browser(masked: Mapping[str, Any], proxies: Proxies) -> dict[str, Any]:
    request: dict[str, Any] = {}
    headers: dict[str, str] = {}
    ip = masked.get("ip", "")
    if _ip(ip):
        request["ip"] = ip
    if "user_agent" in masked:
        headers["user-agent"] = AGENT
    if (geo := masked.get("geo")) and proxies.number and proxies.geo_headers:
        headers["x-forwarded-for"] = ", ".join([request.get("ip", "192.0.2.0")] * proxies.number)
        for kind in ("country", "region"):
            name = next((one for one in proxies.geo_headers if GEO_HEADERS.get(one, kind) == kind), None)
            if name is not None and kind in geo:
                headers.setdefault(name, geo[kind])
    return {**request, **({"headers": headers} if headers else {})}


def _consent(state: Mapping[str, Any] | None, event: dict[str, Any]) -> dict[str, str] | None:
    """What was known of each purpose, whoever has said it. That the browser refuses sale goes into the event."""
    if state is None:
        return None
    if state["sale_opt_out"]:
        event["gpc"] = True
    said = {name: state["purposes"][name]["state"] for name in PURPOSES if name in state["purposes"]}
    return {name: word for name, word in said.items() if word in ("granted", "denied")}


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
