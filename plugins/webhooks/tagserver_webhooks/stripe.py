"""Stripe: `Stripe-Signature` over the time and the body, and events of Checkout, invoices, subscriptions and refunds.

A payment service knows who has paid, and nothing of the browser: what a shop has put into `metadata` is read for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from tagserver.plugin.inbound import (
    InboundRequest,
    Incoming,
    KeyedSource,
    Note,
    Passed,
    RequestFacts,
    check_timed,
    json_body,
    timed_signature,
)
from tagserver_webhooks.billing import Envelope, invoice_paid, refund_created, refund_of_charge, session
from tagserver_webhooks.gates import bad_shape
from tagserver_webhooks.reading import Part
from tagserver_webhooks.settings import WebhookSource, seconds_of
from tagserver_webhooks.style import Ungreeted
from tagserver_webhooks.subscription import created, deleted, updated

SIGNATURE = "stripe-signature"
TOLERANCE = 300.0
_READERS: Mapping[str, Callable[[Envelope], Iterable[Mapping[str, Any] | Passed]]] = {
    "checkout.session.completed": session,
    "checkout.session.async_payment_succeeded": session,
    "invoice.paid": invoice_paid,
    "customer.subscription.created": created,
    "customer.subscription.updated": updated,
    "customer.subscription.deleted": deleted,
    "refund.created": refund_created,
    "charge.refunded": refund_of_charge,
}


class Stripe(Ungreeted):
    """Its events in the form of snapshots: `{id, type, created, livemode, data: {object, previous_attributes}}`."""

    keys: ClassVar[frozenset[str]] = frozenset({"subscribe", "tolerance", "test"})

    def fault(self, source: KeyedSource) -> str | None:
        """None that its settings do not say themselves."""
        return None

    def verify(self, request: InboundRequest, source: KeyedSource) -> None:
        """By time and body; the key is the secret as a whole, `whsec_` and all."""
        tolerance = seconds_of(source.settings.tolerance or "") or TOLERANCE
        keys = [one.encode() for one in source.texts()]
        check_timed(request.headers.get(SIGNATURE), keys, request.body, request.judged, tolerance)

    def read(self, body: bytes, facts: RequestFacts, source: KeyedSource) -> Incoming:
        """What one event becomes: mostly one of ours."""
        found = json_body(body)
        notes: list[Note] = []
        events = [*_events(Part(found if isinstance(found, dict) else {}, notes), source.settings)]
        return Incoming(events, notes=notes)

    def headers(self, request: InboundRequest, source: KeyedSource) -> Mapping[str, str]:
        """Signed at the moment of its receipt."""
        return {SIGNATURE: timed_signature(source.texts()[0].encode(), request.body or b"", request.received)}


def _events(sent: Part, settings: WebhookSource) -> Iterator[Mapping[str, Any] | Passed]:
    kind, data = sent.word("type"), sent.part("data")
    if not kind:
        yield bad_shape("event of Stripe's")
        return
    reader = _READERS.get(kind)
    if reader is None:
        yield Passed("topic", "no event of a payment, subscription or refund that counts; see What Stripe tells")
        return
    if sent.held.get("livemode") is not True and settings.test != "take":
        yield Passed("test", "an event of a test mode; `test: take` takes them")
        return
    if not isinstance(data.held.get("object"), dict):
        yield bad_shape("event of Stripe's with its object")
        return
    yield from reader(Envelope(sent, data.part("object"), data.part("previous_attributes"), settings))
