"""Events of Meta's own door: in the sender's words to Meta, and nothing made of what other vendors have of them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_meta_capi import MetaCapi
from tagserver_meta_capi.user_data import PIECES

from tagserver.event.event import Event, Facts
from tagserver.inbound.clients.datalayer import Context, read_event
from tagserver.plugin import Built, Skip
from tagserver.sandbox.rules import refuse
from tagserver.testing import make_settings
from tagserver.testing.events import payload_of

NOW = 1_790_000_000_000
META = MetaCapi()
SETTINGS = {"pixel_id": "1", "access_token": "token-of-this-test"}
HASH = "a" * 64
SENT = {"name": "Purchase", "ids": ["1"], "single": True}
PUSHED = {
    "event": "purchase",
    "event_id": "e",
    "action_source": "website",
    "user_data": {"external_id": HASH},
    "ecommerce": {
        "value": 5,
        "currency": "EUR",
        "transaction_id": "7",
        "items": [{"item_id": "A", "item_name": "Mug"}],
    },
}


def event(client: str = "meta", pixel: Any = None, **more: Any) -> Event:
    """One event as that client makes it."""
    pushed = {**PUSHED, "pixel": SENT if pixel is None else pixel, **more}
    return read_event(pushed, Facts("shop", NOW), Context({}, client=client))


def build(one: Event, **changed: Any) -> Built:
    return META.build(one, {}, make_settings(MetaCapi, {**SETTINGS, **changed}), "send")


def test_nothing_is_made_of_items() -> None:
    """The same event of a pixel in the page has what its items tell."""
    own = {"plan": "gold", "tiers": [1, {"a": "b"}], "consent": "x", "currency": "USD", "order_id": "8"}
    assert build(event(pixel={**SENT, "custom_data": own})).body["custom_data"] == {
        "value": 5,
        "currency": "EUR",
        "order_id": "7",
        "plan": "gold",
        "tiers": [1, {"a": "b"}],
        "consent": "x",
    }
    assert "contents" in build(event("pixel")).body["custom_data"]
    contents = [{"id": "A", "quantity": 2, "description": "A mug"}]
    told = build(event(contents=contents, content_ids=["A", "B"])).body["custom_data"]
    assert (told["contents"], told["content_ids"]) == (contents, ["A", "B"])
    assert "content_type" not in told


@pytest.mark.parametrize("client", ["datalayer", "webhooks", "pixel"])
def test_nobody_else_has_a_way_to_meta_by_it(client: str) -> None:
    """What stands under `pixel` in an event of another door is a field like any other."""
    pixel = {**SENT, "custom_data": {"plan": "gold"}, "request": {"partner_agent": "myshop"}}
    made = build(event(client, pixel=pixel, user_data={"external_id": HASH, "fi": HASH}))
    assert "plan" not in made.body["custom_data"]
    assert "fi" not in made.body["user_data"]
    assert made.group is None


@pytest.mark.parametrize(
    ("said", "mode", "sent"),
    [
        ({}, "send", None),
        ({"data_processing_options": []}, "send", []),
        ({"data_processing_options": ["LDU"]}, "send", ["LDU"]),
        ({}, "restrict", ["LDU"]),
        ({"data_processing_options": []}, "restrict", ["LDU"]),
    ],
    ids=["nothing", "free", "limited", "restricted", "free-and-restricted"],
)
def test_a_limit_is_what_is_said_and_never_less_than_consent(said: dict[str, Any], mode: Any, sent: Any) -> None:
    made = META.build(event(**said), {}, make_settings(MetaCapi, SETTINGS), mode)
    assert made.body.get("data_processing_options") == sent


def test_pieces_go_where_they_came_hashed() -> None:
    """A list as a list; what did not come hashed is nobody's to hash."""
    said = dict.fromkeys(PIECES, HASH) | {"fi": [HASH, "b" * 64], "doby": "1964", "external_id": HASH}
    made = build(event(user_data=said))
    assert {key: made.body["user_data"].get(key) for key in PIECES} == dict.fromkeys(PIECES, HASH) | {
        "fi": [HASH, "b" * 64],
        "doby": None,
    }
    assert [one.field for one in made.omitted] == ["user_data.doby"]


def test_another_pixels_event_is_skipped() -> None:
    with pytest.raises(Skip) as skipped:
        build(event(), pixel_id="77")
    assert skipped.value.reason == "other_account"


REQUEST = {"partner_agent": "myshop", "upload_tag": "spring", "test_event_code": "TEST1", "own": "x"}


@pytest.mark.parametrize(
    ("said", "changed", "beside"),
    [
        ({}, {}, {}),
        ("x", {}, {}),
        ({"partner_agent": 5}, {}, {}),
        ({"test_event_code": "TEST1"}, {}, {}),
        (REQUEST, {}, {"partner_agent": "myshop", "upload_tag": "spring"}),
        (REQUEST, {"partner_agent": "ours"}, {"partner_agent": "ours", "upload_tag": "spring"}),
        (
            REQUEST,
            {"sender_test_code": True},
            {"partner_agent": "myshop", "upload_tag": "spring", "test_event_code": "TEST1"},
        ),
        ({"test_event_code": "A"}, {"sender_test_code": True, "test_event_code": "B"}, {"test_event_code": "B"}),
    ],
    ids=["nothing", "text", "number", "test", "some", "ours", "passed", "our-test"],
)
def test_what_is_said_beside_the_events_goes_beside_them(
    said: Any, changed: dict[str, Any], beside: dict[str, Any]
) -> None:
    """What the destination sets goes before; a test code is passed on where the destination says so."""
    settings = make_settings(MetaCapi, {**SETTINGS, **changed})
    made = META.build(event(pixel={**SENT, "request": said}), {}, settings, "send")
    content = json.loads(META.request([payload_of(made, "e")], settings).content)
    assert {key: value for key, value in content.items() if key != "data"} == beside


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(_json, _json, st.dictionaries(st.sampled_from([*PIECES, "em", "ph", "sha256_phone_digits"]), _json))
def test_anything_may_stand_there(own: Any, request: Any, person: dict[str, Any]) -> None:
    """Nothing but Skip is raised, and Meta takes what is made."""
    pixel = {**SENT, "custom_data": own, "request": request}
    one = event(pixel=pixel, user_data={"external_id": HASH, **person})
    made = build(one)
    assert refuse(msgspec.json.decode(msgspec.json.encode(made.body)), NOW / 1000) is None
    assert isinstance(made.group, str | None)
