"""Other products' shapes at a whole server: one order that comes in two of them is one sale, and its consent counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import ENVIRON, GRANTED, Running, Start, purchase
from tests.server.test_shop_orders import SECRETS, SHOPS, paid

VISIT = {"consent": GRANTED, "page": {"location": "https://shop.example/thanks"}}


def order(number: str) -> dict[str, dict[str, Any]]:
    """One order as several products push it. Each is another person's."""
    person = {"user_data": {"email": f"mia.{number}@example.com"}}
    money = {"value": 59.9, "currency": "EUR"}
    universal = {"actionField": {"id": number, "revenue": 59.9}, "products": [{"id": "8", "quantity": 1}]}
    segment = {
        "type": "track",
        "event": "Order Completed",
        "properties": {"order_id": number, "total": 59.9, "currency": "EUR"},
    }
    walker = {"event": "order complete", "entity": "order", "action": "complete"}
    return {
        "GA4": {"event": "purchase", "ecommerce": {"transaction_id": number, **money}, **person, **VISIT},
        "UA": {"event": "transaction", "ecommerce": {"currencyCode": "EUR", "purchase": universal}, **person, **VISIT},
        "UA of t.js": {
            "event_id": f"of-the-page-{number}",
            "ecommerce": {"currency": "EUR", "purchase": universal},
            **person,
            **VISIT,
        },
        "gtag": {"0": "event", "1": "purchase", "2": {"transaction_id": number, **money, **person, **VISIT}},
        "Shopify": {
            "id": f"sh-{number}",
            "name": "checkout_completed",
            "clientId": "c-1",
            "data": {
                "checkout": {
                    "token": "secret-of-the-checkout",
                    "order": {"id": f"gid://shopify/OrderIdentity/{number}"},
                    "totalPrice": {"amount": 59.9, "currencyCode": "EUR"},
                    "email": f"mia.{number}@example.com",
                }
            },
            **VISIT,
        },
        "Segment": {**segment, "messageId": f"m-{number}", **person, **VISIT},
        "walkerOS": {**walker, "data": {"id": number, "total": 59.9, "currency": "EUR"}, **person, **VISIT},
    }


@pytest.mark.parametrize("shape", ["UA", "UA of t.js", "gtag", "Shopify", "Segment", "walkerOS"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
async def test_an_order_in_two_shapes_is_one_sale(start: Start, shape: str, first: bool) -> None:
    """At Meta's stand-in, whichever comes first."""
    server: Running = await start()
    pushes = order("1118")
    both = [pushes[shape], pushes["GA4"]] if first else [pushes["GA4"], pushes[shape]]
    for push, status in zip(both, ("accepted", "duplicate"), strict=True):
        answer = (await server.collect(push)).json()["events"][0]
        assert answer["status"] == status, answer
    (sent,) = (await server.drained())["events"]
    assert (sent["event_name"], sent["action_source"]) == ("Purchase", "website")


@pytest.mark.parametrize("pixel_first", [True, False], ids=["pixel first", "webhook first"])
async def test_shopifys_pixel_and_its_webhook_meet(start: Start, pixel_first: bool) -> None:
    """Under one id, so that not only the order tells; nothing of the checkout's token is on its way."""
    server: Running = await start(server=SHOPS, environ={**ENVIRON, **SECRETS})
    found = []
    for turn in (pixel_first, not pixel_first):
        if turn:
            answer = (await server.collect(order("450789469")["Shopify"])).json()["events"][0]
            assert answer["event_id"] == "purchase_450789469"
            found.append(answer["status"])
        else:
            found.append(await paid(server))
    assert found == ["accepted", "duplicate"]
    (sent,) = (await server.drained())["events"]
    assert sent["event_id"] == "purchase_450789469"
    assert "secret" not in str(sent)


async def test_the_answer_names_the_shape_and_its_neighbours_are_unharmed(start: Start) -> None:
    """One note; what makes no event is refused alone."""
    server: Running = await start()
    answer = await server.collect([order("7")["UA"], ["config", "G-1"], purchase("8"), ["event", "login", VISIT]])
    assert answer.status_code == 202
    events = answer.json()["events"]
    assert [one["status"] for one in events] == ["accepted", "rejected", "accepted", "accepted"]
    told = [(one["path"], one["code"]) for one in events[0]["problems"]]
    assert told == [("ecommerce.purchase", "shape"), ("event_id", "minted")]
    assert [one["code"] for one in events[1]["problems"]] == ["no_event"]
