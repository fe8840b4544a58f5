"""Who somebody is, in every spelling: there is one place for it, so that no name is a way around what consent keeps
back, what is hashed, and what is erased."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import MISSING, reader
from tagserver.event.person_keys import person_keys
from tagserver.event.spelling import ADDRESS_SPELLINGS, FLAT_PERSON, PERSON_SPELLINGS, canonical
from tagserver.explain.try_ import try_event
from tagserver.inbound.clients.datalayer import read_context, read_event
from tagserver.pipeline.route import route
from tagserver.privacy.rules import is_personal, is_private
from tagserver.testing import NOW, make_event, make_settings
from tests.config.world import load
from tests.destinations.nine import NAMES, configuration
from tests.events import facts
from tests.kit.anything import any_json

from .world import body_of, decided

KEY = b"k" * 32
PURPOSES = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")
SPELLINGS = [
    *((name, ("user_data", *place)) for name, place in FLAT_PERSON.items()),
    *((f"user_data.{name}", ("user_data", *place)) for name, place in PERSON_SPELLINGS.items()),
    *((f"user_data.address.{name}", ("user_data", "address", place)) for name, place in ADDRESS_SPELLINGS.items()),
]
"""Every other name, and the place that it is a name of."""


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """An object with one value at a path."""
    for part in reversed(path):
        value = {part: value}
    return dict(value)


def spelled(name: str, value: Any) -> dict[str, Any]:
    """An event that has one value under one of its names."""
    path = (name,) if name in FLAT_PERSON else tuple(name.split("."))
    return {"event": "purchase", "event_id": "e-1", **nested(path, value)}


@pytest.mark.parametrize(("name", "place"), SPELLINGS, ids=lambda one: str(one))
def test_an_event_holds_it_in_one_place(name: str, place: tuple[str, ...]) -> None:
    """So the event is the very same as if the page had used our own name: to every tag, to consent, to erasure."""
    ours = {"event": "purchase", "event_id": "e-1", **nested(place, "Nora")}
    theirs, same = make_event(spelled(name, "Nora")), make_event(ours)
    assert theirs.data == same.data
    assert theirs.notes == same.notes
    assert reader(name)(theirs) == reader(".".join(place))(theirs) == "Nora"
    assert canonical(name) == place
    assert is_personal(name)
    assert is_private(name)


@pytest.mark.parametrize("name", [name for name, _ in SPELLINGS])
def test_without_consent_for_a_person_no_tag_sees_it(name: str) -> None:
    """Neither among the fields, nor through a parameter that names it."""
    pushed = spelled(name, "nora-muster")
    tag = f'    parameters: {{x: "{{{{ {name} }}}}", y: "{{{{ user_data }}}}"}}\n'
    granted = tuple(one for one in PURPOSES if one != "ad_user_data")
    assert "nora" in str(body_of(decided(tag=tag, pushed=pushed)))
    assert "nora" not in str(body_of(decided(tag=tag, pushed=pushed, granted=granted)))


@pytest.mark.parametrize("name", ["email", "x-fb-ud-em", "user_data.em", "user_data.emails", "email_address"])
def test_somebody_is_found_again_by_it(name: str) -> None:
    """For erasure and withdrawal."""
    ours = make_event({"event": "purchase", "user_data": {"email": "nora@x.example"}})
    theirs = make_event(spelled(name, " Nora@X.example "))
    assert person_keys(theirs.identity, KEY) == person_keys(ours.identity, KEY) != ()


@pytest.mark.parametrize("granted", [PURPOSES, PURPOSES[:2], ("ad_storage",), ("analytics_storage",), ()])
def test_all_destinations_do_the_same(granted: tuple[str, ...]) -> None:
    """Whatever was granted, a flat event is decided and sent as a nested one is."""
    container = configuration("archive").compile().container
    assert container is not None
    common = {
        "event": "purchase",
        "event_id": "e-1",
        "client_id": "1.2",
        "page_location": "https://shop.example/",
        "value": 5,
        "currency": "EUR",
        "transaction_id": "T-1",
        "consent": dict.fromkeys(PURPOSES, "denied") | dict.fromkeys(granted, "granted"),
    }
    flat = {"email": "nora@x.example", "phone": "+41446681800", "first_name": "Nora", "last_name": "Muster"}
    ours = {
        "email": "nora@x.example",
        "phone_number": "+41446681800",
        "address": {"first_name": "Nora", "last_name": "Muster"},
    }
    one, other = (
        [
            (decision.tag.name, decision.decision, decision.reason, decision.body, decision.omitted)
            for decision in route(container, make_event(pushed, ip="198.51.100.7", user_agent="agent")).decisions
        ]
        for pushed in (common | flat, common | {"user_data": ours})
    )
    assert one == other
    assert len(one) == len(NAMES)


def test_a_context_may_use_them_too() -> None:
    """The event's own word comes before that of its context, whatever both call it."""
    context = read_context({"email": "of@ctx.example", "phone": "+41446681800"}, None, facts())
    made = read_event({"event": "login", "user_data": {"em": "of@event.example"}}, facts(), context)
    assert made.data["user_data"] == {"email": "of@event.example", "phone_number": "+41446681800"}


def test_what_was_sent_is_not_changed() -> None:
    """A list of events may share objects."""
    address = {"zip": "3011"}
    sent = {"event": "login", "email": "a@x.example", "user_data": {"fn": "Nora", "address": address}}
    before = repr(sent)
    make_event(sent)
    assert repr(sent) == before


def test_nobody_is_made_of_nothing() -> None:
    """An empty name of somebody's leaves no trace."""
    assert "user_data" not in make_event({"event": "login", "email": "", "phone": None, "emailAddress": []}).data


@pytest.mark.parametrize("deep", ["list", "map"])
def test_depth_costs_nothing(deep: str) -> None:
    """What a stranger puts into a person's data is not followed down."""
    value, other = " x ", " x "  # type: Any, Any
    for _ in range(50_000):
        value, other = ([value], [other]) if deep == "list" else ({"a": value}, {"a": other})
    for pushed in ({"user_data": {"note": value}}, {"user_data": {"em": other, "email": value}}, {"email": value}):
        make_event({"event": "login"} | pushed)


@given(st.dictionaries(st.sampled_from([name for name, _ in SPELLINGS]), any_json, max_size=4))
def test_any_value_under_any_name_leaves_the_event_alive(values: dict[str, Any]) -> None:
    """And what comes out is in our names alone."""
    sent: dict[str, Any] = {"event": "login", "user_data": {"address": {}}}
    for name, value in values.items():
        group: dict[str, Any] = sent
        *way, last = name.split(".")
        for part in way:
            group = group[part]
        group[last] = value
    made = make_event(sent)
    assert made.data.keys().isdisjoint(FLAT_PERSON)
    assert made.user_data.keys().isdisjoint(PERSON_SPELLINGS)
    assert made.user_data.get("address", {}).keys().isdisjoint(ADDRESS_SPELLINGS)
    made.identity.identifiers()


CONTAINER = """
variables:
  email: {path: user_data.email}
triggers:
  known: {when: {email: {contains: "@x.example"}}}
  other: {when: {first_name: Erika}}
destinations: {box: {type: box, account: "1"}}
tags:
  - {name: A, destination: box, triggers: [known], parameters: {who: "{{ email }}"}}
  - {name: B, destination: box, triggers: [other]}
"""


def test_a_variable_may_be_called_so_and_no_value_is_shown() -> None:
    """Many are; and why a condition does not hold is said without the person's data."""
    loaded = load({"container.yaml": CONTAINER})
    assert loaded.problems == ()
    assert loaded.container is not None
    assert loaded.server is not None
    asked = {
        "event": {
            "event": "login",
            "first_name": "Nora-Lea",
            "email": "nora@y.example",
            "consent": dict.fromkeys(PURPOSES, "granted"),
        }
    }
    answer = try_event(loaded.container, loaded.server, asked, NOW)
    assert [tag["reason"] for tag in answer["tags"]] == ["no_trigger", "no_trigger"]
    details = " ".join(tag["detail"] for tag in answer["tags"])
    assert "nora@y.example" not in details
    assert "Nora-Lea" not in details


@pytest.mark.parametrize("path", ["user_data.email", "email", "phone", "first_name", "x-fb-ud-em", "external_id"])
def test_no_setting_takes_a_person_along_by_another_name(path: str) -> None:
    """What goes to a system of one's own of a person is a setting of its own, which hashes."""
    container = configuration("archive").compile().container
    assert container is not None
    webhook, archive = (container.destinations[name].plugin for name in ("shop", "archive"))
    for plugin, field in ((webhook, "fields"), (archive, "params")):
        check = plugin.Settings.__dataclass_fields__[field].metadata["check"]
        assert "user_data has a setting of its own" in str(check([path]))
        assert check(["page.title"]) is None
    assert reader(path)(make_event({"event": "login"})) is MISSING
    assert make_settings(type(archive), {"path": "/tmp/x", "params": ["page.title"]}).params == ["page.title"]
