"""The examples, in files and on the page, and the rules that every client keeps."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_webhooks import Webhooks
from tagserver_webhooks.settings import tolerance_fault

from tagserver.plugin.inbound import Incoming, Passed, Refuse, RequestFacts
from tagserver.testing import check_client, load_examples, make_client, run_client_example, with_examples

FOLDER = Path(__file__).parents[1]
SHOP = "hush-the-shops-secret"
WOO = "salt &amp; pepper&#039;s &lt;key&gt;"
SOURCES = {
    "own": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "style": "standard"},
    "crm": {"secret": "a-secret-of-the-crm", "style": "hmac", "header": "x-crm-signature", "prefix": "sha256="},
    "deals": {
        "secret": "a-secret-of-the-deals",
        "style": "hmac",
        "header": "x-hub-signature-256",
        "prefix": "sha256=",
        "when": {"body.object": "deal"},
        "map": {
            "event": {"lookup": "{{ body.stage }}", "table": {"won": "purchase", "lost": "lead_lost"}},
            "event_id": "{{ body.id }}_{{ body.stage }}",
            "ecommerce.transaction_id": "{{ body.id }}",
            "ecommerce.value": "{{ body.total }}",
            "ecommerce.currency": "EUR",
            "email": "{{ body.contact.email }}",
            "consent": "{{ body.consent }}",
            "topic": "{{ header.x-topic }}",
        },
    },
    "calendar": {
        "secret": "a-secret-of-the-calendar",
        "style": "hmac",
        "header": "calendly-webhook-signature",
        "form": "timed",
        "map": {
            "event": {"lookup": "{{ body.event }}", "table": {"invitee.created": "generate_lead"}},
            "event_id": "{{ body.payload.uri }}",
            "email": "{{ body.payload.email }}",
            "utm": "{{ body.payload.tracking }}",
        },
    },
    "pay": {"secret": "whsec_0123456789abcdefghijklmnopqrstuv", "style": "stripe"},
    "pay_tests": {"secret": "whsec_tests_0123456789abcdefghij", "style": "stripe", "test": "take", "tolerance": "10m"},
    "pay_invoices": {"secret": "whsec_invoices_0123456789abcdef", "style": "stripe", "subscribe": "invoice"},
    "shop": {"secret": SHOP, "style": "shopify"},
    "presented": {"secret": SHOP, "style": "shopify", "money": "presentment", "item_id": "sku"},
    "numbered": {"secret": SHOP, "style": "shopify", "order_id": "name"},
    "testing": {"secret": SHOP, "style": "shopify", "test": "take", "statuses": ["paid", "authorized"]},
    "woo": {"secret": WOO, "style": "woocommerce"},
    "woo_numbered": {
        "secret": WOO,
        "style": "woocommerce",
        "order_id": "number",
        "item_id": "variant_id",
        "refunds": "each",
        "site": "https://shop.example",
    },
}
EXAMPLES = list(load_examples(FOLDER / "examples"))


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Webhooks, case, SOURCES)


@pytest.mark.parametrize("name", ["own", "crm", "deals", "shop", "pay", "pay_invoices", "woo"])
def test_it_keeps_the_rules(name: str) -> None:
    """With requests of its examples, whose fields are then changed, one by one."""
    signed = [case["request"] for case in EXAMPLES if case["request"].get("by") == name and "refused" not in case]
    richest = sorted((one for one in signed if "body" in one), key=lambda one: len(str(one)))[-2:]
    assert richest
    assert check_client(Webhooks, {name: SOURCES[name]}, requests=richest) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/webhooks` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"style": "standard", "secret": "not base64!"}, 'is "whsec_" and base64'),
        ({"style": "hmac", "secret": "s", "map": {"email": "{{ body.email }}"}}, "its map gives no event"),
        ({"style": "hmac", "secret": "s", "form": "timed", "prefix": "x"}, "prefix stands before a plain signature"),
        ({"style": "standard", "secret": "whsec_MfKQ", "header": "x-a"}, 'unknown key "header"'),
    ],
    ids=["secret", "header", "map", "prefix"],
)
def test_settings_that_do_not_go_together_are_named(source: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_client(Webhooks, {"own": source})


@pytest.mark.parametrize(
    ("written", "fine"),
    [("5m", True), ("1s", True), ("24h", True), ("0s", False), ("25h", False), ("5", False), ("5 m", False)],
)
def test_a_tolerance_is_a_duration(written: str, fine: bool) -> None:
    assert (tolerance_fault(written) is None) is fine


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_OBJECTS = [
    case["request"]["body"] for case in EXAMPLES if case["request"].get("by") == "pay" and "body" in case["request"]
]
_PAY = make_client(Webhooks, {"pay": SOURCES["pay"]})


@given(st.sampled_from(_OBJECTS), _json, st.data())
def test_stripe_may_send_anything(whole: Mapping[str, Any], odd: Any, data: st.DataObject) -> None:
    """Whatever stands in a field, the event is one, or passed over: nothing but Refuse is ever raised."""
    changed: Any = copy.deepcopy(whole)
    place, steps = changed, 0
    while isinstance(place, dict | list) and place and steps < 8:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        steps += 1
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = odd
            break
        place = place[key]
    content = msgspec.json.encode(changed)
    with contextlib.suppress(Refuse):
        found = _PAY.events(content, RequestFacts("pay", 1_790_000_000_000, {}, "", {}))
        assert isinstance(found, Incoming)
        assert all(isinstance(one, Passed) or one["event"] for one in found.events)
