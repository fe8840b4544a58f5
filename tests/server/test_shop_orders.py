"""Orders of shop platforms at a whole server: the page's copy and the platform's meet in one delivery, and what the
visitor has said with one counts for the other."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tests.server.conftest import ENVIRON, SERVER, Running, Start, purchase

CONTRACT = 'consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}, basis: "terms, 2026-03"'
SHOPS = (
    SERVER
    + f"""
clients:
  webhooks:
    shop_orders: {{style: shopify, secret: "${{env:SHOP}}", {CONTRACT}}}
    woo_orders: {{style: woocommerce, secret: "${{env:WOO}}", {CONTRACT}}}
"""
)
ARCHIVE = """
destinations: {archive: {type: file, path: events}}
tags: [{name: Archive, destination: archive, triggers: [all], consent: [ad_storage]}]
"""
SECRETS = {"SHOP": "secret-of-the-shop", "WOO": "a &amp; b"}
KEYS = {"shop_orders": b"secret-of-the-shop", "woo_orders": b"a & b"}
HEADERS = {"shop_orders": "x-shopify-hmac-sha256", "woo_orders": "x-wc-webhook-signature"}
DENIED = json.dumps(dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization"), "denied"))


@pytest.fixture
async def shops(start: Start) -> Running:
    """A server with a webhook of each platform, and a contract behind both."""
    server: Running = await start(server=SHOPS, environ={**ENVIRON, **SECRETS})
    return server


def shopify_order(order: int = 450789469, **fields: Any) -> dict[str, Any]:
    """A paid order of Shopify's."""
    return {
        "id": order,
        "financial_status": "paid",
        "source_name": "web",
        "currency": "EUR",
        "total_price": "59.90",
        "email": "erika@example.com",
        "order_status_url": "https://shop.example/1/orders/secret-path/authenticate?key=secret-key",
        "landing_site": "/p/mug?fbclid=IwAR1a",
        "client_details": {"browser_ip": "203.0.113.9", "user_agent": "Mozilla/5.0"},
        "line_items": [{"variant_id": 8, "title": "Mug", "price": "59.90", "quantity": 1}],
    } | fields


async def post(server: Running, name: str, body: Any, topic: str) -> httpx.Response:
    """Post to a webhook as its platform does."""
    content = json.dumps(body).encode()
    made = base64.b64encode(hmac.digest(KEYS[name], content, hashlib.sha256)).decode()
    heading = "x-shopify-topic" if name == "shop_orders" else "x-wc-webhook-topic"
    return await server.http.post(f"/webhook/{name}", content=content, headers={HEADERS[name]: made, heading: topic})


async def paid(server: Running, order: int = 450789469, **fields: Any) -> str:
    """What is answered to a paid order of Shopify's."""
    answer = await post(server, "shop_orders", shopify_order(order, **fields), "orders/paid")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["events"][0]["status"])


async def test_the_page_and_shopify_give_one_delivery_in_both_orders(shops: Running) -> None:
    """Also where the page's copy has an id of its own."""
    await shops.collect(purchase("purchase_1"))
    assert await paid(shops, 1) == "duplicate"
    assert await paid(shops, 2) == "accepted"
    again = await shops.collect(purchase("purchase_2"))
    assert again.json()["events"][0]["status"] == "duplicate"
    own = purchase("mine-3")
    own["ecommerce"]["transaction_id"] = "3"
    await shops.collect(own)
    assert await paid(shops, 3) == "duplicate"
    stats = await shops.drained()
    assert sorted(event["event_id"] for event in stats["events"]) == ["mine-3", "purchase_1", "purchase_2"]


async def test_what_shopify_alone_tells_arrives_with_the_visit(shops: Running) -> None:
    """Twice is once, and the two topics of an order are one order."""
    assert await paid(shops, 4, note_attributes=[{"name": "_fbp", "value": "fb.1.1789990000000.123"}]) == "accepted"
    assert (await post(shops, "shop_orders", shopify_order(4), "orders/create")).json()["events"][0]["status"] == (
        "duplicate"
    )
    (sent,) = (await shops.drained())["events"]
    assert sent["event_id"] == "purchase_4"
    assert sent["action_source"] == "website"


@pytest.mark.parametrize(
    "said",
    [
        {"name": "consent", "value": DENIED},
        {"name": "_consent", "value": "no!"},
        {"name": "ad_storage", "value": "denied"},
    ],
    ids=["json", "unreadable", "purpose"],
)
async def test_a_denial_in_a_note_attribute_blocks(shops: Running, said: dict[str, str]) -> None:
    """Whatever the contract says; and the page's copy, if that has nothing to say itself, is blocked with it."""
    assert await paid(shops, 5, note_attributes=[said]) == "accepted"
    silent = purchase("purchase_5")
    del silent["consent"]
    await shops.collect(silent)
    assert (await shops.drained())["arrivals"] == 0


async def test_a_denial_in_the_page_blocks_what_shopify_tells_later(shops: Running) -> None:
    """By the contract alone it would have been sent."""
    await shops.collect(purchase("purchase_6", consent={"ad_storage": "denied", "ad_user_data": "denied"}))
    assert await paid(shops, 6) == "accepted"
    assert (await shops.drained())["arrivals"] == 0
    assert await paid(shops, 7) == "accepted"
    assert (await shops.drained())["arrivals"] == 1


async def test_a_refund_is_of_an_order_whose_visitor_may_have_refused(start: Start) -> None:
    """It says nothing of consent itself, and the contract does not outweigh what was said with the order."""
    server: Running = await start(server=SHOPS, container=ARCHIVE, environ={**ENVIRON, **SECRETS})
    refund = {"id": 1, "order_id": 10, "transactions": [{"kind": "refund", "amount": "5.00", "currency": "EUR"}]}
    await server.collect(purchase("purchase_10", consent={"ad_storage": "denied", "ad_user_data": "denied"}))
    answer = await post(server, "shop_orders", refund, "refunds/create")
    assert answer.json()["events"][0]["event_id"] == "refund_1"
    await post(server, "shop_orders", refund | {"id": 2, "order_id": 20}, "refunds/create")
    await server.drained()
    (kept,) = (server.data / "events").rglob("*.jsonl")
    assert [json.loads(line)["event_id"] for line in kept.read_text().splitlines()] == ["refund_2"]


async def test_an_order_of_hundreds_of_lines_arrives(start: Start) -> None:
    """An event has its limits, and an order may not be lost to them."""
    large = SHOPS.replace("64KiB", "1MiB").replace("16KiB", "256KiB")
    server: Running = await start(server=large, environ={**ENVIRON, **SECRETS})
    line = {
        "variant_id": 8,
        "title": "Mug " * 50,
        "vendor": "Acme",
        "price": "1.00",
        "quantity": 1,
        "total_discount": "0.10",
    }
    assert await paid(server, 11, line_items=[line] * 700) == "accepted"
    assert (await server.drained())["arrivals"] == 1


async def test_a_field_of_another_type_is_named_and_the_order_goes_on(shops: Running) -> None:
    """In the answer, and so in the record."""
    answer = await post(shops, "shop_orders", shopify_order(8, total_tax={}), "orders/paid")
    (event,) = answer.json()["events"]
    assert event["status"] == "accepted"
    assert {"path": "total_tax", "code": "wrong_type", "message": "total_tax is not a number; left out"} in event[
        "problems"
    ]
    assert (await shops.drained())["arrivals"] == 1


async def test_what_is_passed_over_is_a_success(shops: Running) -> None:
    """A platform turns off what refuses it."""
    for body, topic, code in (
        (shopify_order(9, test=True), "orders/paid", "test"),
        (shopify_order(9, financial_status="pending"), "orders/create", "not_paid"),
        (shopify_order(9), "refunds/create", "bad_shape"),
        ({"shop_id": 1}, "shop/redact", "privacy"),
        ({"id": 1}, "products/update", "topic"),
    ):
        answer = await post(shops, "shop_orders", body, topic)
        assert answer.status_code == 200
        assert answer.json()["events"][0]["problems"][0]["code"] == code
    assert (await shops.drained())["arrivals"] == 0


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("woo_orders", b"webhook_id=3", 200),
        ("woo_orders", b"webhook_id=3&x=1", 401),
        ("woo_orders", b"webhook_id=", 401),
        ("woo_orders", b"webhook_id=" + b"3" * 80, 401),
        ("shop_orders", b"webhook_id=3", 401),
        ("nobody", b"webhook_id=3", 404),
    ],
    ids=["ping", "more", "none", "long", "shopify", "nobody"],
)
async def test_the_unsigned_ping_of_woocommerce(shops: Running, name: str, body: bytes, status: int) -> None:
    """Gets exactly 200; nothing else does that nobody has signed."""
    answer = await shops.http.post(
        f"/webhook/{name}", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == status


async def test_a_ping_is_not_answered_well_before_there_is_a_secret(start: Start) -> None:
    """What came then would be refused, and five refusals turn the webhook off."""
    server: Running = await start(server=SHOPS, environ={**ENVIRON, "SHOP": "secret-of-the-shop"})
    assert (await server.http.post("/webhook/woo_orders", content=b"webhook_id=3")).status_code == 503


async def test_woocommerce_tells_an_order_with_each_change(shops: Running) -> None:
    """It is sent once, when it is paid, with the secret's entities decoded."""
    order = {"id": 727, "currency": "EUR", "total": "9.00", "billing": {"email": "a@example.com"}, "line_items": []}
    told = []
    for status in ("pending", "processing", "processing", "completed"):
        answer = await post(shops, "woo_orders", {**order, "status": status}, "order.updated")
        told.append(answer.json()["events"][0]["status"])
    assert told == ["passed", "accepted", "duplicate", "duplicate"]
    assert (await shops.drained())["arrivals"] == 1


async def test_a_customer_is_erased_before_shopify_is_answered(shops: Running) -> None:
    """What waits of them is gone, what comes is not sent; another customer's orders are, and what is no e-mail or
    telephone number costs nothing."""
    waits = purchase("purchase_4", user_data={"email": "erika@example.com"})
    await shops.collect({"events": [waits], "wait": 600}, authorization="Bearer crm-key")
    held = shopify_order(5, customer={"id": 77}, email="erika@example.com")
    redact = {
        "shop_id": 1,
        "customer": {"id": 77, "email": "erika@example.com", "phone": "no number"},
        "orders_to_redact": [5, None, {"id": 6}],
    }
    answer = await post(shops, "shop_orders", redact, "customers/redact")
    assert answer.status_code == 200
    assert answer.json()["events"][0]["problems"][0]["code"] == "privacy"
    assert shops.runtime.outbox.tombstones() >= 2
    counts = shops.runtime.outbox.counts()["meta"]
    assert (counts.accepted, counts.pending, counts.erased) == (1, 0, 1)
    await post(shops, "shop_orders", held, "orders/paid")
    await paid(shops, 6, email="ann@example.com", customer={"id": 78})
    assert [one["event_id"] for one in (await shops.drained())["events"]] == ["purchase_6"]
    assert "erika" not in answer.text


async def test_an_erasure_that_nobody_signed_erases_nothing(shops: Running) -> None:
    """Nor one that is an order, which somebody has recorded."""
    redact = {"customer": {"id": 77, "email": "erika@example.com"}, "orders_to_redact": []}
    content = json.dumps(redact).encode()
    headers = {"x-shopify-topic": "customers/redact", "x-shopify-hmac-sha256": "AAAA"}
    assert (await shops.http.post("/webhook/shop_orders", content=content, headers=headers)).status_code == 401
    answer = await post(shops, "shop_orders", shopify_order(7, orders_to_redact=[]), "customers/redact")
    assert answer.json()["events"][0]["problems"][0]["code"] == "bad_shape"
    assert shops.runtime.outbox.tombstones() == 0
