"""Shopify's webhooks: a paid order is a purchase, a refund a refund.

The header that names the topic is not signed, so the body must have the shape of what it promises: an order that
somebody has recorded, and sends again as a refund, is none. What lets people into an order (`order_status_url` and its
path, `token`, `checkout_token`, `cart_token`) is not read, but for the shop's host in that address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from tagserver.plugin.inbound import (
    Forget,
    InboundRequest,
    Incoming,
    KeyedSource,
    Note,
    Passed,
    Refuse,
    RequestFacts,
    check_hmac,
    event_id_for,
    json_body,
    mac,
    order_id,
)
from tagserver_webhooks.carried import CLICKS, carried, entries, laid_over
from tagserver_webhooks.gates import bad_shape, closed, no_topic
from tagserver_webhooks.items import MOST, fitting, shopify_item
from tagserver_webhooks.person import person
from tagserver_webhooks.reading import Part, filled
from tagserver_webhooks.settings import WebhookSource
from tagserver_webhooks.style import Ungreeted

SIGNATURE, TOPIC, TEST = "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-test"
ORDERS, REFUNDS = ("orders/paid", "orders/create"), "refunds/create"
REDACT = "customers/redact"
PRIVACY = (REDACT, "customers/data_request", "shop/redact")
MOST_ATTRIBUTES = MOST_REDACTED = 100
_FAILED = frozenset({"failure", "error"})
_SOURCES = {"web": "website", "pos": "physical_store"}
_IDS = ("id", "name", "order_number")
_host = re.compile(r"[a-z0-9.-]{1,253}").fullmatch
_private = re.compile(r"/(orders|checkouts|account|apps|authenticate)(/|\Z)").search
"""Paths in which keys to somebody's order stand."""


class Shopify(Ungreeted):
    """By the app's secret, or that of the shop's own webhooks."""

    keys: ClassVar[frozenset[str]] = frozenset({"statuses", "test", "order_id", "money", "item_id", "site"})

    def fault(self, source: KeyedSource) -> str | None:
        """An id that orders at Shopify do not have."""
        settings: WebhookSource = source.settings
        if settings.order_id not in (None, *_IDS):
            return f"order_id of style: shopify is one of {', '.join(_IDS)}"
        return None

    def verify(self, request: InboundRequest, source: KeyedSource) -> None:
        """By the body alone."""
        keys = [one.encode() for one in source.texts()]
        check_hmac(request.headers.get(SIGNATURE), keys, request.body, form="base64")

    def headers(self, request: InboundRequest, source: KeyedSource) -> Mapping[str, str]:
        """The one header."""
        return {SIGNATURE: mac(source.texts()[0].encode(), request.body or b"", form="base64")}

    def read(self, body: bytes, facts: RequestFacts, source: KeyedSource) -> Incoming:
        """By its topic: an order, a refund, or nothing."""
        found = json_body(body)
        if not isinstance(found, dict):
            raise Refuse(400, "bad_shape", "the body is no object")
        topic = facts.headers.get(TOPIC, "").strip().lower()
        if topic in PRIVACY:
            return _privacy(topic, Part(found, []))
        notes: list[Note] = []
        part, settings = Part(found, notes), source.settings
        if topic in ORDERS:
            made: Mapping[str, Any] | Passed = _order(part, settings, facts)
        elif topic == REFUNDS:
            made = _refund(part, settings)
        else:
            made = no_topic((*ORDERS, REFUNDS))
        return Incoming([made], notes=notes)


def _privacy(topic: str, told: Part) -> Incoming:
    """What Shopify must be able to ask for. `customers/redact` erases the customer, and the records of the orders that
    are named by their ids; the other topics ask for nothing that lies here."""
    if topic != REDACT:
        return Incoming([Passed("privacy", f"{topic} is not carried out by this address: see `tagserver forget`")])
    orders = told.held.get("orders_to_redact")
    if not isinstance(orders, list) or "line_items" in told.held:
        return Incoming([bad_shape("customers/redact")])  # nobody signs the topic: an order would do, else
    customer = told.part("customer")
    numbers = (order_id(one) for one in orders[:MOST_REDACTED])
    forget = Forget(
        email=_one_of(customer.text("email")),
        phone=_one_of(customer.text("phone")),
        user_id=_one_of(customer.id("id")),
        order=tuple(number for number in numbers if number is not None),
    )
    return Incoming([Passed("privacy", f"{topic}: the customer is erased")], forget=forget)


def _one_of(text: str | None) -> tuple[str, ...]:
    """The one identifier, or none."""
    return (text,) if text else ()


def _order(order: Part, settings: WebhookSource, facts: RequestFacts) -> Mapping[str, Any] | Passed:
    """A purchase, or why there is none. A refund names its order by `order_id`, which an order has not."""
    held = order.held
    number = order.id("id")
    if number is None or "order_id" in held or not isinstance(held.get("line_items"), list):
        return bad_shape("order")
    known = number if settings.order_id in (None, "id") else order.id(settings.order_id)
    if known is None:
        return Passed("no_order", f"an order without {settings.order_id}, by which it is known in the page")
    event_id = event_id_for("purchase", known)
    test = held.get("test") is True or facts.headers.get(TEST, "").strip().lower() == "true"
    cancelled = held.get("cancelled_at") is not None
    status = held.get("financial_status")
    if (shut := closed(settings, event_id, status, ("paid",), test=test, cancelled=cancelled)) is not None:
        return shut
    over = carried(entries(order, "note_attributes", "name", MOST_ATTRIBUTES), order.notes)
    customer = order.part("customer")
    addresses = (order.part("billing_address"), order.part("shipping_address"), customer.part("default_address"))
    origin = _SOURCES.get(order.word("source_name"), "other")
    page, visitor = {}, {}
    if origin != "physical_store":  # there they are those of the till
        page, client = _page(order, settings), order.part("client_details")
        address = client.text("browser_ip") or order.text("browser_ip")
        visitor = {"ip_override": address, "user_agent": client.text("user_agent")}
    event = filled(
        {
            "event": "purchase",
            "event_id": event_id,
            "timestamp": order.text("processed_at") or order.text("created_at"),
            "action_source": "other" if origin == "website" and "location" not in page else origin,
            "ecommerce": filled({"transaction_id": known, **_money(order, settings), "items": _items(order, settings)}),
            "user_data": person(order, customer, addresses),
            "user_id": customer.id("id"),
            **visitor,
            "page": page,
        }
    )
    return laid_over(event, over)


def _refund(refund: Part, settings: WebhookSource) -> Mapping[str, Any] | Passed:
    """A refund of an order, or why there is none. It says nothing of the person."""
    held = refund.held
    number, order = refund.id("id"), refund.id("order_id")
    if number is None or order is None or not isinstance(held.get("transactions"), list):
        return bad_shape("refund")
    event_id = event_id_for("refund", refund=number)
    if settings.order_id not in (None, "id"):
        why = f"a refund names its order by its id alone, and here orders are known by their {settings.order_id}"
        return Passed("no_order", why, event_id)
    rows = refund.rows("transactions", MOST)
    paid = [one for one in rows if one.word("kind") == "refund" and one.word("status") not in _FAILED]
    if paid and settings.test != "take" and all(one.held.get("test") is True for one in paid):
        return Passed("test", "a refund of a test order; `test: take` takes them", event_id)
    if not paid:
        return Passed("no_money", "a refund by which no money goes back", event_id)
    lines = refund.rows("refund_line_items", MOST)
    item_id = settings.item_id or "variant_id"
    items = (shopify_item(one.part("line_item"), item_id, one.amount("quantity"), False) for one in lines)
    return filled(
        {
            "event": "refund",
            "event_id": event_id,
            "timestamp": refund.text("processed_at") or refund.text("created_at"),
            "action_source": "other",
            "ecommerce": filled({"transaction_id": order, **_paid_back(refund, paid), "items": fitting(items, refund)}),
        }
    )


def _paid_back(refund: Part, paid: list[Part]) -> dict[str, Any]:
    """The sum of what went back, where it is of one currency."""
    amounts = [one.amount("amount") for one in paid]
    currencies = {one.text("currency") for one in paid}
    if len(currencies) != 1:
        refund.note("transactions", "currencies", "are in more than one currency; left out of the value")
        return {}
    known = [Decimal(repr(one)) for one in amounts if one is not None]
    value = float(sum(known, Decimal(0))) if len(known) == len(amounts) else None
    return {"value": value, "currency": currencies.pop()}


def _money(order: Part, settings: WebhookSource) -> dict[str, Any]:
    """Value, currency, tax, shipping and discounts, all in the one currency that the configuration names."""
    kind = "presentment_money" if settings.money == "presentment" else "shop_money"
    shipping = order.part("total_shipping_price_set").part(kind).amount("amount")
    codes = [text for one in order.rows("discount_codes", MOST_ATTRIBUTES) if (text := one.text("code")) is not None]
    coupon = ",".join(codes) or None
    if kind == "shop_money":
        return {
            "value": order.amount("total_price"),
            "currency": order.text("currency"),
            "tax": order.amount("total_tax"),
            "shipping": shipping,
            "discount": order.amount("total_discounts") or None,
            "coupon": coupon,
        }
    total = order.part("total_price_set").part(kind)
    if not total.held:
        order.note("total_price_set", "missing", "holds no presentment_money; the value is left out")
    return {
        "value": total.amount("amount"),
        "currency": total.text("currency_code"),
        "tax": order.part("total_tax_set").part(kind).amount("amount"),
        "shipping": shipping,
        "discount": order.part("total_discounts_set").part(kind).amount("amount") or None,
        "coupon": coupon,
    }


def _items(order: Part, settings: WebhookSource) -> list[dict[str, Any]] | None:
    item_id, presentment = settings.item_id or "variant_id", settings.money == "presentment"
    lines = order.rows("line_items", MOST)
    return fitting((shopify_item(one, item_id, None, presentment) for one in lines), order)


def _page(order: Part, settings: WebhookSource) -> dict[str, Any]:
    """Where the visitor has landed, and from where: the shop's host, and the path that the order tells."""
    landed = order.address("landing_site") or ""
    site = (settings.site or "").rstrip("/") or _site(order.held.get("order_status_url"))
    location = None
    if landed.startswith(("https://", "http://")):
        location = landed
    elif site:
        location = site + (landed if landed.startswith("/") else "/")
    if location is not None:
        location = _without_keys(location)
    return filled({"location": location, "referrer": order.address("referring_site")})


def _site(address: object) -> str | None:
    """The shop's own host. Nothing else of that address is looked at: it lets anybody into the order."""
    try:
        parts = urlsplit(address) if isinstance(address, str) and len(address) < 4096 else None
        host = parts.hostname if parts is not None and parts.scheme in ("http", "https") else None
    except ValueError:
        return None
    return f"https://{host}" if host and _host(host) else None


def _without_keys(address: str) -> str | None:
    """An address without a path that lets somebody into an order; of such a one clicks and campaigns stay."""
    try:
        parts = urlsplit(address)
        if not _private(parts.path):
            return address
        pairs = parse_qsl(parts.query, max_num_fields=MOST_ATTRIBUTES)
    except ValueError:
        return None
    kept = [(name, value) for name, value in pairs if name.lower() in CLICKS or name.startswith("utm_")]
    return parts._replace(path="/", query=urlencode(kept), fragment="").geturl()
