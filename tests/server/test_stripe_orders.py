"""Orders and subscriptions of Stripe at a server: the page's copy and Stripe's are one, money counts once, and a
refusal stands against the terms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tagserver.plugin.inbound import timed_signature
from tests.server.conftest import ENVIRON, SERVER, Running, Start, purchase

SECRET = "whsec_0123456789abcdefghijklmnopqrstuv"
DOORS = (
    SERVER
    + """
clients:
  webhooks:
    pay:
      style: stripe
      secret: "${env:STRIPE}"
      consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
      basis: "terms, 2026-03"
"""
)


@pytest.fixture
async def pay(start: Start) -> Running:
    """A server with Stripe's webhook."""
    server: Running = await start(server=DOORS, environ={**ENVIRON, "STRIPE": SECRET})
    return server


async def told(server: Running, kind: str, thing: dict[str, Any]) -> tuple[str, str]:
    """What Stripe tells as it does, in indented JSON: the event's id and what became of it."""
    now = server.runtime.time.now()
    whole = {"id": f"evt_{kind}", "type": kind, "created": now // 1000, "livemode": True, "data": {"object": thing}}
    content = json.dumps(whole, indent=2).encode()
    headers = {"stripe-signature": timed_signature(SECRET.encode(), content, now)}
    answer = await server.http.post("/webhook/pay", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["events"]
    return one["event_id"], one["status"]


def session(order: str, **fields: Any) -> dict[str, Any]:
    """A session of Checkout that is paid."""
    details = {"email": "erika@example.com"}
    shown = {"id": "cs_1", "mode": "payment", "payment_status": "paid", "amount_total": 5990, "currency": "eur"}
    return {**shown, "client_reference_id": order, "customer_details": details, "metadata": {}, **fields}


@pytest.mark.parametrize("first", ["page", "stripe"])
async def test_the_pages_copy_and_stripes_are_one(pay: Running, first: str) -> None:
    """Whichever comes first, and also where the page's has an id of its own."""
    page = purchase("own-1", ecommerce={"transaction_id": "T-1", "value": 59.9, "currency": "EUR"})
    steps = [("page", "own-1"), ("stripe", "purchase_T-1")]
    for door, event_id in steps if first == "page" else reversed(steps):
        if door == "page":
            (one,) = (await pay.collect(page)).json()["events"]
            said = one["event_id"], one["status"]
        else:
            said = await told(pay, "checkout.session.completed", session("T-1"))
        assert said == (event_id, "accepted" if door == first else "duplicate")
    assert (await pay.drained())["arrivals"] == 1


async def test_the_first_payment_of_a_subscription_counts_once(pay: Running) -> None:
    """Its session does, and its invoice is passed over; the next one is a renewal."""
    begins = session("S-1", mode="subscription", subscription="sub_1", invoice="in_1")
    first = {"id": "in_1", "billing_reason": "subscription_create", "amount_paid": 5990, "currency": "eur"}
    then = {**first, "id": "in_2", "billing_reason": "subscription_cycle", "customer_email": "erika@example.com"}
    assert await told(pay, "checkout.session.completed", begins) == ("subscribe_S-1", "accepted")
    assert (await told(pay, "invoice.paid", first))[1] == "passed"
    assert await told(pay, "invoice.paid", then) == ("renewal_in_2", "accepted")


@pytest.mark.parametrize("said", ['{"ad_user_data": "denied"}', "denied", "J4 0ui#", '{"ad_user_data": '])
async def test_what_the_visitor_has_refused_stands_against_the_terms(pay: Running, said: str) -> None:
    """As the shop has put it into `metadata`; what cannot be read may have been a refusal."""
    await told(pay, "checkout.session.completed", session("T-1", metadata={"consent": said}))
    await told(pay, "checkout.session.completed", session("T-1"))
    assert (await pay.drained())["arrivals"] == 0


async def test_a_refusal_in_the_page_is_heard(pay: Running) -> None:
    """Of the same order, before Stripe tells of it."""
    denied = {"ad_storage": "denied", "ad_user_data": "denied", "ad_personalization": "denied"}
    await pay.collect(purchase("purchase_T-1", consent=denied))
    await told(pay, "checkout.session.completed", session("T-1"))
    assert (await pay.drained())["arrivals"] == 0
