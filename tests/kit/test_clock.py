"""A destination that asks for the time or for chance is found out, with its line; one that declares `now` is not."""

from __future__ import annotations

import datetime
import gc
import gzip
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from typing import Any

import pytest

from tagserver.plugin import Built, Destination, Event, Mode, Outcome, Payload, Request, Response
from tagserver.testing import check_destination

from .post import SETTINGS, Post

AGES = 10**12


class Building(Post):
    """Old enough is all that it wants to know: the result is the same each time."""

    def build(self, event: Event, parameters: Mapping[str, Any], settings: Any, mode: Mode) -> Built:
        made = super().build(event, parameters, settings, mode)
        return Built({**made.body, "old": event.time < time.time() - AGES}, made.name, made.time)


def requesting(change: Callable[[], Any]) -> type[Destination]:
    """A destination whose request holds something more."""

    class Changed(Post):
        def request(self, payloads: Sequence[Payload], settings: Any) -> Request:
            made = super().request(payloads, settings)
            change()
            return made

    return Changed


class Judging(Post):
    def classify(self, response: Response, payloads: Sequence[Payload]) -> Any:
        later = datetime.datetime.now(datetime.UTC).year > 3000
        return Outcome.retry("later") if later else super().classify(response, payloads)


class Talking(Post):
    def exchange(
        self, payloads: Sequence[Payload], settings: Any, cache: MutableMapping[str, Any]
    ) -> Generator[Request, Response, Any]:
        response = yield self.request(payloads, settings)
        cache["at"] = time.time_ns()
        return self.classify(response, payloads)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (Building, "build reads the clock (time.time at test_clock.py:"),
        (requesting(time.time), "request reads the clock (time.time at test_clock.py:"),
        (requesting(datetime.date.today), "request reads the clock (date.today at test_clock.py:"),
        (requesting(lambda: gzip.compress(b"x")), "request reads the clock (time.time at test_clock.py:"),
        (requesting(uuid.uuid4), "request uses chance (posix.urandom at test_clock.py:"),
        (requesting(lambda: random.choice("ab")), "request uses chance (Random.getrandbits at test_clock.py:"),
        (Judging, "classify reads the clock (datetime.now at test_clock.py:"),
        (Talking, "exchange reads the clock (time.time_ns at test_clock.py:"),
    ],
)
def test_a_clock_is_found_where_it_is_read(broken: type[Destination], fault: str) -> None:
    """Whether the results differ or not."""
    found = [one for one in check_destination(broken, SETTINGS) if "clock" in one or "chance" in one]
    assert [one.startswith(fault) for one in found] == [True], found


@pytest.mark.parametrize(
    "fine",
    [
        requesting(lambda: gzip.compress(b"x", mtime=0)),
        requesting(lambda: time.gmtime(0)),
        requesting(lambda: datetime.datetime.fromtimestamp(0, datetime.UTC).isoformat()),
        requesting(lambda: uuid.UUID(int=7)),
        requesting(lambda: random.Random),
    ],
)
def test_what_needs_no_clock_is_no_fault(fine: type[Destination]) -> None:
    assert check_destination(fine, SETTINGS) == []


def test_what_others_do_while_memory_is_collected_is_not_the_plugin_s() -> None:
    """Libraries have themselves called then, and measure how long it takes."""

    def measured(phase: str, info: Any) -> None:
        time.perf_counter()

    gc.callbacks.append(measured)
    try:
        assert check_destination(requesting(lambda: [[one] for one in range(5000)]), SETTINGS) == []
    finally:
        gc.callbacks.remove(measured)
