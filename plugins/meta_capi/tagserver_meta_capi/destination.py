"""`type: meta_capi`: one server event from one data-layer event, batches of up to a thousand, answers read by
their codes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import date
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
from tagserver.plugin.values import CURRENCY, event_time
from tagserver_meta_capi.answers import read_answer
from tagserver_meta_capi.app_data import FLAGS, NEEDED, build_app_data, check_messaging
from tagserver_meta_capi.custom_data import CHECKOUT_DATA, build_custom_data
from tagserver_meta_capi.envelope import envelope_group, envelope_of
from tagserver_meta_capi.fields import CONVERSATION, EMPTY, EVENT, EVENT_FIELDS
from tagserver_meta_capi.names import EVENTS, STANDARD_EVENTS, meta_names
from tagserver_meta_capi.processing import KINDS as LIMITS
from tagserver_meta_capi.processing import LDU_STATES, OPTIONS, limit_processing
from tagserver_meta_capi.settings import MetaSettings
from tagserver_meta_capi.user_data import BROWSER_KEYS, PIECES, USER_DATA, put_pieces, too_broad
from tagserver_meta_capi.versions import version_end

DAY_MS = 86_400_000
MARGIN_MS = 4 * 3_600_000
WINDOW_MS = 7 * DAY_MS - MARGIN_MS
SHOP_WINDOW_MS = 62 * DAY_MS - MARGIN_MS
"""Meta refuses a whole request for one event older than seven days (62 for `physical_store`); four hours are
left for the queue."""

ACTION_SOURCES = frozenset(
    [
        "email",
        "website",
        "app",
        "phone_call",
        "chat",
        "physical_store",
        "system_generated",
        "business_messaging",
        "other",
    ]
)


META = "meta"
"""The client that takes Meta's own server events."""
IN_META_WORDS = frozenset({"pixel", META})
"""That one, and the client that reads calls of the page's pixel."""
OTHER = "this destination's pixel_id is none of them"
EXTERNAL_ID = "user_data.external_id"


class MetaCapi(Destination):
    """Meta's Conversions API."""

    type = "meta_capi"
    api_version = 1
    pure = True
    Settings = MetaSettings
    ads = True
    # Under Limited Data Use Meta is a service provider; where it has no code for the state, it locates by the address.
    consent = ConsentNeeds(
        ("ad_storage", "ad_user_data"), restricted=True, processor=True, locates=frozenset(LDU_STATES)
    )
    limits = Limits(
        events=1000,
        bytes=8 << 20,
        age=WINDOW_MS / 1000,
        repeat=47 * 3600.0,
        requests=8,
        oldest=SHOP_WINDOW_MS / 1000,
    )
    table = Table(USER_DATA, CHECKOUT_DATA, EVENT)
    reads = (
        *("event", "event_id", "timestamp", "action_source", "user_data", "user_id", "geo.region", "source"),
        *("app_data", *NEEDED, "opt_out", "pixel"),
        *("data_processing_options", "data_processing_options_country", "data_processing_options_state"),
    )

    hashed = tuple(f"user_data.{key}" for key in PIECES)

    standard_events = EVENTS
    kinds = (
        dict.fromkeys(("currency", "custom_data.currency"), CURRENCY)
        | {f"app_data.{name}": kind for name, kind in FLAGS.items()}
        | LIMITS
    )

    def hashes(self, settings: MetaSettings) -> Sequence[str]:
        """All that Meta wants hashed; the shop's own ids where they are not sent raw."""
        return [path for path in self.hashed if path != EXTERNAL_ID or settings.external_id != "raw"]

    def in_clear(self, settings: MetaSettings) -> Sequence[str]:
        """The browser and ids of other systems, and the shop's own ids where they are sent raw."""
        return (*self.clear, EXTERNAL_ID) if settings.external_id == "raw" else self.clear

    def hosts(self, settings: MetaSettings) -> Sequence[str]:
        """Meta's Graph API alone."""
        return ("graph.facebook.com",)

    def version_ends(self, settings: MetaSettings) -> date | None:
        """Two years after the release of the Graph API's version."""
        return version_end(settings.api_version)

    def event_names(self, settings: MetaSettings) -> Mapping[str, str]:
        """Meta's standard names, and one more where search_results says so."""
        return meta_names(settings.search_results)

    def build(self, event: Event, parameters: Mapping[str, Any], settings: MetaSettings, mode: Mode) -> Built:
        """One server event. Skips what Meta refuses with the whole request: a Purchase without value or currency, an
        event that identifies nobody, one that is too old, one of an app or a conversation without what belongs to it.
        """
        omitted: list[Omitted] = []
        given = Given(parameters, EVENT_FIELDS, omitted, empty=EMPTY)
        said = given.fields
        called = event.data.get("pixel") if event.client in IN_META_WORDS else None
        as_sent = event.client == META
        name = (given.text("event_name") if said else None) or (
            self.event_name(event, settings) if called is None else self._called(event, called, settings, omitted)
        )
        if settings.core_setup and name not in STANDARD_EVENTS:
            raise Skip(
                "missing_required", "core_setup sends Meta's standard events alone; this is a custom one", omitted
            )
        source = self._action_source(event, given, omitted)
        time = event_time(event, said.get("event_time"), "event_time", omitted)
        expires = time + (SHOP_WINDOW_MS if source == "physical_store" else WINDOW_MS)
        if event.received >= expires:
            days = 62 if source == "physical_store" else 7
            raise Skip("too_old", f"Meta takes events of the last {days} days", omitted)
        user_data = USER_DATA.fill(event, given.group("user_data") if said else {}, settings, omitted)
        if as_sent:
            put_pieces(user_data, event)
        if source in ("business_messaging", "physical_store"):
            for key in BROWSER_KEYS:
                user_data.pop(key, None)
        if too_broad(user_data):
            why = f"Meta finds nobody by {', '.join(sorted(user_data))} alone"
            if not user_data:
                why = "nothing says who it was: Meta wants an e-mail, a telephone number, an id or a click"
            raise Skip("no_identity", why, omitted)
        own = {**given.group("custom_data"), **given.rest} if said else given.rest
        custom_data = build_custom_data(event, own, name, settings, omitted, as_sent=as_sent)
        if name == "Purchase" and not ("value" in custom_data and "currency" in custom_data):
            missing = [key for key in ("value", "currency") if key not in custom_data]
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
        part = CONVERSATION if source == "business_messaging" else EVENT
        body |= part.fill(event, given.among(part.names) if said else {}, settings, omitted)
        if source == "business_messaging":
            check_messaging(body, omitted)
        if source == "app":
            body["app_data"] = build_app_data(event, given, omitted)
        limit_processing(body, event, said, mode, omitted)
        if as_sent and not body[OPTIONS] and OPTIONS not in event.data and OPTIONS not in said:
            del body[OPTIONS]  # nobody has spoken of it
        group = envelope_group(event, settings) if as_sent else None
        return Built(body, name, time, group, expires, tuple(omitted))

    def _called(self, event: Event, called: Any, settings: MetaSettings, omitted: list[Omitted]) -> str:
        """The name of an event that the page's pixel has had: byte for byte, or Meta would not know the pair."""
        name = called.get("name") if isinstance(called, dict) else None
        if not isinstance(name, str) or not name:
            return self.event_name(event, settings)
        ids = called.get("ids")
        if isinstance(ids, list) and ids and settings.pixel_id not in ids:
            if called.get("single") is True:
                raise Skip("other_account", f"it was sent for single pixels, and {OTHER}", omitted)
            omitted.append(Omitted("event_name", f"the page's pixel is another one, so no pair is made: {OTHER}"))
        return name

    @staticmethod
    def _action_source(event: Event, given: Given, omitted: list[Omitted]) -> str:
        for value in (given.fields.get("action_source"), event.data.get("action_source")):
            if isinstance(value, str) and value in ACTION_SOURCES:
                return value
            if value is not None and value != "":
                omitted.append(Omitted("action_source", f"is none of {', '.join(sorted(ACTION_SOURCES))}"))
        # To name a source certifies it: website is said only where there is a page or a browser.
        return "website" if event.source == "browser" or event.page.host else "other"

    def request(self, payloads: Sequence[Payload], settings: MetaSettings) -> Request:
        """One request for up to a thousand events; their JSON is joined, not read again. The token stands in a
        header alone. What the settings say beside the events goes before what their sender has said."""
        token = settings.access_token.reveal()
        group = payloads[0].group
        envelope = envelope_of(group) if group is not None else {}
        if settings.test_event_code:
            envelope["test_event_code"] = settings.test_event_code
        if settings.partner_agent:
            envelope["partner_agent"] = settings.partner_agent
        if settings.app_secret is not None:
            secret = settings.app_secret.reveal().encode()
            envelope["appsecret_proof"] = hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()
        bodies = [payload.body for payload in payloads]
        bodies[0] = b'{"data":[' + bodies[0]
        bodies[-1] += b"]," + json.dumps(envelope).encode()[1:] if envelope else b"]}"
        content = b",".join(bodies)  # a megabyte perhaps, which is copied this once
        url = f"{settings.api_url.rstrip('/')}/{settings.api_version}/{settings.pixel_id}/events"
        return Request("POST", url, {"authorization": f"Bearer {token}", "content-type": "application/json"}, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By Meta's codes."""
        return read_answer(response, payloads)
