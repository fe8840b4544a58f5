"""Tags that are found by what their triggers ask first: the same ones fire as if every trigger were tried."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tagserver.pipeline.route import route
from tests.config.world import container
from tests.events import event

TRIGGERS = """
  equal: {when: {thing: a}}
  equal and more: {when: {thing: a, other: b}}
  number as written: {when: {thing: 1}}
  undefined: {when: {thing: undefined}}
  any case: {when: {thing: {equals: A, ignore_case: true}}}
  one of: {when: {thing: [a, b]}}
  not equal: {when: {thing: {not_equals: a}}}
  another first: {when: {other: b, thing: a}}
  of an event: {event: purchase, when: {thing: "true"}}
  by a variable: {when: {letter: a}}
  against another: {when: {thing: "{{ other }}"}}
  either: {when: {any: [{thing: a}, {other: b}]}}
"""
NAMES = [line.split(":")[0].strip() for line in TRIGGERS.splitlines() if line.strip()]
LINES = [f"- {{name: {name}, destination: box, triggers: [{name}]}}" for name in NAMES]
LINES += [f"- {{name: {name} or equal, destination: box, triggers: [{name}, equal]}}" for name in NAMES]
CONTAINER = container(
    "destinations: {box: {type: box}}\nvariables: {letter: {path: thing}}\n"
    f"triggers:{TRIGGERS}tags:\n" + "\n".join(LINES) + "\n"
)
VALUES = st.sampled_from(["a", "b", "A", "", "1", "undefined", "true", 1, 1.0, True, None, ["a"], ["a", "b"], {"a": 1}])


@given(st.fixed_dictionaries({}, optional={"thing": VALUES, "other": VALUES}), st.sampled_from(["purchase", "search"]))
def test_the_same_tags_fire_as_when_each_is_tried(data: dict[str, Any], name: str) -> None:
    routing = route(CONTAINER, event({"event": name, **data}))
    tried = [
        tag.name
        for tag in CONTAINER.tags
        if any(trigger.wants(name) and trigger.holds(routing.scope) for trigger in tag.triggers)
    ]
    assert [decision.tag.name for decision in routing.decisions] == tried
