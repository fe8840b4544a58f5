"""How each style is signed, and what its body holds: one class a style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tagserver.plugin.inbound import (
    InboundRequest,
    Incoming,
    KeyedSource,
    Refuse,
    RequestFacts,
    check_hmac,
    check_standard,
    check_timed,
    event_id_for,
    json_body,
    mac,
    standard_key,
    timed_signature,
)
from tagserver_webhooks.mapped import NO_EVENT, has_name, map_fault, passed_over
from tagserver_webhooks.settings import WebhookSource
from tagserver_webhooks.shopify import Shopify
from tagserver_webhooks.stripe import Stripe
from tagserver_webhooks.style import Style, Ungreeted
from tagserver_webhooks.woocommerce import WooCommerce


class Standard(Ungreeted):
    """Standard Webhooks: `{"type", "timestamp", "data"}`; `data` is the event, `type` its name, and its id that of
    its order or else of the message, where it has none of its own."""

    keys: ClassVar[frozenset[str]] = frozenset({"map", "when"})

    def fault(self, source: KeyedSource) -> str | None:
        """Its secret is base64."""
        if any(one.reveal() and standard_key(one.reveal()) is None for one in source.secrets):
            return 'a secret of a standard webhook is "whsec_" and base64'
        return None

    def verify(self, request: InboundRequest, source: KeyedSource) -> None:
        """By id, time and body."""
        check_standard(request.headers, source.texts(), request.body, request.judged)

    def read(self, body: bytes, facts: RequestFacts, source: KeyedSource) -> Incoming:
        """One event."""
        settings: WebhookSource = source.settings
        found = json_body(body)
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, dict):
            raise Refuse(400, "bad_shape", 'the body is not {"type": NAME, "timestamp": TIME, "data": {…}}')
        if (passed := passed_over(found, facts, settings)) is not None:
            return Incoming([passed])
        event = {**data} if settings.map is None else settings.map.event(found, facts.headers)
        event.setdefault("event", found.get("type"))
        if found.get("timestamp") is not None:
            event.setdefault("timestamp", found["timestamp"])
        if found.get("restricted") not in (None, False):  # what a tagserver says of a visitor who has not granted all
            event["npa"] = True
        message = facts.headers.get("webhook-id") or facts.headers.get("svix-id")
        if event.get("event_id") in (None, "") and (made := _id_of(event, message)) is not None:
            event["event_id"] = made
        return Incoming([event])

    def headers(self, request: InboundRequest, source: KeyedSource) -> Mapping[str, str]:
        """Signed at the moment of its receipt."""
        moment, message = str(request.received // 1000), request.headers.get("webhook-id", "msg_1")
        signed = f"{message}.{moment}.".encode() + (request.body or b"")
        made = mac(standard_key(source.texts()[0]) or b"", signed, form="base64")
        return {"webhook-id": message, "webhook-timestamp": moment, "webhook-signature": f"v1,{made}"}


class Hmac(Ungreeted):
    """A header with the HMAC-SHA256 of the body. The body is an event, a list of events or `{"events", "ctx", "sent"}`,
    as at `/collect`."""

    keys: ClassVar[frozenset[str]] = frozenset({"header", "form", "prefix", "map", "when"})

    def fault(self, source: KeyedSource) -> str | None:
        """A map that makes no event, and what does not go together."""
        settings: WebhookSource = source.settings
        if settings.form == "timed" and settings.prefix is not None:
            return "prefix stands before a plain signature; form: timed has t= and v1="
        return map_fault(settings)

    def verify(self, request: InboundRequest, source: KeyedSource) -> None:
        """By the body alone."""
        settings: WebhookSource = source.settings
        given = request.headers.get(_header(settings))
        keys = [one.encode() for one in source.texts()]
        if settings.form == "timed":
            check_timed(given, keys, request.body, request.judged)
            return
        check_hmac(given, keys, request.body, form=settings.form or "hex", prefix=settings.prefix or "")

    def read(self, body: bytes, facts: RequestFacts, source: KeyedSource) -> Incoming:
        """Events in our own format, or what the map makes."""
        settings: WebhookSource = source.settings
        found = json_body(body)
        if (passed := passed_over(found, facts, settings)) is not None:
            return Incoming([passed])
        if settings.map is not None:
            event = settings.map.event(found, facts.headers)
            return Incoming([event if has_name(event) else NO_EVENT])
        if isinstance(found, list):
            return Incoming(found)
        if isinstance(events := found.get("events"), list):
            return Incoming(events, found.get("ctx"), found.get("sent"))
        return Incoming([found])

    def headers(self, request: InboundRequest, source: KeyedSource) -> Mapping[str, str]:
        """The one header."""
        settings: WebhookSource = source.settings
        key, body = source.texts()[0].encode(), request.body or b""
        if settings.form == "timed":
            return {_header(settings): timed_signature(key, body, request.received)}
        made = mac(key, body, form=settings.form or "hex")
        return {_header(settings): (settings.prefix or "") + made}


STYLES: Mapping[str, Style] = {
    "shopify": Shopify(),
    "stripe": Stripe(),
    "woocommerce": WooCommerce(),
    "standard": Standard(),
    "hmac": Hmac(),
}


def _header(settings: WebhookSource) -> str:
    return (settings.header or "x-signature").lower()


def _id_of(event: Mapping[str, Any], message: str | None) -> str | None:
    """The id that other copies of its order have, or else that of the message."""
    ecommerce, name = event.get("ecommerce"), event.get("event")
    order = ecommerce.get("transaction_id") if isinstance(ecommerce, dict) else event.get("transaction_id")
    return event_id_for(name, order, message=message) if isinstance(name, str) else message
