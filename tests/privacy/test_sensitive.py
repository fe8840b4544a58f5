"""What a visitor limits the use of leaves for nobody: no tag sees it, no transformation hands it on, no tag sets it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.consent.writers import gpp_string, items_of, us_section

from .world import body_of, decided, seen

_ITEMS = items_of("usnat", 1)
LIMITED = {
    "gpp": gpp_string({7: us_section("usnat", 1, [int(name == "SensitiveDataProcessing") for name, _ in _ITEMS])})
}
PRIVACY = "privacy: {sensitive: [health.topic, gender, ecommerce.items.condition, user_data.gender]}"
PUSHED: dict[str, Any] = {
    "health": {"topic": "diabetes", "page": 2},
    "gender": "f",
    "user_data": {"email": "erika@example.com", "gender": "f"},
    "ecommerce": {"items": [{"item_id": "1", "condition": "x"}, {"item_id": "2"}, "no item"]},
}


def test_no_tag_sees_it() -> None:
    """Nested, in lists, in the person; what stands beside it stays. Without a limit nothing is taken out."""
    decision = decided(pushed=PUSHED | LIMITED, privacy=PRIVACY)
    data = body_of(decision)["seen"]["data"]
    assert data["health"] == {"page": 2}
    assert "gender" not in data
    assert data["user_data"] == {"email": "erika@example.com"}
    assert data["ecommerce"]["items"] == [{"item_id": "1"}, {"item_id": "2"}]
    told = {one.field: one.why for one in decision.omitted}
    assert told.keys() == {"health.topic", "gender", "ecommerce.items.condition", "user_data.gender"}
    assert set(told.values()) == {"is sensitive, and the visitor limits its use"}
    free = seen(pushed=PUSHED, privacy=PRIVACY)["data"]
    assert (free["health"]["topic"], free["gender"]) == ("diabetes", "f")


@pytest.mark.parametrize("type_", ["mirror", "ads", "processor"])
def test_neither_parameter_nor_transformation_hands_it_on(type_: str) -> None:
    """Whatever the destination is for."""
    tag = (
        "    parameters: {a: '{{ health.topic }}', gender: fixed, b: '{{ renamed }}', health: {topic: own, page: 3}}\n"
        "transformations:\n  move: {rename: {health.topic: renamed}, set: {again: '{{ gender }}'}}\n"
    )
    decision = decided(tag, pushed=PUSHED | LIMITED, privacy=PRIVACY, type_=type_)
    assert b"diabetes" not in decision.body
    parameters = body_of(decision)["parameters"]
    assert parameters == {"health": {"page": 3}}
    free = body_of(decided(tag, pushed=PUSHED, privacy=PRIVACY, type_=type_))
    assert free["parameters"]["b"] == "diabetes"


def test_a_limit_alone_takes_nothing_out() -> None:
    """Which fields are sensitive only the site knows."""
    assert seen(pushed=PUSHED | LIMITED)["data"]["health"]["topic"] == "diabetes"
