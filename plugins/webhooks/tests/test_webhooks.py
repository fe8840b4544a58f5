"""The examples, in files and on the page, and the rules that every client keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tagserver_webhooks import Webhooks

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


@pytest.mark.parametrize("name", ["own", "crm", "shop", "woo"])
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
        ({"style": "standard", "secret": "whsec_MfKQ", "header": "x-a"}, "header is a key of style: hmac"),
    ],
    ids=["secret", "header", "map", "prefix"],
)
def test_settings_that_do_not_go_together_are_named(source: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_client(Webhooks, {"own": source})
