"""A destination whose `build` does as a test says, beside one that works; and what was decided for both."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tagserver.event.event import Event
from tagserver.pipeline.route import Decision, route
from tagserver.plugin import Built, Mode
from tagserver.plugin.registry import Registry

from .config.world import Box, load
from .events import NOW, event

Build = Callable[[Event, dict[str, Any]], Any]
CONTAINER = """
destinations: {bad: {type: bad}, good: {type: good}}
variables: {shoes: {constant: [brown, black]}}
tags:
  - {name: Bad, destination: bad, triggers: [all], parameters: {goods: "{{ ecommerce.items }}", shoes: "{{ shoes }}"}}
  - {name: Good, destination: good, triggers: [all], parameters: {goods: "{{ ecommerce.items }}", shoes: "{{ shoes }}"}}
"""
PUSHED = {
    "consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"},
    "page": {"location": "https://shop.example/?colour=brown"},
    "user_data": {"email": "a@b.example", "address": {"city": "Berlin"}},
    "ecommerce": {"value": 5, "items": [{"item_id": "1", "price": 5}]},
}


class Good(Box):
    """Sends all that it sees."""

    type = "good"
    reads = ("page", "user_data", "user_id", "ecommerce", "cookie.*", "header.*")

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        """Everything."""
        body = {"data": event.data, "parameters": parameters, "who": event.identity.email, "cookies": event.cookies}
        return Built(copy.deepcopy(body), event.name, event.time)


def decisions(build: Build) -> tuple[Decision, Decision, Event]:
    """What a bad destination decides that builds like this, what the good one after it does, and the event."""

    class Bad(Good):
        type = "bad"

        def build(self, event: Event, parameters: Any, settings: Any, mode: Mode) -> Built:
            built: Built = build(event, parameters)
            return built

    loaded = load({"container.yaml": CONTAINER}, registry=Registry.of(Bad, Good))
    assert loaded.container is not None, loaded.problems
    pushed = event(copy.deepcopy(PUSHED), cookies={"a": "1"}, headers={"x-a": "1"})
    bad, good = route(loaded.container, pushed).decisions
    return bad, good, pushed


def built(**fields: Any) -> Build:
    """A payload with something wrong in it."""
    return lambda event, parameters: Built(**({"body": {"a": 1}, "name": "purchase", "time": NOW} | fields))
