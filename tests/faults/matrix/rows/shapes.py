"""Faults in pushes of other products' shapes: every type in every place, huge lists, deep nesting."""

from __future__ import annotations

import json

from tests.faults.matrix.declared import Chapter
from tests.faults.matrix.hostile import ODD, Ask, ShopGoesOn, ask_all, post
from tests.faults.matrix.world import World

chapter = Chapter("Shapes of other products")

_MARKS = ("0", "params", "properties", "traits", "clientId", "nested", "entity", "eventInfo", "xdm", "eventType")
_ORDERS = ("orderData", "orderContext", "tealium_event", "transactionProducts", "customerBillingEmail")
_ACTIONS = ("purchase", "refund", "checkout", "add", "detail", "impressions", "promoView")


@chapter.row(
    "O16", "pushes of other shapes: every type in every place, lists without end, deep", quick=True, untimed=True
)
def shapes(world: World) -> None:
    """What has a name is an event, whatever stands in a shape's keys; what is too large or too deep is refused as ever;
    the shop's events go on beside them."""
    shop = ShopGoesOn(world, {})

    def sent(push: object) -> bytes:
        return post(json.dumps(push).encode())

    product = {"id": "a", "category": "a/" * 2000, "price": "x"}
    order = {"id": "1", "products": [product] * 3}
    checkout = {"checkout": {"order": {"id": "1"}, "lineItems": [7, {"variant": []}], "token": "secret"}}
    deep = b'{"event": "quiet", "properties": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    call = b'["event", "quiet", ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_000 + b"]"
    many = {"event": "quiet", "ecommerce": {"add": {"products": [{"id": str(n)} for n in range(900)]}}}
    more = {"event": "quiet", "ecommerce": {"impressions": [{"id": 1, "list": "a"}] * 5_000}}
    ask_all(
        world,
        [
            *(
                Ask(f"{key} is {odd!r:.20}", sent({"event": "quiet", key: odd}), (202,))
                for key in _MARKS
                for odd in ODD
            ),
            *(
                Ask(f"{key} is {odd!r:.20}", sent({"event": "quiet", key: odd}), (202,))
                for key in _ORDERS
                for odd in ODD
            ),
            *(
                Ask(f"ecommerce.{key} is {odd!r:.20}", sent({"event": "quiet", "ecommerce": {key: odd}}), (202,))
                for key in _ACTIONS
                for odd in ODD
            ),
            *(
                Ask(
                    f"a field of an order is {odd!r:.20}",
                    sent({"ecommerce": {"purchase": {**order, name: odd}}}),
                    (202, 400),
                )
                for name in ("actionField", "products")
                for odd in ODD
            ),
            *(Ask(f"a call of {odd!r:.20}", sent(["event", odd, odd]), (202, 400)) for odd in ODD),
            *(Ask(f"a choice of {odd!r:.20}", sent(["consent", odd, odd]), (202,)) for odd in ODD),
            *(
                Ask(
                    f"data is {odd!r:.20}",
                    sent({"id": "sh-1", "name": "page_viewed", "clientId": "c", "data": odd}),
                    (202, 400),
                )
                for odd in ODD
            ),
            Ask(
                "a checkout of odd parts",
                sent({"id": "sh-2", "name": "checkout_completed", "data": checkout}),
                (202, 400),
            ),
            Ask("calls that make no event", sent([["config", "G-1"], ["set", {"user_data": {}}], ["js"]]), (400,)),
            Ask("many products", sent(many), (202,)),
            Ask("too many products", sent(more), (202, 400)),
            Ask("deep properties", post(deep), (400,)),
            Ask("a deep call", post(call), (400,)),
            Ask("lists of calls in lists", sent([[["event", "quiet"]] * 900] * 2), (400,)),
        ],
    )
    text = shop.server.text()
    world.expect("secret" not in text and "Traceback" not in text, "a shape has left traces in the log")
    shop.to_its_end()
