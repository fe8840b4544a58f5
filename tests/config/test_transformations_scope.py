"""What a transformation hides beside the event's data, from whom, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.expressions.scope import Scope

from ..events import event
from .test_transformations import FACTS, PUSHED, container, seen

ABOUT = ("ip", "user_agent", "cookie._fbp", "cookie.other.one", "header.X-A", "header.referer", "geo.country")
ABOUT_ALL = (*ABOUT, "geo.region", "click.fbclid", "loyalty.level")


@pytest.mark.parametrize(
    ("transformation", "left"),
    [
        ({"exclude": ["ip"]}, set(ABOUT_ALL) - {"ip"}),
        ({"exclude": ["cookie", "geo"]}, set(ABOUT_ALL) - {one for one in ABOUT_ALL if one[:3] in ("coo", "geo")}),
        ({"exclude": ["cookie.other.one", "header.X-a"]}, set(ABOUT_ALL) - {"cookie.other.one", "header.X-A"}),
        ({"exclude": ["click", "user_agent"]}, set(ABOUT_ALL) - {"click.fbclid", "user_agent"}),
        ({"exclude": ["loyalty"]}, set(ABOUT_ALL) - {"loyalty.level"}),
        ({"allow": ["loyalty"]}, {"loyalty.level"}),
        ({"allow": []}, set()),
        ({"allow": ["ip", "cookie._fbp", "header.Referer"]}, {"ip", "cookie._fbp", "header.referer"}),
        ({"allow": ["page", "click.fbclid"]}, {"click.fbclid"}),
        ({"allow": ["geo"], "exclude": ["geo.region"]}, {"geo.country"}),
    ],
)
def test_what_is_known_beside_the_data_is_hidden_too(transformation: dict[str, Any], left: set[str]) -> None:
    """Who allows or excludes an address or a cookie means it, although the page did not push it."""
    made = container({"t": transformation}).tag("box")
    assert made is not None
    location = {"location": "https://shop.example/?fbclid=click"}
    scope = Scope(event({"page": location, "loyalty": {"level": 3}, "cookie": {"_fbp": "sent"}}, **FACTS))
    assert {one for one in ABOUT_ALL if scope.event.get(one) is not None} == set(ABOUT_ALL)
    seen = made.transformations[0].apply(scope).event
    assert {one for one in ABOUT_ALL if seen.get(one) is not None} == left


def test_a_destination_that_sees_everything_does_not_see_what_is_hidden() -> None:
    """Its own copy of the event derives nothing anew."""
    made = container({"t": {"exclude": ["click", "ip"], "tags": ["box"]}})
    pushed = event({"page": {"location": "https://shop.example/?fbclid=click"}}, ip="198.51.100.77")
    views = []
    for tag in made.tags:
        scope = Scope(pushed)
        for one in tag.transformations:
            scope = one.apply(scope)
        views.append(tag.destination.reads.view(scope.event))
    assert [(one.get("click.fbclid"), one.get("ip")) for one in views] == [(None, None), ("click", "198.51.100.77")]


def test_the_event_itself_and_other_tags_see_nothing_of_it() -> None:
    before = event(PUSHED)
    made = container({"t": {"exclude": ["user_data"], "tags": ["box"]}})
    box, other = made.tag("box"), made.tag("other")
    assert box is not None
    assert other is not None
    scope = Scope(before)
    assert box.transformations[0].apply(scope).event.get("user_data") is None
    assert before.get("user_data.email") == "a@b.example"
    assert other.transformations == ()


def test_name_id_and_time_stay() -> None:
    one = seen({"allow": ["loyalty"]})
    assert (one.name, one.event_id, one.time) == ("purchase", "e-1", event(PUSHED).time)


def test_a_person_is_worked_out_anew() -> None:
    assert seen({"set": {"user_data.email": "c@d.example"}}).identity.email != event(PUSHED).identity.email
    assert seen({"exclude": ["user_data"]}).identity.email[0] == ()


def test_for_whom_and_when() -> None:
    by_destination = container({"t": {"exclude": ["loyalty"], "destinations": ["other"]}})
    assert [len(tag.transformations) for tag in by_destination.tags] == [0, 1]
    condition = {"exclude": ["loyalty"], "when": {"loyalty.level": {"greater_than": 5}}}
    assert seen(condition).get("loyalty.level") == 3
    assert seen(condition, pushed={"loyalty": {"level": 9}}).get("loyalty") is None
