"""A plugin sees the fields that it declares, whatever their spelling, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.event.event import Event
from tagserver.outgoing.field_filter import Reads
from tagserver.privacy.rules import STRICT
from tests.events import event

PUSHED: dict[str, Any] = {
    "page": {"location": "https://shop.example/a?fbclid=F&gclid=G", "title": "A"},
    "user_id": "u-1",
    "client_id": "c-1",
    "user_data": {"email": "a@b.example", "phone_number": "+491234567", "address": {"city": "Berlin", "country": "DE"}},
    "ecommerce": {"value": 5, "currency": "EUR", "items": [{"item_id": "1", "price": 5}, 7]},
    "loyalty": {"level": 3},
}
FACTS: dict[str, Any] = {
    "ip": "198.51.100.7",
    "user_agent": "Browser",
    "headers": {"x-a": "1", "x-b": "2"},
    "cookies": {"_fbp": "p", "session": "secret"},
    "country": "DE",
    "region": "DE-BE",
}


def seen(*paths: str) -> Event:
    """The event as a plugin with these `reads` gets it."""
    return Reads(paths).view(event(PUSHED, **FACTS))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("page.location", "https://shop.example/a?fbclid=F&gclid=G"),
        ("page.title", "A"),
        ("user_id", "u-1"),
        ("user_data.email", "a@b.example"),
        ("user_data.address.city", "Berlin"),
        ("ecommerce.value", 5),
        ("loyalty.level", 3),
        ("cookie._fbp", "p"),
        ("header.x-a", "1"),
        ("click.fbclid", "F"),
        ("geo.region", "DE-BE"),
        ("ip", "198.51.100.7"),
        ("user_agent", "Browser"),
    ],
)
def test_a_declared_path_is_seen_and_an_undeclared_one_is_not(path: str, value: object) -> None:
    assert seen(path).get(path) == value
    assert seen().get(path) is None


def test_every_spelling_declares_the_same_field() -> None:
    assert seen("value").get("ecommerce.value") == 5
    assert seen("page_location").page.host == "shop.example"


def test_a_neighbour_is_not_seen() -> None:
    assert seen("ecommerce.value").data["ecommerce"] == {"value": 5}
    assert seen("ecommerce.items.price").data["ecommerce"] == {"items": [{"price": 5}]}
    assert seen("cookie._fbp").cookies == {"_fbp": "p"}
    assert seen("click.fbclid").clicks == {"fbclid": "F"}


@pytest.mark.parametrize(
    ("declared", "headers", "cookies", "clicks"),
    [
        ("header", {"x-a": "1", "x-b": "2"}, {}, {}),
        ("cookie", {}, {"_fbp": "p", "session": "secret"}, {}),
        ("click", {}, {}, {"fbclid": "F", "gclid": "G"}),
        ("header.x-a", {"x-a": "1"}, {}, {}),
        ("header.y", {}, {}, {}),
        ("page", {}, {}, {}),
    ],
)
def test_a_bare_root_is_all_of_its_kind_and_of_no_other(
    declared: str, headers: dict[str, str], cookies: dict[str, str], clicks: dict[str, str]
) -> None:
    view = seen(declared)
    assert (view.facts.headers, view.cookies, view.clicks) == (headers, cookies, clicks)


@pytest.mark.parametrize(
    ("declared", "asked", "answer"),
    [
        ("cookie", "cookie", True),
        ("cookie", "cookie._fbp", True),
        ("cookie", "header", False),
        ("cookie", "header.x-a", False),
        ("cookie._fbp", "cookie", True),
        ("cookie._fbp", "cookie._fbp", True),
        ("cookie._fbp", "cookie.session", False),
        ("page", "click", False),
        ("click.fbclid", "click", True),
        ("page.title", "page", True),
        ("page.title", "page.title", True),
        ("page.title", "page.location", False),
        ("page", "page.title", True),
        ("user_data", "user_data.address.city", True),
        ("*", "anything.at.all", True),
    ],
)
def test_what_is_kept_back_is_named_where_it_would_have_been_seen(declared: str, asked: str, answer: bool) -> None:
    """A path, something below it, or something that it lies below."""
    assert Reads((declared,)).sees(asked) is answer


def test_name_id_and_time_are_always_seen() -> None:
    view = seen()
    assert (view.name, view.event_id, view.received) == ("purchase", "e-1", event().received)
    assert dict(view.data) == {"event": "purchase", "event_id": "e-1"}


def test_identifiers_are_those_of_the_declared_fields() -> None:
    assert seen("user_data.email").identity.email[0]
    assert seen("user_data.email").identity.phone()[0] == ()
    assert seen("user_data.email").identity.external_ids == ()
    assert seen("user_data.address").identity.email[0] == ()
    assert seen("user_data.address").identity.country == "de"


def test_who_sees_the_whole_person_shares_the_work() -> None:
    whole = event(PUSHED, **FACTS)
    reads = Reads(("user_data", "user_id"))
    assert reads.view(whole).identity is reads.view(whole).identity is whole.identity
    assert Reads(("user_data",)).view(whole).identity.external_ids == ()


def test_a_star_is_everything() -> None:
    whole = event(PUSHED, **FACTS)
    view = Reads(("*",)).view(whole)
    assert (view.data, view.facts, view.notes) == (whole.data, whole.facts, whole.notes)
    assert view.identity is whole.identity
    assert seen("cookie.*").cookies == FACTS["cookies"]


def test_a_destination_that_changes_nothing_gets_the_events_own_values_and_any_other_copies() -> None:
    pushed = event(PUSHED, **FACTS)
    shared = Reads(("ecommerce",), shared=True).view(pushed)
    copied = Reads(("ecommerce",)).view(pushed)
    assert shared.data == copied.data
    assert shared.data["ecommerce"] is pushed.data["ecommerce"]
    assert copied.data["ecommerce"]["items"] is not pushed.data["ecommerce"]["items"]


@pytest.mark.parametrize("shared", [True, False])
def test_of_each_request_and_each_event_the_own_facts_are_seen(shared: bool) -> None:
    reads = Reads(("ip", "cookie.*", "header.referer"), shared=shared)
    came = {"referer": "https://shop.example/?email=a%40b.example"}
    first, second = event({}, ip="198.51.100.7", headers=came), event({}, ip="198.51.100.8", headers=came)
    brings = first.derive({**first.data, "cookie": {"_fbp": "p"}})
    views = [reads.view(one) for one in (first, brings, second, first)]
    assert [view.facts.ip for view in views] == ["198.51.100.7", "198.51.100.7", "198.51.100.8", "198.51.100.7"]
    assert [dict(view.facts.cookies) for view in views] == [{}, {"_fbp": "p"}, {}, {}]
    whole, clean = reads.view(first), reads.view(first, rules=STRICT)
    assert whole.facts.headers == came
    assert clean.facts.headers == {"referer": "https://shop.example/"}
