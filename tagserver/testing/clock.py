"""The rule that nothing asks for the time or for chance: what does is found where it happens, also where two results
are equal by chance."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from tagserver.event.event import Event
from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import Built, Destination, Payload, Response
from tagserver.plugin.attempt import conversation
from tagserver.plugin.declared import call
from tagserver.plugin.fault import PluginCode, PluginFailed, own_line
from tagserver.testing.events import known_of, payload_of, request_of

FEW = 3
"""Events that are looked at; a clock is read for all of them or for none."""
CLOCKS = frozenset(
    {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"}
    | {"datetime.now", "datetime.utcnow", "date.today"}
)
CHANCE = frozenset({"Random.random", "Random.getrandbits", "posix.urandom", "nt.urandom", "_uuid.generate_time_safe"})
_INSTEAD = {"build": "`event.received` is now", "request": "declare `now`", "exchange": "declare `now`"}


def clock_faults(plugin: Destination, settings: Any, built: Sequence[tuple[Event, Built]]) -> Iterator[str]:
    """Which methods read a clock or use chance, and in which line of the plugin's own."""
    for event, one in built[:FEW]:
        yield from _faults_of(plugin, settings, event, one)


def _faults_of(plugin: Destination, settings: Any, event: Event, built: Built) -> Iterator[str]:
    view = Reads(plugin.sees(settings)).view
    payloads = [payload_of(built, event.event_id)]
    known = known_of(plugin, payloads)
    answer = Response(200, {}, b"{}")
    yield from _found(plugin, "build", lambda: plugin.build(view(event), {}, settings, "send"))
    yield from _found(plugin, "request", lambda: request_of(plugin, payloads, settings))
    yield from _found(plugin, "classify", lambda: call(plugin.classify, known, answer, payloads))
    if type(plugin).exchange is not Destination.exchange:
        yield from _found(plugin, "exchange", lambda: _talk(plugin, payloads, settings, known, answer))


def _talk(
    plugin: Destination, payloads: Sequence[Payload], settings: Any, known: Mapping[str, Any], answer: Response
) -> None:
    talk = conversation(plugin, payloads, settings, {}, known)
    try:
        next(talk)
        talk.send(answer)
    finally:
        talk.close()


def _found(plugin: Destination, method: str, run: Callable[[], Any]) -> Iterator[str]:
    seen: dict[str, str] = {}

    def watch(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            name = function.__qualname__
            if function.__module__ is not None:
                name = f"{function.__module__}.{name}"
            if name in CLOCKS or name in CHANCE:
                seen.setdefault(name, own_line(frame, plugin))

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()  # what others have it call while it collects would look like the plugin's
    sys.setprofile(watch)
    try:
        with contextlib.suppress(PluginFailed), PluginCode(plugin, method):  # what it raises is another rule's
            run()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    for name, line in seen.items():
        found = f"{name} at {line}" if line else name
        if name in CLOCKS:
            yield f"{method} reads the clock ({found}): {_INSTEAD.get(method, 'declare `now`')}"
        else:
            yield f"{method} uses chance ({found}): the same payloads give the same; `batch_id` is an id for them"
