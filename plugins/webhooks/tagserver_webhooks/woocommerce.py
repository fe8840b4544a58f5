"""WooCommerce's webhooks: an order whose status says that it is paid is a purchase, and what was paid back a refund.

An order comes whole each time that it changes, so a sale is told several times, and counts once by its id. On saving a
webhook WooCommerce tries its address with a form that nobody has signed, and wants exactly 200. `order_key` lets
anybody into the order, and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tagserver.plugin.inbound import (
    InboundRequest,
    Incoming,
    KeyedSource,
    Note,
    Passed,
    Refuse,
    Reply,
    RequestFacts,
    check_hmac,
    event_id_for,
    json_body,
    mac,
)
from tagserver_webhooks.carried import carried, entries, laid_over
from tagserver_webhooks.gates import bad_shape, closed, no_topic
from tagserver_webhooks.items import MOST, fitting, woocommerce_item
from tagserver_webhooks.person import person
from tagserver_webhooks.reading import Part, filled
from tagserver_webhooks.settings import WebhookSource

SIGNATURE, TOPIC = "x-wc-webhook-signature", "x-wc-webhook-topic"
TOPICS = ("order.created", "order.updated", "order.restored")
PAID = ("processing", "completed")
REFUNDED = "refunded"
MOST_META = 200
MOST_REFUNDS = 50
LONGEST_PING = 64
_ping = re.compile(rb"webhook_id=[0-9]{1,20}").fullmatch
_IDS = ("id", "number")
_MADE_BY = {"checkout": "website", "store-api": "website", "pos-rest-api": "physical_store"}
"""`created_via`. Renewals (`subscription`) and what staff enters (`admin`) happen in no page."""
_VISIT = {"session_entry": "location", "referrer": "referrer", "user_agent": "user_agent"}
"""Of WooCommerce's own order attribution (`_wc_order_attribution_…`)."""
_ATTRIBUTION = "_wc_order_attribution_"
_entity = re.compile("&(?:amp|lt|gt|quot|#0{0,9}(?:34|38|39|60|62)|#[xX]0{0,9}(?:22|26|27));").sub


class WooCommerce:
    """By the secret of the webhook."""

    keys: ClassVar[frozenset[str]] = frozenset({"statuses", "order_id", "item_id", "refunds", "site"})

    def fault(self, source: KeyedSource) -> str | None:
        """An id that orders at WooCommerce do not have."""
        settings: WebhookSource = source.settings
        if settings.order_id not in (None, *_IDS):
            return f"order_id of style: woocommerce is one of {', '.join(_IDS)}"
        return None

    def greet(self, request: InboundRequest, source: KeyedSource) -> Reply | None:
        """Exactly 200 to the form that tries an address; but not before there is a secret, for what is sent then would
        be refused, and five of these turn a webhook off."""
        if request.body is None or SIGNATURE in request.headers or not _ping(request.body):
            return None
        source.texts()
        return Reply(200, b'{"events":[]}')

    def verify(self, request: InboundRequest, source: KeyedSource) -> None:
        """By the body alone. A form as short as that of the trial may be read, unsigned as it is; `greet` answers it,
        and any other is refused then."""
        if request.body is None and _may_be_ping(request.headers):
            return
        keys = [key.encode() for text in source.texts() for key in dict.fromkeys((text, decoded(text)))]
        check_hmac(request.headers.get(SIGNATURE), keys, request.body, form="base64")

    def headers(self, request: InboundRequest, source: KeyedSource) -> Mapping[str, str]:
        """The one header."""
        return {SIGNATURE: mac(decoded(source.texts()[0]).encode(), request.body or b"", form="base64")}

    def read(self, body: bytes, facts: RequestFacts, source: KeyedSource) -> Incoming:
        """An order as it is now: its sale, and what was paid back."""
        found = json_body(body)
        if not isinstance(found, dict):
            raise Refuse(400, "bad_shape", "the body is no object")
        if facts.headers.get(TOPIC, "").strip().lower() not in TOPICS:
            return Incoming([no_topic(TOPICS)])
        notes: list[Note] = []
        order, settings = Part(found, notes), source.settings
        number = order.id("id")
        if number is None or not isinstance(found.get("status"), str) or not isinstance(found.get("line_items"), list):
            return Incoming([bad_shape("order")])
        known = number if settings.order_id in (None, "id") else order.id(settings.order_id)
        if known is None:
            return Incoming([Passed("no_order", f"an order without {settings.order_id}, by which the page knows it")])
        return Incoming(_events(order, known, settings), notes=notes)


def decoded(secret: str) -> str:
    """A secret as WooCommerce signs with it, which keeps `&` and its like as entities (`wp_specialchars_decode`)."""
    return _entity(lambda found: unescape(found[0]), secret)


def _may_be_ping(headers: Mapping[str, str]) -> bool:
    length = headers.get("content-length", "")
    short = length.isascii() and length.isdecimal() and len(length) <= 3 and int(length) <= LONGEST_PING
    return short and SIGNATURE not in headers


def _events(order: Part, known: str, settings: WebhookSource) -> list[Mapping[str, Any] | Passed]:
    """The sale, if there is one, and the refunds."""
    status = order.word("status")
    event_id = event_id_for("purchase", known)
    shut = closed(settings, event_id, status, PAID, cancelled=status == "cancelled")
    over = carried(entries(order, "meta_data", "key", MOST_META), order.notes)
    refunds = [*_refunds(order, known, over)] if settings.refunds == "each" or status == REFUNDED else []
    if shut is None:
        return [laid_over(_purchase(order, known, event_id, settings), over), *refunds]
    return [*refunds] or [shut]


def _purchase(order: Part, known: str, event_id: str | None, settings: WebhookSource) -> dict[str, Any]:
    billing = order.part("billing")
    visit = _visit(order)
    made_by = _MADE_BY.get(order.word("created_via"), "other")
    in_a_page = made_by == "website"
    page = _page(order, visit, settings) if in_a_page else {}
    customer = order.id("customer_id")
    codes = [text for one in order.rows("coupon_lines", MOST) if (text := one.text("code")) is not None]
    lines = (woocommerce_item(one, settings.item_id or "product_id") for one in order.rows("line_items", MOST))
    return filled(
        {
            "event": "purchase",
            "event_id": event_id,
            "timestamp": order.text("date_paid_gmt") or order.text("date_created_gmt"),
            "action_source": "other" if in_a_page and "location" not in page else made_by,
            "ecommerce": filled(
                {
                    "transaction_id": known,
                    "value": order.amount("total"),
                    "currency": order.text("currency"),
                    "tax": order.amount("total_tax"),
                    "shipping": order.amount("shipping_total"),
                    "discount": order.amount("discount_total") or None,
                    "coupon": ",".join(codes) or None,
                    "items": fitting(lines, order),
                }
            ),
            "user_data": person(billing, Part({}, order.notes), (billing, order.part("shipping"))),
            "user_id": None if customer == "0" else customer,
            "ip_override": order.text("customer_ip_address") if in_a_page else None,
            "user_agent": (order.text("customer_user_agent") or visit.get("user_agent")) if in_a_page else None,
            "page": page,
        }
    )


def _refunds(order: Part, known: str, over: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A refund for each that the order lists, by its own id. When it was made is not said: the order's last change is
    the nearest."""
    rest = {name: value for name, value in over.items() if name not in ("event_id", "page")}
    for one in order.rows("refunds", MOST_REFUNDS):
        total, event_id = one.amount("total"), event_id_for("refund", refund=one.id("id"))
        if total is None or event_id is None:
            continue
        event = {
            "event": "refund",
            "event_id": event_id,
            "timestamp": order.text("date_modified_gmt"),
            "action_source": "other",
            "ecommerce": filled({"transaction_id": known, "value": abs(total), "currency": order.text("currency")}),
        }
        yield laid_over(filled(event), rest)


def _visit(order: Part) -> dict[str, str]:
    """What WooCommerce itself remembers of the visit in which an order was made."""
    found: dict[str, str] = {}
    rows = order.held.get("meta_data")
    rows = [*rows.values()] if isinstance(rows, dict) else rows
    for one in rows[:MOST_META] if isinstance(rows, list) else ():
        key = one.get("key") if isinstance(one, dict) else None
        name = (
            _VISIT.get(key.removeprefix(_ATTRIBUTION))
            if isinstance(key, str) and key.startswith(_ATTRIBUTION)
            else None
        )
        if name is not None and (text := Part(one, order.notes).address("value")) is not None:
            found[name] = text
    return found


def _page(order: Part, visit: Mapping[str, str], settings: WebhookSource) -> dict[str, Any]:
    """Where the visitor has landed, and from where; else the shop itself."""
    location = visit.get("location")
    if location is None or not location.startswith(("https://", "http://")):
        site = (settings.site or "").rstrip("/") or _site(order)
        location = f"{site}/" if site else None
    return filled({"location": location, "referrer": visit.get("referrer")})


def _site(order: Part) -> str | None:
    """Where the shop's own interface is, by the order's link to itself."""
    rows = order.part("_links").held.get("self")
    address = rows[0].get("href") if isinstance(rows, list) and rows and isinstance(rows[0], dict) else None
    try:
        parts = urlsplit(address) if isinstance(address, str) and len(address) < 4096 else None
    except ValueError:
        return None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
