"""`type: pinterest`: one conversion event from one data-layer event, up to a thousand in a request."""

from __future__ import annotations

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
    Outcomes,
    Payload,
    Request,
    Response,
    Skip,
)
from tagserver.plugin.table import Code, Field, Part, Table
from tagserver.plugin.values import CURRENCY, TEXT, event_time, is_text, last_moment, page_address, plain_data
from tagserver_pinterest.answers import read_answer
from tagserver_pinterest.custom_data import CUSTOM_DATA
from tagserver_pinterest.names import EVENTS, pinterest_name
from tagserver_pinterest.processing import FLAGS, limit, locate
from tagserver_pinterest.processing import KINDS as LIMITS
from tagserver_pinterest.settings import OLDEST_DAYS, PinterestSettings
from tagserver_pinterest.user import USER_DATA, finds_somebody

_SOURCES: Mapping[str, str] = {
    **{name: name for name in ("web", "app_ios", "app_android", "offline")},
    "website": "web",
    "WEB": "web",
    "WEBSITE": "web",
    "physical_store": "offline",
    "phone_call": "offline",
    "OFFLINE": "offline",
}
"""Pinterest's words, and those of other vendors that events already carry. Which app it was is not guessed."""
_SOURCE = Kind(
    lambda value: _SOURCES.get(value) if isinstance(value, str) else None,
    "is none of web, app_ios, app_android and offline",
)
_FLAG = Kind(lambda value: value if type(value) is bool else None, "is neither true nor false")
_OPTIONAL: Mapping[str, Kind] = {
    **dict.fromkeys(("app_id", "app_name", "app_version", "os_version", "language", "partner_name"), TEXT),
    **dict.fromkeys(("device_brand", "device_carrier", "device_model", "device_type"), TEXT),
    **dict.fromkeys(("app_info", "device_info"), Kind(plain_data, "holds nothing that JSON can")),
    "wifi": _FLAG,
}
"""Fields that a tag alone sets."""
FIELDS = frozenset(
    [
        *("event_name", "event_time", "action_source", "event_source_url", "opt_out", "user_data", "custom_data"),
        *_OPTIONAL,
    ]
)


def _put_partner(made: Group, event: Event, given: Mapping[str, Any], settings: PinterestSettings) -> None:
    made.put("partner_name", settings.partner_name, TEXT)


EVENT = Part(
    "",
    Field("event_source_url", "page.location", page_address),
    Code(("partner_name",), _put_partner),
    *(Field(key, None, kind) for key, kind in _OPTIONAL.items()),
)


class Pinterest(Destination):
    """Pinterest's Conversions API v5."""

    type = "pinterest"
    api_version = 1
    pure = True
    Settings = PinterestSettings
    ads = True
    # Under its limited processing Pinterest is a service provider. `locate` drops the address where the place is known.
    consent = ConsentNeeds(("ad_storage", "ad_user_data"), restricted=True, processor=True, locates=frozenset())
    limits = Limits(events=1000, bytes=2 << 20, age=OLDEST_DAYS * 86_400.0, requests=8)
    table = Table(USER_DATA, CUSTOM_DATA, EVENT, by_code=("user_data.st", "user_data.country"))
    reads = (
        *("event", "event_id", "timestamp", "action_source", "ecommerce", "user_data", "user_id"),
        *("geo.country", "geo.region"),
    )
    standard_events = EVENTS
    kinds = dict.fromkeys(("currency", "custom_data.currency"), CURRENCY) | {"wifi": _FLAG} | LIMITS

    def hosts(self, settings: PinterestSettings) -> Sequence[str]:
        """Pinterest's API alone."""
        return ("api.pinterest.com",)

    def event_names(self, settings: PinterestSettings) -> Mapping[str, str]:
        """Pinterest's own names, and those that the setting says."""
        return {**EVENTS.names, **settings.events}

    def event_name(self, event: Event, settings: PinterestSettings) -> str:
        """Pinterest's name for the event, or the event's own when it has none (`build` then skips it)."""
        return pinterest_name(event.name, settings.events, settings.forward_unmapped) or event.name

    def build(self, event: Event, parameters: Mapping[str, Any], settings: PinterestSettings, mode: Mode) -> Built:
        """One event. Skips names that Pinterest does not know, an event that finds nobody, one that is too old."""
        omitted: list[Omitted] = []
        given = Given(parameters, FIELDS, omitted)
        name = _name(event, given, settings, omitted)
        time = event_time(event, given.fields.get("event_time"), "event_time", omitted)
        expires = last_moment(event, time, settings.max_age_days, "Pinterest", omitted)
        user = USER_DATA.fill(event, given.group("user_data"), settings, omitted)
        if mode == "restrict":
            locate(user, event)
        if not finds_somebody(user):
            wanted = "an e-mail, an advertising id, or address and agent"
            raise Skip("no_identity", f"Pinterest wants {wanted}; here is {_known(user)}", omitted)
        own = {**given.group("custom_data"), **given.rest}
        custom = CUSTOM_DATA.fill(event, {key: own[key] for key in own if key != FLAGS}, settings, omitted)
        body = Group("", omitted)
        body |= {
            "event_name": name,
            "action_source": settings.action_source,
            "event_time": time // 1000,
            "event_id": event.event_id,
            "opt_out": False,
            "user_data": user,
        }
        for said in (event.get("action_source"), given.fields.get("action_source")):
            body.put("action_source", said, _SOURCE)
        body |= EVENT.fill(event, given.among(EVENT.names), settings, omitted)
        limit(body, custom, {**own, **given.fields}, mode, omitted)
        if custom:
            body["custom_data"] = custom
        return Built(body, name, time, None, expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: PinterestSettings) -> Request:
        """One request for up to a thousand events; their JSON is joined, not read again. The token stands in a header
        alone."""
        content = b'{"data":[' + b",".join(payload.body for payload in payloads) + b"]}"
        path = f"/v5/ad_accounts/{settings.ad_account_id}/events" + ("?test=true" if settings.test else "")
        headers = {
            "authorization": f"Bearer {settings.access_token.reveal()}",
            "content-type": "application/json",
        }
        return Request("POST", settings.api_url.rstrip("/") + path, headers, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcomes:
        """By what Pinterest says of each event, then by status."""
        return read_answer(response, payloads)


def _name(event: Event, given: Given, settings: PinterestSettings, omitted: list[Omitted]) -> str:
    chosen = given.text("event_name") or event.name
    name = pinterest_name(chosen, settings.events, settings.forward_unmapped)
    if name is None:
        how = "map it with the setting events, or send it as custom with forward_unmapped"
        raise Skip("missing_required", f"Pinterest has no event of this name: {how}", omitted)
    if not is_text(event.event_id):
        raise Skip("missing_required", "its event_id is no valid text", omitted)
    return name


def _known(user: Mapping[str, Any]) -> str:
    return ", ".join(sorted(user)) or "nothing"
