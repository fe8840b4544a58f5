"""Money that Stripe tells of: sessions of Checkout, invoices, refunds. Amounts come in minor units of their currency.

One payment is told by several of Stripe's objects, which share no id that both know: `subscribe` says which of them
counts for the first payment of a subscription, and the other is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tagserver.plugin.inbound import Passed, event_id_for, minor_units
from tagserver_webhooks.carried import carried, laid_over
from tagserver_webhooks.reading import Part, filled
from tagserver_webhooks.settings import WebhookSource

Found = Mapping[str, Any] | Passed
MOST_METADATA = 100
"""Stripe allows fifty."""
MOST_LINES = 250
MOST_REFUNDS = 100
LATEST = 10**10
"""Seconds since 1970 that are a time: beyond lie milliseconds."""
_ORDER_NAMES = ("order_id", "transaction_id")
_OF_A_VISIT = ("event_id", "page", "ip_override", "user_agent")
"""What metadata says of the visit in which a subscription began: later events are of no visit."""
_BY_REASON = {
    "subscription_create": "subscribe",
    "subscription_cycle": "renewal",
    "subscription_threshold": "renewal",
    "subscription_update": "change",
}
"""Why an invoice was written → what its payment is; all other reasons are `invoice`."""


class Envelope(NamedTuple):
    """One event of Stripe's: the whole, its object, what that was before, and the settings of the webhook."""

    sent: Part
    thing: Part
    before: Part
    settings: WebhookSource

    def event(self, name: str, event_id: str | None, **fields: Any) -> dict[str, Any]:
        """An event of ours with what all have; without an id that all copies share it has that of the message."""
        own = {
            "event": self.sent.id("id"),
            "customer": reference(self.thing, "customer"),
            "type": self.sent.word("type"),
        }
        return filled(
            {
                "event": name,
                "event_id": event_id or event_id_for(name, message=self.sent.id("id")),
                "timestamp": moment(self.sent, "created"),
                **fields,
                "stripe": filled({**own, "account": self.sent.id("account")}),
            }
        )


def session(one: Envelope) -> Iterator[Found]:
    """A session of Checkout: a purchase, or the beginning of a subscription. What is not paid yet comes again as
    `checkout.session.async_payment_succeeded`."""
    thing = one.thing
    mode, order = thing.word("mode"), _order(thing) or thing.id("id")
    name = "subscribe" if mode == "subscription" else "purchase"
    event_id = event_id_for(name, order)
    if mode not in ("payment", "subscription"):
        yield Passed("no_money", "a session that takes no money, but keeps a card for later", event_id)
        return
    # The first tells by its type that the money has come; a card's status may be written a moment later.
    if one.sent.word("type").endswith("completed") and thing.word("payment_status") not in PAID:
        yield Passed("not_paid", "it is not paid yet: subscribe the webhook to async_payment_succeeded, too", event_id)
        return
    value, currency = _money(thing, "amount_total")
    if mode == "subscription" and one.settings.subscribe == "invoice":
        yield Passed("elsewhere", "`subscribe: invoice`: the invoice of this payment counts", event_id)
        return
    if mode == "subscription" and value == 0:
        yield Passed(
            "no_money", "a subscription that begins without money: customer.subscription.created tells of a trial"
        )
        return
    totals = thing.part("total_details")
    ecommerce = {
        "transaction_id": order,
        "value": value,
        "currency": currency,
        "tax": _amount(totals, "amount_tax", currency),
        "shipping": _amount(totals, "amount_shipping", currency) or None,
        "discount": _amount(totals, "amount_discount", currency) or None,
    }
    details = thing.part("customer_details")
    made = one.event(
        name,
        event_id,
        ecommerce=filled(ecommerce),
        user_data=person(details, details.text("email") or thing.text("customer_email"), details.part("address")),
        subscription=filled({"id": reference(thing, "subscription")}),
    )
    yield laid_over(made, _metadata(thing))


def invoice_paid(one: Envelope) -> Iterator[Found]:
    """A paid invoice, by why it was written."""
    thing = one.thing
    reason, invoice = thing.word("billing_reason"), thing.id("id")
    name = _BY_REASON.get(reason, "invoice")
    first = name == "subscribe"
    about = _of_subscription(thing)
    order = (_order(about) or _order(thing) or invoice) if first else invoice
    event_id = event_id_for(name, order, invoice=invoice)
    value, currency = _money(thing, "amount_paid")
    if value == 0:
        yield Passed("no_money", "an invoice of nothing, as at the beginning of a trial", event_id)
        return
    if first and one.settings.subscribe != "invoice":
        yield Passed("elsewhere", "`subscribe: session`: the session of Checkout counts for this payment", event_id)
        return
    lines = [made for line in thing.part("lines").rows("data", MOST_LINES) if (made := _item(line, currency))]
    made = one.event(
        name,
        event_id,
        ecommerce=filled({"transaction_id": order, "value": value, "currency": currency, "items": lines or None}),
        user_data=person(thing, thing.text("customer_email"), thing.part("customer_address"), "customer_"),
        action_source=None if first else "system_generated",
        subscription=filled({"id": reference(about, "subscription") or reference(thing, "subscription")}),
        invoice=filled({"id": invoice, "reason": reason or None}),
    )
    yield laid_over(made, without_visit(laid_over(_metadata(about), _metadata(thing))))


def refund_created(one: Envelope) -> Iterator[Found]:
    """A refund of its own."""
    yield _refund(one, one.thing, _order(one.thing), _metadata(one.thing))


def refund_of_charge(one: Envelope) -> Iterator[Found]:
    """A charge of which something was paid back. Its `amount_refunded` is the sum so far: only where the refunds
    stand in it the newest counts, which `refund.created` tells of by the same id."""
    refunds = [each for each in one.thing.part("refunds").rows("data", MOST_REFUNDS) if moment(each, "created")]
    if not refunds:
        message = "only a sum stands in it: subscribe the webhook to refund.created, which has each refund"
        yield Passed("elsewhere", message)
        return
    newest = max(refunds, key=lambda each: moment(each, "created") or 0)
    order = _order(newest) or _order(one.thing)
    details = one.thing.part("billing_details")
    made = _refund(one, newest, order, laid_over(_metadata(one.thing), _metadata(newest)))
    about = person(details, details.text("email") or one.thing.text("receipt_email"), details.part("address"))
    yield made if isinstance(made, Passed) or not about else laid_over({"user_data": about}, made)


PAID = ("paid", "no_payment_required")
NOT_REFUNDED = ("failed", "canceled", "requires_action")


def _refund(one: Envelope, refund: Part, order: str | None, over: Mapping[str, Any]) -> Found:
    event_id = event_id_for("refund", refund=refund.id("id"))
    if refund.word("status") in NOT_REFUNDED:
        return Passed("not_paid", "the refund has failed, or is not made yet", event_id)
    value, currency = _money(refund, "amount")
    made = one.event(
        "refund",
        event_id,
        ecommerce=filled({"transaction_id": order, "value": value, "currency": currency}),
        refund=filled({"id": refund.id("id"), "reason": refund.text("reason")}),
    )
    return laid_over(made, without_visit(over))


def person(details: Part, email: str | None, address: Part, start: str = "") -> dict[str, Any]:
    """`user_data` of somebody whose name is one text. Two words of it are a first and a last name; of more nobody knows
    where the one ends."""
    words = (details.text(f"{start}name") or "").split()
    first, last = words if len(words) == 2 else (None, None)
    found = {
        "first_name": first,
        "last_name": last,
        "street": address.text("line1"),
        "city": address.text("city"),
        "region": address.text("state"),
        "postal_code": address.text("postal_code"),
        "country": address.text("country"),
    }
    phone = details.text(f"{start}phone")
    return filled({"email": email, "phone_number": phone, "address": filled(found)})


def without_visit(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What was carried, without what is of the visit alone: the id of the page's copy, the page, address and agent."""
    return {name: value for name, value in fields.items() if name not in _OF_A_VISIT}


def reference(thing: Part, name: str) -> str | None:
    """The id of another object, which stands there itself where it was expanded."""
    return thing.part(name).id("id") if isinstance(thing.held.get(name), dict) else thing.id(name)


def moment(thing: Part, name: str) -> int | None:
    """A time in ms since 1970, from seconds."""
    value = thing.held.get(name)
    if type(value) is int and 0 < value < LATEST:
        return value * 1000
    if value is not None:
        thing.wrong(name, "a time in seconds")
    return None


def metadata_of(thing: Part) -> dict[str, Any]:
    """The fields of an event that a shop has put into the metadata of an object."""
    return _metadata(thing)


def _metadata(thing: Part) -> dict[str, Any]:
    held = thing.part("metadata").held
    pairs = [(f"metadata.{name}"[:80], name, value) for name, value in [*held.items()][:MOST_METADATA]]
    return carried(pairs, thing.notes)


def _order(thing: Part) -> str | None:
    """The shop's own id of an order."""
    if (own := thing.id("client_reference_id")) is not None:
        return own
    metadata = thing.part("metadata")
    return next((found for name in _ORDER_NAMES if (found := metadata.id(name)) is not None), None)


def _of_subscription(invoice: Part) -> Part:
    """What an invoice says of its subscription, in today's place or in that of versions before 2025."""
    parent = invoice.part("parent").part("subscription_details")
    return parent if parent.held else invoice.part("subscription_details")


def _money(thing: Part, name: str) -> tuple[float | None, str | None]:
    currency = thing.text("currency")
    code = currency.upper() if currency is not None else None
    return _amount(thing, name, code), code


def _amount(thing: Part, name: str, currency: str | None) -> float | None:
    value = thing.held.get(name)
    if value is None:
        return None
    if (found := minor_units(value, currency)) is None:
        thing.wrong(name, "a whole number of minor units of a currency")
    return found


def _item(line: Part, currency: str | None) -> dict[str, Any]:
    """A line of an invoice, by its product; today's place, or that of versions before 2025."""
    priced, price = line.part("pricing").part("price_details"), line.part("price")
    quantity = line.amount("quantity")
    product = reference(priced, "product") or reference(price, "product")
    return filled(
        {
            "item_id": product,
            "item_name": line.text("description"),
            "item_variant": reference(priced, "price") or price.id("id"),
            "quantity": quantity,
            "price": _amount(price, "unit_amount", currency) if price.held else _each(line, currency),
        }
    )


def _each(line: Part, currency: str | None) -> float | None:
    """What one piece costs: a text of minor units. Of fractions of one, as by use, nobody pays a single piece."""
    text = line.part("pricing").held.get("unit_amount_decimal")
    if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 16:
        return minor_units(int(text), currency)
    return None
