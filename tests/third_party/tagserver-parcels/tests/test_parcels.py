"""The examples, the rules that every destination keeps, and the login."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tagserver_parcels import Parcels

from tagserver.plugin import Outcome, Payload
from tagserver.testing import FakeVendor, check_destination, load_examples, make_settings, run_example, with_examples

FOLDER = Path(__file__).parents[1]
SETTINGS = {"account": "17", "password": "a-secret-password"}
PAYLOADS = [Payload(f"o-{number}", "order", 0, b"{}") for number in range(3)]


@pytest.mark.parametrize("case", load_examples(FOLDER / "examples"), ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    """What goes in, what goes out."""
    run_example(Parcels, case, SETTINGS)


def test_it_keeps_the_rules() -> None:
    """With and without fields of one's own."""
    assert check_destination(Parcels, SETTINGS) == []
    assert check_destination(Parcels, {**SETTINGS, "fields": ["page.title"]}) == []


def test_examples_are_printed() -> None:
    """In the README."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


def test_a_token_is_asked_for_once_and_again_when_it_has_ended() -> None:
    """Each order has its own outcome."""
    answers = iter(
        [
            httpx.Response(200, json={"token": "one"}),
            httpx.Response(200, json={"results": ["taken", "bad", "later"]}),
            httpx.Response(401),
            httpx.Response(200, json={"token": "two"}),
            httpx.Response(503),
        ]
    )
    vendor = FakeVendor(lambda request: next(answers))
    settings = make_settings(Parcels, SETTINGS)
    cache: dict[str, Any] = {}
    first, second, third = (vendor.talk(Parcels(), PAYLOADS, settings, cache) for _ in range(3))
    assert isinstance(first, list)
    assert [one.kind for one in first] == ["delivered", "rejected", "retry"]
    assert second == Outcome.retry("token expired")
    assert third == Outcome.retry("503")
    assert [request.url.path for request in vendor.requests] == [
        *("/2026-05/token", "/2026-05/17/orders", "/2026-05/17/orders", "/2026-05/token", "/2026-05/17/orders"),
    ]
    assert vendor.requests[-1].headers["authorization"] == "Bearer two"
