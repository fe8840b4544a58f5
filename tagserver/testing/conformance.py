"""The rules that every destination keeps, as one check; among them that nothing asks for the time or for chance. What
does is found where it happens, also where two results are equal by chance."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from tagserver.event.event import Event
from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import Built, Destination, Payload, Response, Secret
from tagserver.plugin.attempt import conversation
from tagserver.plugin.destination import call, sound_events
from tagserver.plugin.fault import PluginCode, PluginFailed, own_line
from tagserver.plugin.statement import Misstated, stated, stated_hosts, statement_faults
from tagserver.testing.building import build_faults
from tagserver.testing.events import known_of, make_event, make_settings, payload_of, request_of, sample_events
from tagserver.testing.sending import answering_faults, request_faults
from tagserver.testing.shut import Fault, Shut, raised, sentences, shut


def check_destination(
    destination: type[Destination], settings: Mapping[str, Any], events: Sequence[Event] | None = None
) -> list[str]:
    """What is wrong with a destination, as sentences; an empty list when it keeps the rules.

    It states its version, consent, limits, hosts and fields. Built twice from the same event it gives the same, changes
    nothing, raises nothing but Skip, hashes nothing empty, says which fields are hashes and which hold who it was in
    the clear, leaves no key empty, tells no personal data where people read, puts no secret into a payload, a repr or
    the path of an address, and takes no longer than an event may. A request made twice from the same payloads is the
    same; all of them, and their event_ids, reach the vendor in its body (JSON or a form, packed or not), address or
    headers. Every status and any garbage has an outcome, which repeats nothing of the vendor's text. Nothing of it
    uses the network, which is shut meanwhile. `events`: in place of the samples.

    A fault names the class of an error, the author's own line, what it was seen with first, and how often.
    """
    noted: list[Fault] = []
    try:
        with shut(destination, "the class, when it is made,", noted, TypeError):
            plugin, chosen = destination(), make_settings(destination, settings)
    except Shut:
        return sentences(noted)
    except PluginFailed as failed:
        return [f"it cannot be made: {failed.cause}"]
    known = [value.reveal() for value in _values(chosen) if isinstance(value, Secret)]
    secrets = [secret for secret in known if len(secret) >= SHORTEST_SECRET]
    faults = [*_stated(destination), *_sink_faults(destination), *_settings_faults(destination)]
    if len(secrets) < len(known):
        faults.append(f"a secret is looked for in all that is made: give one of {SHORTEST_SECRET} characters or more")
    try:
        with shut(plugin, "hosts, sees or version_ends", noted, Misstated):
            hosts, sees = stated_hosts(plugin.hosts(chosen)), stated("sees", plugin.sees(chosen))
            stated("hashes", plugin.hashes(chosen)), stated("in_clear", plugin.in_clear(chosen))
            plugin.version_ends(chosen)
    except Misstated as misstated:
        return [*faults, str(misstated)]
    except Shut:
        return [*faults, *sentences(noted)]
    except PluginFailed as failed:
        return [*faults, *sentences([*noted, raised("hosts, sees or version_ends", failed)])]
    faults += [*_host_faults(destination, hosts), *_name_faults(plugin, chosen)]
    if any(secret in repr(chosen) for secret in secrets):
        faults.append("a secret shows in the repr of the settings")
    built, wrong = build_faults(plugin, chosen, sees, sample_events() if events is None else events, secrets)
    with shut(plugin, "the clock's check", []):  # who reaches for the network is named above and below
        faults += clock_faults(plugin, chosen, built)
    if built:
        wrong += request_faults(plugin, chosen, hosts, built, secrets)
    wrong += answering_faults(plugin, chosen, [one for _, one in built])
    return list(dict.fromkeys((*faults, *sentences((*noted, *wrong)))))


def _values(settings: Any) -> list[Any]:
    return [getattr(settings, field.name) for field in dataclasses.fields(settings)]


SHORTEST_SECRET = 8


def _stated(destination: type[Destination]) -> Iterator[str]:
    """What is refused at load, and what this destination sees: that is worth a word of its own."""
    yield from statement_faults(destination)
    if not any("reads" in vars(cls) for cls in destination.__mro__ if cls not in (Destination, object)):
        yield "`reads` is not stated: the event fields that are used"
    if not destination.reads:
        yield "`reads` is empty: state the event fields that are used"


def _sink_faults(destination: type[Destination]) -> Iterator[str]:
    """The methods that a sink alone has are there and can be awaited."""
    for name in ("deliver", "open", "tick", "close"):
        method = getattr(destination, name)
        written = method is not getattr(Destination, name)
        if written and not destination.sink:
            yield f"`{name}` is called of a sink alone: set sink = True"
        elif written and not inspect.iscoroutinefunction(inspect.unwrap(method)):
            yield f"`{name}` is no async function"
        elif name == "deliver" and destination.sink and not written:
            yield "a sink without `deliver` hands nothing over"


def _settings_faults(destination: type[Destination]) -> Iterator[str]:
    fields = dataclasses.fields(destination.Settings)
    for field in fields:
        if not field.metadata.get("doc"):
            yield f"the setting {field.name} has no doc: make it with setting(...)"
    if not any(field.metadata.get("identity") for field in fields):
        yield "no setting is marked identity=True: say which one tells whose account it is"


def _name_faults(plugin: Destination, settings: Any) -> Iterator[str]:
    """What is stated of the vendor's names is what events get."""
    if sound_events(plugin.standard_events) is None:
        return
    faults = []
    try:
        with PluginCode(plugin, "event_name or event_names"):
            for ours, theirs in plugin.event_names(settings).items():
                if (name := plugin.event_name(make_event({"event": ours}), settings)) != theirs:
                    faults.append(f"`event_names` says that {ours} is {theirs}, and `event_name` gives {name}")
    except PluginFailed as failed:
        faults.append(f"event_name or event_names raises {failed.error}")
    yield from faults


def _host_faults(destination: type[Destination], hosts: Sequence[str]) -> Iterator[str]:
    if not destination.sink and not hosts:
        yield "`hosts` names no host"


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
