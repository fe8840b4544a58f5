"""`type: ga4`: one event of a web stream, up to 25 of one visitor in a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

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
from tagserver.plugin.values import CURRENCY, event_time, is_text
from tagserver_ga4.answers import read_answer
from tagserver_ga4.envelope import FIELDS, build_envelope
from tagserver_ga4.envelope import KINDS as LIMITS
from tagserver_ga4.names import EVENTS, event_fault
from tagserver_ga4.params import FROM_EVENT, FROM_EVENT_OF, SHOP, VISIT, build_params
from tagserver_ga4.settings import HOSTS, Ga4Settings
from tagserver_ga4.user import ADDRESS, USER_DATA
from tagserver_ga4.visit import session_cookie

HOUR_MS = 3_600_000
WINDOW_MS = (72 - 4) * HOUR_MS
"""Google takes events of the last 72 hours; four are left for the queue."""
NEED_ORDER = frozenset({"purchase", "refund"})


class Ga4(Destination):
    """Google Analytics 4, Measurement Protocol, web streams."""

    type = "ga4"
    api_version = 1
    pure = True
    Settings = Ga4Settings
    ads = False
    consent = ConsentNeeds(("analytics_storage",), restricted=True)
    limits = Limits(events=25, bytes=128_000, age=WINDOW_MS / 1000, requests=16)
    event_id = False  # it is an ordinary parameter there; Google deduplicates purchases by transaction_id alone
    table = Table(USER_DATA, ADDRESS, SHOP, VISIT)
    reads = (
        *("event", "event_id", "timestamp", "client_id", "user_id", "cookie._ga", "ecommerce", "user_data", "ip"),
        *FROM_EVENT,
        *(name for names in FROM_EVENT_OF.values() for name in names),
    )
    clear = ("client_id", "user_id", "ip_override")

    standard_events = EVENTS
    kinds = dict.fromkeys(("currency", "items.currency", "params.currency"), CURRENCY) | LIMITS

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
        given = Given(parameters, FIELDS, omitted)
        said = given.fields.get("event_name")
        name = said if isinstance(said, str) and said else event.name
        if not is_text(name) or (why := event_fault(name)) is not None:
            why = why if is_text(name) else "is no valid text"
            raise Skip("missing_required", f"the event's name {why}; set event_name on the tag", omitted)
        time = event_time(event, given.fields.get("timestamp_micros"), "timestamp_micros", omitted)
        expires = time + WINDOW_MS
        if event.received >= expires:
            raise Skip("too_old", "Google takes events of the last 72 hours", omitted)
        envelope = build_envelope(event, given, settings, mode, omitted)
        params = build_params(event, name, {**given.group("params"), **given.rest}, settings, omitted)
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


def _group(envelope: Mapping[str, Any]) -> str:
    """The same for events that may share a request, and not readable: it rests in the queue."""
    return hashlib.sha256(_sorted(envelope).encode()).hexdigest()[:32]


_sorted = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
