"""Real input: GA4's recommended events, nested and flat, with and without user_data, through the shipped
configuration."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagserver.config.compile import Loaded
from tagserver.config.configuration import ConfigurationFolder
from tagserver.explain.try_ import try_event
from tagserver.plugin.registry import Registry
from tests.fast_yaml import safe_load

from ..events import NOW

CASES = safe_load((Path(__file__).parents[1] / "cases" / "ga4.yaml").read_text())
WHO = {
    "email": " Erika@Example.com ",
    "phone_number": "+49 170 1234567",
    "address": {
        "first_name": "Erika",
        "last_name": "Mustermann",
        "city": "Köln",
        "postal_code": "50667",
        "country": "DE",
    },
}
HEADERS = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64)"}
CONTAINER = """
destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:TOKEN}"}}
tags: [{name: Meta, destination: meta, triggers: [all]}]
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A container with one Meta tag for everything."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "container.yaml").write_text(CONTAINER)
    return ConfigurationFolder(folder, Registry.load(), {"TOKEN": "t"}).compile()


def shapes() -> Iterator[Any]:
    """Every case in every shape it stands for."""
    for case in CASES:
        for flat in (False, True) if case.get("flat") else (False,):
            for known in (False, True):
                name = f"{case['name']}-{'flat' if flat else 'nested'}-{'user_data' if known else 'anonymous'}"
                yield pytest.param(case, flat, known, id=name)


def pushed(case: dict[str, Any], flat: bool, known: bool) -> dict[str, Any]:
    """The event of a case in one of its shapes."""
    event = copy.deepcopy(case["event"])
    if flat:
        event |= event.pop("ecommerce")
    if known:
        event["user_data"] = copy.deepcopy(WHO)
    return event | {
        "event_id": "case-1",
        "page_location": "https://shop.example/checkout?fbclid=IwAbC",
        "consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"},
    }


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(("case", "flat", "known"), list(shapes()))
def test_ga4_event(loaded: Loaded, case: dict[str, Any], flat: bool, known: bool) -> None:
    """What Meta gets for a documented push."""
    assert loaded.container is not None
    assert loaded.server is not None
    asked = {"event": pushed(case, flat, known), "headers": HEADERS, "ip": "198.51.100.7"}
    (tag,) = try_event(loaded.container, loaded.server, asked, NOW)["tags"]
    if "decision" in case:
        assert (tag["decision"], tag["reason"], tag["request"]) == (case["decision"], case["reason"], None)
        return
    assert (tag["decision"], tag["reason"]) == ("send", "fired")
    (sent,) = tag["request"]["body"]["data"]
    assert sent["event_id"] == "case-1"
    assert sent["event_name"] == case["sent"]["event_name"]
    assert sent["event_time"] == NOW // 1000
    assert sent["action_source"] == "website"
    for field, value in case["sent"].get("custom_data", {}).items():
        assert sent["custom_data"][field] == value
    who = sent["user_data"]
    assert who["client_user_agent"] == HEADERS["user-agent"]
    assert who["fbc"].endswith(".IwAbC")
    if known:
        assert sha256("erika@example.com") in who["em"]
        assert sha256("491701234567") in who["ph"]
        assert sha256("köln") in who["ct"]
    else:
        assert "em" not in who
    assert "Bearer t" not in str(tag["request"])
