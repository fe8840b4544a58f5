"""`type: tiktok`: one event of the Events API from one data-layer event, up to a thousand in a request."""

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
    Limits,
    Mode,
    Omitted,
    Outcome,
    Payload,
    Request,
    Response,
    Skip,
)
from tagserver.plugin.table import Table
from tagserver.plugin.values import CURRENCY, event_time, is_text, last_moment, read_wish, wish_kind
from tagserver_tiktok.answers import read_answer
from tagserver_tiktok.names import EVENTS, tiktok_name
from tagserver_tiktok.properties import LEAD, PAGE, PROPERTIES
from tagserver_tiktok.settings import OLDEST_DAYS, TikTokSettings
from tagserver_tiktok.user import USER, finds_somebody

LIMITED = "limited_data_use"
_FAULT = "is neither true nor false, and is taken as true"
FIELDS = frozenset({"event_name", "event_time", LIMITED, "user", "properties", "page", "lead"})


class TikTok(Destination):
    """TikTok's Events API v1.3."""

    type = "tiktok"
    api_version = 1
    pure = True
    Settings = TikTokSettings
    ads = True
    # Under limited data use TikTok is a service provider; the flag is one word, for which nobody needs to be located.
    consent = ConsentNeeds(("ad_storage", "ad_user_data"), restricted=True, processor=True)
    # Repeats are counted once for 48 hours; the body's size is not documented.
    limits = Limits(events=1000, bytes=2 << 20, age=OLDEST_DAYS * 86_400.0, repeat=47 * 3600.0, requests=8)
    table = Table(USER, PROPERTIES, PAGE, LEAD)
    reads = ("event", "event_id", "timestamp", "ecommerce", "user_data", "user_id")
    person = ("user",)
    standard_events = EVENTS
    kinds = dict.fromkeys(("currency", "properties.currency"), CURRENCY) | dict.fromkeys((LIMITED,), wish_kind(_FAULT))

    def hosts(self, settings: TikTokSettings) -> Sequence[str]:
        """TikTok's business API alone."""
        return ("business-api.tiktok.com",)

    def event_names(self, settings: TikTokSettings) -> Mapping[str, str]:
        """TikTok's standard names, and those that the setting says."""
        return {**EVENTS.names, **settings.events}

    def event_name(self, event: Event, settings: TikTokSettings) -> str:
        """TikTok's standard name for a GA4 event, or the event's own."""
        return tiktok_name(event.name, settings.events)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: TikTokSettings, mode: Mode) -> Built:
        """One event. Skips one that finds nobody, one that is too old, and names that are no valid text."""
        omitted: list[Omitted] = []
        given = Given(parameters, FIELDS, omitted)
        name = given.text("event_name") or self.event_name(event, settings)
        if not is_text(name) or not is_text(event.event_id):
            raise Skip("missing_required", "the event's name or its event_id is no valid text", omitted)
        time = event_time(event, given.fields.get("event_time"), "event_time", omitted)
        expires = last_moment(event, time, settings.max_age_days, "TikTok", omitted)
        user = USER.fill(event, given.group("user"), settings, omitted)
        if not finds_somebody(user):
            wanted = "an e-mail, a phone, an id, a click, or address and agent"
            raise Skip("no_identity", f"TikTok wants {wanted}; here is {', '.join(sorted(user)) or 'nothing'}", omitted)
        body: dict[str, Any] = {
            "event": name,
            "event_time": time // 1000,
            "event_id": event.event_id,
            "user": user,
        }
        own = {**given.group("properties"), **given.rest}
        groups = {
            "properties": PROPERTIES.fill(event, own, settings, omitted),
            "page": PAGE.fill(event, given.group("page"), settings, omitted),
            "lead": LEAD.fill(event, given.group("lead"), settings, omitted) if "lead" in given.fields else {},
        }
        body |= {key: group for key, group in groups.items() if group}
        body[LIMITED] = _limited(given, settings, mode, omitted)
        return Built(body, name, time, None, expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: TikTokSettings) -> Request:
        """One request for up to a thousand events; their JSON is joined, not read again. The token stands in a header
        alone."""
        envelope = {"event_source": settings.event_source, "event_source_id": settings.pixel_code}
        if settings.test_event_code:
            envelope["test_event_code"] = settings.test_event_code
        head = json.dumps(envelope).encode()[:-1]
        content = head + b',"data":[' + b",".join(payload.body for payload in payloads) + b"]}"
        headers = {"access-token": settings.access_token.reveal(), "content-type": "application/json"}
        # TikTok redirects an address without the slash at its end.
        return Request("POST", f"{settings.api_url.rstrip('/')}/open_api/v1.3/event/track/", headers, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By TikTok's codes."""
        return read_answer(response, payloads)


def _limited(given: Given, settings: TikTokSettings, mode: Mode, omitted: list[Omitted]) -> bool:
    """Whether TikTok may use the event in a limited way alone. A tag can restrict, and never loosen."""
    limited, wish = mode == "restrict" or settings.limited_data_use, read_wish(given.fields.get(LIMITED))
    if not wish.clear:
        omitted.append(Omitted(LIMITED, _FAULT))
    elif wish.limits is False and limited:
        omitted.append(Omitted(LIMITED, "a tag cannot loosen what consent or the settings restrict"))
    return limited or wish.limits is True
