"""`type: webhook`: one message for each event, signed, at your own address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

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
from tagserver.plugin.identity import OWN_CLEAR, OWN_HASHED
from tagserver.plugin.values import is_text, milliseconds, rfc3339
from tagserver_webhook.data import PERSONAL, build_data
from tagserver_webhook.settings import WebhookSettings
from tagserver_webhook.signature import message_id, sign

HOUR_MS = 3_600_000
VISIT = ("client_id", "user_id", "session_id")
_ENVELOPE = frozenset({"event_name", "type", "timestamp", "data"})


class Webhook(Destination):
    """A receiver of your own."""

    type = "webhook"
    api_version = 1
    pure = True
    Settings = WebhookSettings
    ads = False
    consent = ConsentNeeds((), restricted=True)
    limits = Limits(events=1, bytes=1 << 20, requests=16)
    reads = ("event", "event_id", "timestamp")
    hashed = tuple(f"data.user_data.{field}" for field in OWN_HASHED)
    clear = tuple(f"data.user_data.{field}" for field in OWN_CLEAR)
    person = ("user_data", "data.user_data")

    def sees(self, settings: WebhookSettings) -> Sequence[str]:
        """What the setting `fields` names, and the person unless that is left out."""
        return (*self.reads, *settings.fields, *(() if settings.user_data == "leave_out" else ("user_data",)))

    def hashes(self, settings: WebhookSettings) -> Sequence[str]:
        """None where `user_data` goes as it came."""
        return self.hashed if settings.user_data == "hash" else ()

    def in_clear(self, settings: WebhookSettings) -> Sequence[str]:
        """The person, where `user_data` says so; and what of the request and of the visit `fields` names."""
        person = {"hash": self.clear, "plain": ("data.user_data",), "leave_out": ()}[settings.user_data]
        named = [path for path in settings.fields if path.partition(".")[0] in (*PERSONAL, *VISIT)]
        if "*" in settings.fields:
            named += VISIT
        return (*person, *(f"data.{path}" for path in dict.fromkeys(named)))

    def hosts(self, settings: WebhookSettings) -> Sequence[str]:
        """The host of the address."""
        host = urlsplit(settings.url).hostname
        return (host,) if host else ()

    def build(self, event: Event, parameters: Mapping[str, Any], settings: WebhookSettings, mode: Mode) -> Built:
        """One message: `type`, `timestamp`, `data`. Skips nothing but names and ids that are no valid text."""
        omitted: list[Omitted] = []
        given = {key: value for key, value in parameters.items() if value is not None and value is not MISSING}
        name = _first_text(given.get("event_name"), given.get("type"), event.name)
        if not is_text(name) or not is_text(event.event_id):
            raise Skip("missing_required", "the event's name or its event_id is no valid text", omitted)
        moment = event.time
        if "timestamp" in given:
            if (said := milliseconds(given["timestamp"])) is not None:
                moment = said
            else:
                omitted.append(Omitted("timestamp", "is not in seconds or milliseconds since 1970"))
        body: dict[str, Any] = {"type": name, "timestamp": rfc3339(moment)}
        if mode == "restrict":
            body["restricted"] = True
        body["data"] = build_data(event, _custom(given, omitted), settings, mode, omitted)
        age = settings.max_age_hours
        expires = None if age is None else event.received + int(age * HOUR_MS)
        return Built(body, name, moment, None, expires, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: WebhookSettings, now: int) -> Request:
        """One request for one message: the stored bytes, and a signature of exactly these. It holds the time of its
        attempt: receivers refuse one older than five minutes."""
        (payload,) = payloads
        message, moment = message_id(payload.event_id), now // 1000
        secrets = [one.reveal() for one in (settings.secret, settings.previous_secret) if one is not None]
        headers = {
            **settings.headers,
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(message, moment, payload.body, secrets),
        }
        if settings.authorization is not None:
            headers["authorization"] = settings.authorization.reveal()
        return Request(settings.method, settings.url, headers, payload.body)

    def classify(self, response: Response, payloads: Sequence[Payload]) -> Outcome:
        """By status alone, as Standard Webhooks has it; what the receiver writes is not read."""
        return read_answer(response.status, len(payloads))


def read_answer(status: int, count: int) -> Outcome:
    """What a status means. 410 says that the receiver is gone for good; a redirect is never followed."""
    reason = f"http/{status}"
    if 200 <= status < 300:
        return Outcome.delivered()
    if status == 429:
        return Outcome.throttled(reason)
    if status in (408, 425) or status >= 500:
        return Outcome.retry(reason)
    if status == 410:
        return Outcome.paused(reason, "the receiver says that this address is gone for good")
    if status in (401, 403, 407):
        return Outcome.paused(reason, "the receiver refuses the signature or the authorization")
    if status == 405:
        return Outcome.paused(reason, "the receiver does not take this method")
    if status < 400:
        return Outcome.paused(reason, "the address answers with a redirect, which is not followed")
    return Outcome.split(reason) if count > 1 else Outcome.rejected(reason)


def _custom(given: Mapping[str, Any], omitted: list[Omitted]) -> dict[str, Any]:
    """The `data` group and every parameter that is no field of the envelope."""
    own = {key: value for key, value in given.items() if key not in _ENVELOPE}
    group = given.get("data", {})
    if not isinstance(group, Mapping):
        omitted.append(Omitted("data", "is not a map"))
        return own
    return {**group, **own}


def _first_text(*values: Any) -> str:
    return next(value for value in values if isinstance(value, str) and value)
