"""What all tags did with an event, as a summary keeps it: it must agree with what `try` says."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
import pytest

from tagserver.pipeline.route import all_decisions, route
from tagserver.records.container_text import container_text, sentence
from tagserver.records.decisions import Decisions
from tagserver.records.values import FailingCondition
from tests.config.world import container
from tests.events import event

CONTAINER = container("""
destinations:
  box: {type: box}
triggers:
  purchase: {event: purchase}
  thanks: {event: purchase, when: {page.path: "/thanks"}}
  rich: {event: purchase, when: [{ecommerce.currency: EUR}, {ecommerce.value: {greater_than: 100}}]}
  anywhere: {when: {any: [{page.path: "/a"}, {page.path: "/b"}]}}
  inner: {when: {ip: {in: 10.0.0.0/8}}}
tags:
  - {name: Plain, destination: box, triggers: [purchase], event_name: one}
  - {name: Thanks, destination: box, triggers: [thanks], event_name: two}
  - {name: Rich, destination: box, triggers: [rich], event_name: three}
  - {name: Any, destination: box, triggers: [anywhere], event_name: four}
  - {name: Not here, destination: box, triggers: [purchase], exceptions: [inner], event_name: five}
  - {name: Paused, destination: box, triggers: [purchase], paused: true}
""")
EVENTS: list[dict[str, Any]] = [
    {},
    {"page": {"location": "https://s.example/thanks"}},
    {"ecommerce": {"currency": "EUR", "value": 5}},
    {"ecommerce": {"currency": "USD", "value": 500}},
    {"ecommerce": {"currency": "EUR", "value": 500}},
    {"event": "lead"},
    {"event": "lead", "page": {"location": "https://s.example/b"}},
]


@pytest.mark.parametrize("pushed", EVENTS, ids=range(len(EVENTS)))
@pytest.mark.parametrize("ip", ["198.51.100.7", "10.1.2.3"])
def test_every_tag_is_there_with_the_decision_of_try(pushed: dict[str, Any], ip: str) -> None:
    routing = route(CONTAINER, event(pushed, ip=ip))
    kept, shown = Decisions(CONTAINER).of(routing), all_decisions(CONTAINER, routing)
    assert [(one.tag, one.decision, one.reason) for one in kept] == [
        (one.tag.name, one.decision, one.reason) for one in shown
    ]


@pytest.mark.parametrize(
    ("pushed", "tag", "failing"),
    [
        ({}, "Thanks", FailingCondition("thanks", 1, "page.path")),
        ({"event": "lead"}, "Thanks", FailingCondition("thanks", 0, "event")),
        ({"ecommerce": {"currency": "USD"}}, "Rich", FailingCondition("rich", 1, "ecommerce.currency")),
        ({"ecommerce": {"currency": "EUR", "value": 5}}, "Rich", FailingCondition("rich", 2, "ecommerce.value")),
        ({}, "Any", FailingCondition("anywhere", 1, "any")),
    ],
    ids=str,
)
def test_the_condition_that_failed_is_kept(pushed: dict[str, Any], tag: str, failing: FailingCondition) -> None:
    kept = {one.tag: one for one in Decisions(CONTAINER).of(route(CONTAINER, event(pushed)))}
    assert kept[tag].failing == failing
    assert sentence(container_text(CONTAINER), kept[tag], "x").startswith(f"{failing.trigger}: ")


def test_an_exception_is_kept_without_the_value() -> None:
    kept = {one.tag: one for one in Decisions(CONTAINER).of(route(CONTAINER, event(ip="10.1.2.3")))}
    assert kept["Not here"].failing == FailingCondition("inner", 1, "ip")
    assert sentence(container_text(CONTAINER), kept["Not here"], "purchase") == "inner: ip in 10.0.0.0/8"


def test_what_was_decided_alike_is_one_tuple() -> None:
    decisions = Decisions(CONTAINER)
    first, second, third = (
        decisions.of(route(CONTAINER, event({"event_id": name, "ecommerce": {"value": value}})))
        for name, value in (("e-1", 1), ("e-2", 2), ("e-3", 500))
    )
    assert first is second
    assert first == third


def test_an_address_that_a_condition_compares_with_is_not_kept() -> None:
    made = container("""
destinations: {box: {type: box}}
triggers: {me: {when: {user_data.email: erika@example.com}}}
tags: [{name: Mine, destination: box, triggers: [me]}]
""")
    (tag,) = container_text(made).tags
    assert tag.triggers[0].conditions[0][0] == "user_data.email"
    assert "erika" not in str(tag)


def test_what_is_remembered_of_strangers_words_is_bounded() -> None:
    """Details quote what an event holds, and each event can hold something else."""
    tags = "".join(f"  - {{name: T{number}, destination: box, triggers: [all]}}\n" for number in range(50))
    many = container(f"destinations: {{box: {{type: box}}}}\ntags:\n{tags}")
    decisions, routing = Decisions(many), route(many, event())
    decisions.of(routing)
    tracemalloc.start()
    for number in range(400):
        said = [
            msgspec.structs.replace(one, decision="skip", reason="no_value", detail=f"{number} is none, {'x' * 450}")
            for one in routing.decisions
        ]
        decisions.of(msgspec.structs.replace(routing, decisions=tuple(said)))
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 3 << 20
