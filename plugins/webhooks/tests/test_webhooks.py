"""The examples, in files and on the page, and the rules that every client keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tagserver_webhooks import Webhooks

from tagserver.testing import check_client, load_examples, make_client, run_client_example, with_examples

FOLDER = Path(__file__).parents[1]
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
}
EXAMPLES = list(load_examples(FOLDER / "examples"))


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Webhooks, case, SOURCES)


def test_it_keeps_the_rules() -> None:
    """With requests of its examples, whose fields are then changed, one by one."""
    requests = [case["request"] for case in EXAMPLES if "body" in case["request"] and "refused" not in case]
    assert check_client(Webhooks, SOURCES, requests=requests) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/webhooks` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"style": "standard", "secret": "not base64!"}, 'is "whsec_" and base64'),
        ({"style": "standard", "secret": "whsec_MfKQ", "header": "x-a"}, "keys of style: hmac"),
        ({"style": "hmac", "secret": "s", "map": {"email": "{{ body.email }}"}}, "its map gives no event"),
        ({"style": "hmac", "secret": "s", "form": "timed", "prefix": "x"}, "prefix stands before a plain signature"),
    ],
    ids=["secret", "header", "map", "prefix"],
)
def test_settings_that_do_not_go_together_are_named(source: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_client(Webhooks, {"own": source})
