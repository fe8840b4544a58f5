"""Settings that a tag may set for itself: read when a payload is built, and never when payloads are sent together."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tagserver.pipeline.route import route
from tagserver.plugin import Payload
from tagserver.testing import NOW, make_event, request_of

from .nine import NAMES, configuration, one_event

CONTAINER = configuration("archive").compile().container
GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")


class Watched:
    """Settings that remember which of them were read."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._settings, name)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_request_reads_is_the_same_for_all_tags(name: str) -> None:
    assert CONTAINER is not None
    pushed = {**one_event()["event"], "consent": GRANTED}
    decisions = route(CONTAINER, make_event(pushed, ip="198.51.100.7", user_agent="agent")).decisions
    built = next(one for one in decisions if one.tag.destination.name == name and one.built is not None)
    payload = Payload("e-1", built.built.name if built.built else "", NOW, built.body)
    destination = CONTAINER.destinations[name]
    watched = Watched(destination.settings)
    request_of(destination.plugin, [payload] * min(2, destination.plugin.limits.events), watched)
    destination.plugin.hosts(watched)
    fields = dataclasses.fields(destination.settings)
    assert watched.read & {field.name for field in fields if field.metadata.get("per_tag")} == set()
    if not destination.plugin.sink:
        assert watched.read
