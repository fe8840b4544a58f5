"""`type: reddit`: one conversion event from one data-layer event, up to a thousand in a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Given,
    Group,
    Kind,
    Limits,
    Mode,
    Omitted,
    Outcome,
    Payload,
    Request,
    Response,
    Skip,
)
from tagserver.plugin.table import Field, Part, Table
from tagserver.plugin.values import CURRENCY, click_id, event_time, is_text, last_moment, page_address
from tagserver_reddit.answers import read_answer
from tagserver_reddit.metadata import METADATA, build_metadata
from tagserver_reddit.names import CUSTOM, EVENTS, tracking_type
from tagserver_reddit.processing import KINDS as LIMITS
from tagserver_reddit.processing import limit_processing
from tagserver_reddit.settings import RedditSettings
from tagserver_reddit.user import OPTIONS, USER, finds_somebody

OLDEST_DAYS = 7
_SOURCES: Mapping[str, str] = {
    **{name: name for name in ("WEBSITE", "APP", "PHYSICAL_STORE", "OTHER")},
    **dict.fromkeys(("website", "web", "WEB"), "WEBSITE"),
    **dict.fromkeys(("app", "mobile_app", "MOBILE_APP", "app_ios", "app_android"), "APP"),
    **dict.fromkeys(("physical_store", "offline", "OFFLINE"), "PHYSICAL_STORE"),
    **dict.fromkeys(("email", "phone_call", "chat", "system_generated", "business_messaging", "other"), "OTHER"),
}
"""Reddit's words, and those of other vendors that events already carry."""
_SOURCE = Kind(
    lambda value: _SOURCES.get(value) if isinstance(value, str) else None,
    "is none of WEBSITE, APP, PHYSICAL_STORE and OTHER",
)
FIELDS = frozenset(
    [
        *("event_name", "custom_event_name", "event_at", "action_source", "click_id", "event_source_url"),
        *("user", "metadata"),
    ]
)

CLICK = Part("", Field("click_id", "click.rdt_cid", click_id("rdt_cid"), clear=True, first=True))
PAGE = Part("", Field("event_source_url", "page.location", page_address))


class Reddit(Destination):
    """Reddit's Conversions API v3."""

    type = "reddit"
    api_version = 1
    pure = True
    Settings = RedditSettings
    ads = True
    # Under LDU Reddit is a service provider; `limit_processing` drops the address where the place is known.
    consent = ConsentNeeds(("ad_storage", "ad_user_data"), restricted=True, processor=True, locates=frozenset())
    limits = Limits(events=1000, bytes=2 << 20, age=OLDEST_DAYS * 86_400.0, requests=8)
    table = Table(USER, METADATA, CLICK, PAGE)
    reads = (
        *("event", "event_id", "timestamp", "action_source", "ecommerce", "user_data", "user_id"),
        *("geo.country", "geo.region"),
    )
    person = ("user",)
    standard_events = EVENTS
    kinds = dict.fromkeys(("currency", "metadata.currency"), CURRENCY) | LIMITS

    def hosts(self, settings: RedditSettings) -> Sequence[str]:
        """Reddit's ads API alone."""
        return ("ads-api.reddit.com",)

    def event_names(self, settings: RedditSettings) -> Mapping[str, str]:
        """Reddit's own types, and those that the setting says."""
        return {**EVENTS.names, **settings.events}

    def event_name(self, event: Event, settings: RedditSettings) -> str:
        """Reddit's type, or the event's own name for a custom event (and for one without a type, which `build`
        skips)."""
        kind = tracking_type(event.name, settings.events, settings.forward_unmapped)
        return event.name if kind is None or kind == CUSTOM else kind

    def build(self, event: Event, parameters: Mapping[str, Any], settings: RedditSettings, mode: Mode) -> Built:
        """One event. Skips names that Reddit has no type for, an event that finds nobody, one that is too old."""
        omitted: list[Omitted] = []
        given = Given(parameters, FIELDS, omitted)
        kind, name = _type(event, given, settings, omitted)
        time = event_time(event, given.fields.get("event_at"), "event_at", omitted)
        expires = last_moment(event, time, OLDEST_DAYS, "Reddit", omitted)
        own = given.group("user")
        user = USER.fill(event, {key: own[key] for key in own if key != OPTIONS}, settings, omitted)
        limit_processing(user, event, own, mode, omitted)
        body = Group("", omitted)
        body |= {
            "event_at": time,
            "action_source": settings.action_source,
            "type": {"tracking_type": kind} | ({"custom_event_name": name} if kind == CUSTOM else {}),
        }
        for said in (event.get("action_source"), given.fields.get("action_source")):
            body.put("action_source", said, _SOURCE)
        body |= CLICK.fill(event, given.among(CLICK.names), settings, omitted)
        if not finds_somebody(user, body.get("click_id")):
            wanted = "a click, an e-mail, a phone, an id, or address and agent"
            known = ", ".join(sorted(user)) or "nothing"
            raise Skip("no_identity", f"Reddit wants {wanted}; here is {known}", omitted)
        body |= PAGE.fill(event, given.among(PAGE.names), settings, omitted)
        if user:
            body["user"] = user
        body["metadata"] = build_metadata(event, kind, {**given.group("metadata"), **given.rest}, settings, omitted)
        return Built(body, name, time, None, expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: RedditSettings) -> Request:
        """One request for up to a thousand events; their JSON is joined, not read again. The token stands in a header
        alone."""
        said = {"test_id": settings.test_id, "partner": settings.partner}
        head = json.dumps({key: text for key, text in said.items() if text}).encode()[1:-1]
        events = b'"events":[' + b",".join(payload.body for payload in payloads) + b"]"
        headers = {
            "authorization": f"Bearer {settings.access_token.reveal()}",
            "content-type": "application/json",
            # Reddit asks callers to say who they are, and slows down those who do not.
            "user-agent": "tagserver (server-side conversions)",
        }
        url = f"{settings.api_url.rstrip('/')}/api/v3/pixels/{settings.pixel_id}/conversion_events"
        return Request("POST", url, headers, b'{"data":{' + b",".join(filter(None, (head, events))) + b"}}")

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By status."""
        return read_answer(response, payloads)


def _type(event: Event, given: Given, settings: RedditSettings, omitted: list[Omitted]) -> tuple[str, str]:
    """Reddit's type, and the name by which the event goes: that of its type, or its own for a custom one."""
    chosen = given.text("event_name") or event.name
    kind = tracking_type(chosen, settings.events, settings.forward_unmapped)
    if kind is None:
        how = "map it with the setting events, or send it as CUSTOM with forward_unmapped"
        raise Skip("missing_required", f"Reddit has no type for an event of this name: {how}", omitted)
    name = given.text("custom_event_name") or (event.name if chosen == CUSTOM else chosen) if kind == CUSTOM else kind
    if not is_text(name) or not is_text(event.event_id):
        raise Skip("missing_required", "the event's name or its event_id is no valid text", omitted)
    return kind, name
