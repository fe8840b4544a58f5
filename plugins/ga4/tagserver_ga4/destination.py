"""`type: ga4`: one event of a web stream, up to 25 of one visitor in a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tagserver.plugin import (
    MISSING,
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
from tagserver_ga4.answers import read_answer
from tagserver_ga4.envelope import FIELDS, build_envelope
from tagserver_ga4.names import event_fault
from tagserver_ga4.params import FROM_EVENT, build_params
from tagserver_ga4.settings import HOSTS, Ga4Settings
from tagserver_ga4.values import is_text
from tagserver_ga4.visit import session_cookie

HOUR_MS = 3_600_000
WINDOW_MS = (72 - 4) * HOUR_MS
"""Google takes events of the last 72 hours; four are left for the queue."""
AHEAD_MS = 600_000
"""A browser's clock may run ahead by this much; such a time is taken as now."""
NEED_ORDER = frozenset({"purchase", "refund"})


class Ga4(Destination):
    """Google Analytics 4, Measurement Protocol, web streams."""

    type = "ga4"
    api_version = 1
    Settings = Ga4Settings
    ads = False
    consent = ConsentNeeds(("analytics_storage",), restricted=True)
    limits = Limits(events=25, bytes=128_000, age=WINDOW_MS / 1000, requests=16)
    event_id = False  # it is an ordinary parameter there; Google deduplicates purchases by transaction_id alone
    reads = (
        *("event", "event_id", "timestamp", "client_id", "user_id", "session_id", "cookie._ga"),
        *("page.location", "page.referrer", "page.title", "ecommerce", "user_data", "ip"),
        *FROM_EVENT,
    )

    def sees(self, settings: Ga4Settings) -> Sequence[str]:
        """The fields that `params` names, too, and the cookie of this property's session."""
        return (*self.reads, *settings.params, f"cookie.{session_cookie(settings.measurement_id)}")

    def hosts(self, settings: Ga4Settings) -> Sequence[str]:
        """Google Analytics, world-wide and in the European Union."""
        return tuple(HOSTS.values())

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Ga4Settings, mode: Mode) -> Built:
        """One event in its envelope. Skips names that Google does not take, an event without a client id, a purchase
        or refund without transaction_id, and one that is too old."""
        omitted: list[Omitted] = []
        given = {key: value for key, value in parameters.items() if value is not None and value is not MISSING}
        if "event_id" in given:
            omitted.append(Omitted("event_id", "a tag cannot change it: every destination and the page have the same"))
        said = given.get("event_name")
        name = said if isinstance(said, str) and said else event.name
        if not is_text(name) or (why := event_fault(name)) is not None:
            why = why if is_text(name) else "is no valid text"
            raise Skip("missing_required", f"the event's name {why}; set event_name on the tag", omitted)
        time = _event_time(event, given, omitted)
        expires = time + WINDOW_MS
        if event.received >= expires:
            raise Skip("too_old", "Google takes events of the last 72 hours", omitted)
        envelope = build_envelope(event, given, settings, mode, omitted)
        params = build_params(event, name, _custom(given), settings, omitted)
        if name in NEED_ORDER and "transaction_id" not in params:
            raise Skip("missing_required", f"a {name} needs transaction_id", omitted)
        body = envelope | {"events": [{"name": name, "timestamp_micros": time * 1000, "params": params}]}
        if not params:
            del body["events"][0]["params"]
        return Built(body, name, time, _group(envelope), expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: Ga4Settings) -> Request:
        """One request for events of the same envelope. The secret stands in the query, where Google wants it."""
        bodies = [json.loads(payload.body) for payload in payloads]
        body = bodies[0] | {"events": [event for one in bodies for event in one["events"]]}
        query = urlencode({"measurement_id": settings.measurement_id, "api_secret": settings.api_secret.reveal()})
        path = "debug/mp/collect" if settings.debug else "mp/collect"
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return Request("POST", f"{settings.base_url}/{path}?{query}", {"content-type": "application/json"}, content)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By status, and by the codes of the validation server."""
        return read_answer(response, payloads)


def _custom(given: Mapping[str, Any]) -> dict[str, Any]:
    """The `params` group and every parameter that is no field of the envelope."""
    group = given.get("params")
    own = {key: value for key, value in given.items() if key not in FIELDS}
    return {**group, **own} if isinstance(group, Mapping) else own


def _group(envelope: Mapping[str, Any]) -> str:
    """The same for events that may share a request, and not readable: it rests in the queue."""
    text = json.dumps(envelope, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _event_time(event: Event, given: Mapping[str, Any], omitted: list[Omitted]) -> int:
    """The event's time in ms. A clock that runs ahead a little is taken as now, one that runs ahead far is not
    believed."""
    time = event.time
    value = given.get("timestamp_micros")
    if value is not None:
        if type(value) is int and 10**15 <= value < 10**16:
            time = value // 1000
        elif type(value) is int and 10**12 <= value < 10**13:
            time = value
        else:
            omitted.append(Omitted("timestamp_micros", "is neither micro- nor milliseconds since 1970"))
    if time > event.received:
        if time - event.received > AHEAD_MS:
            omitted.append(Omitted("timestamp_micros", "is in the future; the time of receipt is used"))
        return event.received
    return time
