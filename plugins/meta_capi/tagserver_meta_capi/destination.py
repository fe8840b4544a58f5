"""`type: meta_capi`: one server event from one data-layer event, batches of up to a thousand, answers read by their codes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.plugin import (
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Limits,
    Mode,
    Omitted,
    Outcome,
    Payload,
    Request,
    Response,
    Skip,
)
from tagserver_meta_capi.answers import read_answer
from tagserver_meta_capi.app_data import build_app_data
from tagserver_meta_capi.custom_data import build_custom_data, sendable
from tagserver_meta_capi.names import meta_name
from tagserver_meta_capi.page import clean_address
from tagserver_meta_capi.settings import MetaSettings
from tagserver_meta_capi.user_data import build_user_data, too_broad

DAY_MS = 86_400_000
MARGIN_MS = 4 * 3_600_000
WINDOW_MS = 7 * DAY_MS - MARGIN_MS
SHOP_WINDOW_MS = 62 * DAY_MS - MARGIN_MS
"""Meta refuses a whole request for one event older than seven days (62 for `physical_store`); four hours are left for the queue."""
AHEAD_MS = 600_000
"""A browser's clock may run ahead by this much; such a time is taken as now."""

ACTION_SOURCES = frozenset(
    "email website app phone_call chat physical_store system_generated business_messaging other".split()
)
LDU_STATES = {
    "US-CA": 1000, "US-CO": 1001, "US-CT": 1002, "US-FL": 1003, "US-OR": 1004, "US-TX": 1005, "US-MT": 1006, "US-DE": 1007,
    "US-NE": 1008, "US-NH": 1009, "US-NJ": 1010, "US-MN": 1011, "US-MD": 1012, "US-RI": 1013,
}  # fmt: skip
"""Meta's codes for Limited Data Use, from its page on data processing options."""

_EVENT_FIELDS = frozenset(
    "event_name event_time action_source event_source_url referrer_url opt_out data_processing_options "
    "data_processing_options_country data_processing_options_state app_data user_data custom_data messaging_channel "
    "original_event_data attribution_data customer_segmentation advanced_measurement_table event_id".split()
)
_PASSED = (
    *("messaging_channel", "original_event_data", "attribution_data", "customer_segmentation", "advanced_measurement_table"),
)


class MetaCapi(Destination):
    """Meta's Conversions API."""

    type = "meta_capi"
    api_version = 1
    Settings = MetaSettings
    ads = True
    consent = ConsentNeeds(("ad_storage", "ad_user_data"), restricted=True)
    limits = Limits(events=1000, bytes=8 << 20, age=WINDOW_MS / 1000, repeat=47 * 3600.0)
    reads = (
        *("event", "event_id", "timestamp", "page.location", "page.referrer", "ecommerce", "search_term", "action_source"),
        *("user_data", "user_id", "cookie._fbp", "cookie._fbc", "click.fbclid", "ip", "user_agent", "geo.region", "app_data"),
        *("opt_out", "original_event_data", "messaging_channel", "attribution_data", "customer_segmentation"),
    )

    def hosts(self, settings: MetaSettings) -> Sequence[str]:
        """Meta's Graph API alone."""
        return ("graph.facebook.com",)

    def event_name(self, event: Event, settings: MetaSettings) -> str:
        """Meta's standard name for a GA4 event, or the event's own."""
        return meta_name(event.name, settings.search_results)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: MetaSettings, mode: Mode) -> Built:
        """One server event. Skips a Purchase without value or currency, an event that identifies nobody, one that is too old."""
        omitted: list[Omitted] = []
        given = _Given(parameters, omitted)
        name = given.text("event_name") or self.event_name(event, settings)
        source = self._action_source(event, given, omitted)
        time = _event_time(event, given, omitted)
        expires = time + (SHOP_WINDOW_MS if source == "physical_store" else WINDOW_MS)
        if event.received >= expires:
            days = 62 if source == "physical_store" else 7
            raise Skip("too_old", f"Meta takes events of the last {days} days", omitted)
        user_data = build_user_data(event, given.group("user_data"), settings, source, omitted)
        if too_broad(user_data):
            known = ", ".join(sorted(user_data)) or "nothing"
            raise Skip("no_identity", f"Meta finds nobody by {known}", omitted)
        custom_data = build_custom_data(event, given.custom_data(), name, settings, omitted)
        if name == "Purchase":
            missing = [key for key in ("value", "currency") if key not in custom_data]
            if missing:
                raise Skip("missing_required", f"a Purchase needs {' and '.join(missing)}", omitted)
        body: dict[str, Any] = {
            "event_name": name,
            "event_time": time // 1000,
            "event_id": event.event_id,
            "action_source": source,
            "user_data": user_data,
        }
        if custom_data:
            body["custom_data"] = custom_data
        _addresses(body, event, given, settings, source)
        self._rest(body, event, given, source, omitted)
        _processing(body, event, given, mode, omitted)
        return Built(body, name, time, None, expires, tuple(omitted))

    @staticmethod
    def _action_source(event: Event, given: _Given, omitted: list[Omitted]) -> str:
        for value in (given.value("action_source"), event.data.get("action_source")):
            if isinstance(value, str) and value in ACTION_SOURCES:
                return value
            if value is not None:
                omitted.append(Omitted("action_source", f"is none of {', '.join(sorted(ACTION_SOURCES))}"))
        # To name a source certifies it: website is said only where there is a page or a browser.
        return "website" if event.page.host or event.source == "browser" else "other"

    @staticmethod
    def _rest(body: dict[str, Any], event: Event, given: _Given, source: str, omitted: list[Omitted]) -> None:
        for key in _PASSED:
            value = given.value(key)
            value = event.data.get(key) if value is None else value
            if value is None:
                continue
            if sendable(value):
                body[key] = value
            else:
                omitted.append(Omitted(key, "holds something that JSON cannot"))
        if source == "app":
            said = event.data.get("app_data")
            body["app_data"] = build_app_data({**(said if isinstance(said, dict) else {}), **given.group("app_data")}, omitted)

    def request(self, payloads: Sequence[Payload], settings: MetaSettings) -> Request:
        """One request for up to a thousand events; their JSON is joined, not read again. The token stands in a header alone."""
        token = settings.access_token.reveal()
        envelope: dict[str, str] = {}
        if settings.test_event_code:
            envelope["test_event_code"] = settings.test_event_code
        if settings.partner_agent:
            envelope["partner_agent"] = settings.partner_agent
        if settings.app_secret is not None:
            secret = settings.app_secret.reveal().encode()
            envelope["appsecret_proof"] = hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()
        tail = json.dumps(envelope).encode()[1:] if envelope else b"}"
        content = b'{"data":[' + b",".join(payload.body for payload in payloads) + (b"]," if envelope else b"]") + tail
        url = f"{settings.api_url.rstrip('/')}/{settings.api_version}/{settings.pixel_id}/events"
        return Request("POST", url, {"authorization": f"Bearer {token}", "content-type": "application/json"}, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By Meta's codes."""
        return read_answer(response, payloads)


class _Given:
    """A tag's parameters: a server-event field by its name, the groups, and everything else for custom_data."""

    def __init__(self, parameters: Mapping[str, Any], omitted: list[Omitted]) -> None:
        self._parameters = parameters
        self._omitted = omitted
        if parameters.get("event_id") is not None:
            omitted.append(Omitted("event_id", "a tag cannot change it: every destination and the pixel have the same"))

    def value(self, key: str) -> Any:
        return self._parameters.get(key)

    def text(self, key: str) -> str | None:
        value = self._parameters.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        self._omitted.append(Omitted(key, "is not text"))
        return None

    def group(self, key: str) -> Mapping[str, Any]:
        value = self._parameters.get(key)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self._omitted.append(Omitted(key, "is not a map"))
        return {}

    def custom_data(self) -> dict[str, Any]:
        rest = {key: value for key, value in self._parameters.items() if key not in _EVENT_FIELDS}
        return {**self.group("custom_data"), **rest}


def _event_time(event: Event, given: _Given, omitted: list[Omitted]) -> int:
    """The event's time in ms. A clock that runs ahead a little is taken as now, one that runs ahead far is not believed."""
    time = event.time
    value = given.value("event_time")
    if value is not None:
        if type(value) is int and 10**9 <= value < 10**10:
            time = value * 1000
        else:
            omitted.append(Omitted("event_time", "is not seconds since 1970"))
    if time > event.received:
        if time - event.received > AHEAD_MS:
            omitted.append(Omitted("event_time", "is in the future; the time of receipt is used"))
        return event.received
    return time


def _addresses(body: dict[str, Any], event: Event, given: _Given, settings: MetaSettings, source: str) -> None:
    if source == "business_messaging":
        return
    page = event.data.get("page") or {}
    for key, said in (("event_source_url", page.get("location")), ("referrer_url", page.get("referrer"))):
        value = given.value(key)
        address = clean_address(
            said if value is None else value, settings.strip_query, origin_only=settings.core_setup
        )
        if address is not None:
            body[key] = address


def _processing(body: dict[str, Any], event: Event, given: _Given, mode: Mode, omitted: list[Omitted]) -> None:
    """Limited Data Use, and `opt_out`: the only lever that also holds outside the US states Meta lists."""
    options = given.value("data_processing_options")
    limited = mode == "restrict" or (isinstance(options, list) and "LDU" in options)
    if options is not None and not isinstance(options, list):
        omitted.append(Omitted("data_processing_options", "is not a list"))
    body["data_processing_options"] = ["LDU"] if limited else []
    if limited:
        state = LDU_STATES.get(event.facts.region or "")
        country: Any = 1 if state else 0
        code: Any = state or 0
        if mode == "send" and type(given.value("data_processing_options_country")) is int:
            country = given.value("data_processing_options_country")
            said = given.value("data_processing_options_state")
            code = said if type(said) is int else 0
        body["data_processing_options_country"] = country
        body["data_processing_options_state"] = code
    opt_out = given.value("opt_out")
    opt_out = event.data.get("opt_out") if opt_out is None else opt_out
    if mode == "restrict" or opt_out is True:
        body["opt_out"] = True
    elif opt_out is False:
        body["opt_out"] = False
