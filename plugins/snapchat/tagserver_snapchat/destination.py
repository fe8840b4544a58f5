"""`type: snapchat`: one conversion event from one data-layer event, up to two thousand in a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Given,
    Group,
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
from tagserver.plugin.values import CURRENCY, event_time, is_missing, last_moment, page_address
from tagserver_snapchat.answers import read_answer
from tagserver_snapchat.app import APP_DATA, FLAGS
from tagserver_snapchat.custom_data import SIGN_UP_DATA, build_custom_data
from tagserver_snapchat.names import EVENTS, SNAP_EVENTS, snap_name
from tagserver_snapchat.processing import KINDS as LIMITS
from tagserver_snapchat.processing import OPTIONS, STATES, limit_processing
from tagserver_snapchat.settings import OLDEST_DAYS, SnapchatSettings
from tagserver_snapchat.user import USER_DATA, finds_somebody

ACTION_SOURCES: Mapping[str, str] = {
    "WEB": "WEB",
    "MOBILE_APP": "MOBILE_APP",
    "OFFLINE": "OFFLINE",
    "website": "WEB",
    "web": "WEB",
    "app": "MOBILE_APP",
    "mobile_app": "MOBILE_APP",
    "physical_store": "OFFLINE",
    "phone_call": "OFFLINE",
    "offline": "OFFLINE",
}
"""Snap's words, and those of other vendors that events already carry."""

FIELDS = frozenset(
    [
        *("event_name", "event_time", "action_source", "event_source_url", "user_data", "custom_data"),
        *("app_data", "integration", OPTIONS, f"{OPTIONS}_country", f"{OPTIONS}_state"),
    ]
)

PAGE = Part("", Field("event_source_url", "page.location", page_address))


class Snapchat(Destination):
    """Snapchat's Conversions API v3."""

    type = "snapchat"
    api_version = 1
    pure = True
    Settings = SnapchatSettings
    ads = True
    # Under its limited options Snap is a service provider; without a code for the state it locates by the address.
    consent = ConsentNeeds(("ad_storage", "ad_user_data"), restricted=True, processor=True, locates=frozenset(STATES))
    # Repeats are counted once for 48 hours; the body's size is not documented.
    limits = Limits(events=2000, bytes=2 << 20, age=OLDEST_DAYS * 86_400.0, repeat=47 * 3600.0, requests=8)
    table = Table(USER_DATA, SIGN_UP_DATA, PAGE, APP_DATA)
    reads = ("event", "event_id", "timestamp", "action_source", "user_data", "user_id", "geo.region", "app_data")
    standard_events = EVENTS
    kinds = (
        dict.fromkeys(("currency", "custom_data.currency"), CURRENCY)
        | {f"app_data.{name}": kind for name, kind in FLAGS.items()}
        | LIMITS
    )

    def hosts(self, settings: SnapchatSettings) -> Sequence[str]:
        """Snap's tracking host alone."""
        return ("tr.snapchat.com",)

    def event_names(self, settings: SnapchatSettings) -> Mapping[str, str]:
        """Snap's own names, and those that the setting says."""
        return {**EVENTS.names, **settings.events}

    def event_name(self, event: Event, settings: SnapchatSettings) -> str:
        """Snap's name for the event, or the event's own when Snap has none (`build` then skips it)."""
        return snap_name(event.name, settings.events) or event.name

    def build(self, event: Event, parameters: Mapping[str, Any], settings: SnapchatSettings, mode: Mode) -> Built:
        """One event. Skips names that Snap does not know, a PURCHASE without value or currency, an event that finds
        nobody, one that is too old."""
        omitted: list[Omitted] = []
        given = Given(parameters, FIELDS, omitted)
        chosen = given.text("event_name")
        name = snap_name(chosen, settings.events) if chosen else self.event_name(event, settings)
        if name not in SNAP_EVENTS:
            raise Skip(
                "missing_required",
                "Snap has no event of this name: map it with the setting events, to CUSTOM_EVENT_1 for example",
                omitted,
            )
        source = _action_source(event, given, settings, omitted)
        time = event_time(event, given.fields.get("event_time"), "event_time", omitted)
        expires = last_moment(event, time, settings.max_age_days, "Snap", omitted)
        user = USER_DATA.fill(event, given.group("user_data"), settings, omitted)
        if not finds_somebody(user):
            known = ", ".join(sorted(user)) or "nothing"
            raise Skip(
                "no_identity", f"Snap wants an e-mail, a phone, a madid, or address and agent; here is {known}", omitted
            )
        own = {**given.group("custom_data"), **given.rest}
        custom = build_custom_data(event, own, name, settings, omitted)
        if name == "PURCHASE" and (missing := [key for key in ("value", "currency") if key not in custom]):
            raise Skip("missing_required", f"a PURCHASE needs {' and '.join(missing)}", omitted)
        body = Group("", omitted)
        body |= {
            "event_name": name,
            "event_time": time // 1000,
            "event_id": event.event_id,
            "action_source": source,
            "user_data": user,
        }
        body |= PAGE.fill(event, given.among(PAGE.names), settings, omitted)
        if source == "WEB" and is_missing(given.fields.get("event_source_url", event.get("page.location"))):
            body.omit("event_source_url", "is missing, and Snap wants it for WEB")
        if custom:
            body["custom_data"] = custom
        if source == "MOBILE_APP" and (app := _app(event, given, settings, omitted)):
            body["app_data"] = app
        if (integration := given.text("integration")) is not None:
            body["integration"] = integration
        if settings.test_event_code:
            body["test_event_code"] = settings.test_event_code
        limit_processing(body, event, given, settings, mode, omitted)
        return Built(body, name, time, None, expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: SnapchatSettings) -> Request:
        """One request for up to two thousand events; their JSON is joined, not read again.

        Snap takes the token in the query of the address alone, so the whole address is a secret.
        """
        content = b'{"data":[' + b",".join(payload.body for payload in payloads) + b"]}"
        path = f"/v3/{settings.pixel_id}/events" + ("/validate" if settings.validate else "")
        token = quote(settings.access_token.reveal(), safe="")
        url = f"{settings.api_url.rstrip('/')}{path}?access_token={token}"
        return Request("POST", url, {"content-type": "application/json"}, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By status."""
        return read_answer(response, payloads)


def _action_source(event: Event, given: Given, settings: SnapchatSettings, omitted: list[Omitted]) -> str:
    for value in (given.fields.get("action_source"), event.data.get("action_source")):
        if isinstance(value, str) and value in ACTION_SOURCES:
            return ACTION_SOURCES[value]
        if value is not None and value != "":
            omitted.append(Omitted("action_source", "is none of WEB, MOBILE_APP and OFFLINE"))
    return settings.action_source


def _app(event: Event, given: Given, settings: SnapchatSettings, omitted: list[Omitted]) -> Group:
    said = event.data.get("app_data")
    own = {**(said if isinstance(said, dict) else {}), **given.group("app_data")}
    return APP_DATA.fill(event, own, settings, omitted)
