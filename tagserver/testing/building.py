"""The rules of `build`: pure, complete, discreet, in no more time than an event may take, and with every field declared
that holds a hash or a person."""

from __future__ import annotations

import copy
import re
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from tagserver.event.event import Event
from tagserver.event.placeholder import EMPTY_HASH
from tagserver.outgoing.field_filter import Reads
from tagserver.plugin import Built, Destination, Mode, Skip
from tagserver.plugin.fault import PluginFailed
from tagserver.plugin.payload_check import NO_CLEAR_FIELD, BadPath, PayloadFields, Unsound, encoded
from tagserver.plugin.values import is_missing
from tagserver.privacy.detection import without_emails
from tagserver.testing.shut import Fault, Shut, raised, shut

PARAMETERS: tuple[Mapping[str, Any], ...] = (
    {},
    {"event_name": "Something", "value": "many", "user_data": "nobody", "custom_data": [], "extra": {"a": [None, 0]}},
    {"event_name": 7, "event_id": "mine", "event_time": "now", "items": 1, "currency": ["EUR"], "params": "x"},
)
"""What a tag may set: nothing, and what people mistype."""
ALLOWED_EMPTY = frozenset({"data_processing_options"})
"""Where an empty list says something: no limits (Meta)."""
SHORTEST = 5
"""Characters of a personal value that cannot stand in a sentence by chance."""


def build_faults(
    plugin: Destination, settings: Any, sees: Sequence[str], events: Sequence[Event], secrets: Sequence[str]
) -> tuple[list[tuple[Event, Built]], list[Fault]]:
    """What is built of the events without parameters, and what is wrong with all that is built."""
    view = Reads(sees).view
    try:
        declared = PayloadFields(tuple(plugin.hashes(settings)), tuple(plugin.in_clear(settings)))
    except BadPath as bad:
        return [], [Fault(f"hashed or clear: {bad}")]
    built: list[tuple[Event, Built]] = []
    check = _Check(plugin, settings, secrets)
    told = restricted = False
    for event in events:
        for parameters in PARAMETERS:
            sent = check.build(view(event), parameters, "send")
            if sent is not None:
                check.faults += [Fault(fault) for fault in field_faults(event, sent, declared)]
                if not parameters:
                    built.append((event, sent))
            if plugin.consent.restricted:
                limited = check.build(view(event), parameters, "restrict")
                told = told or sent is not None
                restricted = restricted or _body(sent) != _body(limited)
    faults = [*check.faults, *slow_faults("build", check.spent)]
    if not built:
        faults.append(Fault("no sample event becomes a payload"))
    if told and not restricted:
        faults.append(Fault("a restricted mode is stated, and the mode restrict changes no payload"))
    return built, faults


def _body(built: Built | None) -> bytes | None:
    return None if built is None else msgspec.json.encode(built.body)


class _Check:
    """Builds, and notes what is wrong with it in `faults`, and in `spent` the seconds of work of each call."""

    def __init__(self, plugin: Destination, settings: Any, secrets: Sequence[str]) -> None:
        self._plugin, self._settings, self._secrets = plugin, settings, secrets
        self.faults: list[Fault] = []
        self.spent: list[float] = []

    def build(self, event: Event, parameters: Mapping[str, Any], mode: Mode) -> Built | None:
        """One event, twice. None where nothing usable came out."""
        what = Said(event.name, " with parameters" if parameters else "")
        before, given = copy.deepcopy(dict(event.data)), copy.deepcopy(parameters)
        results: list[Any] = []
        for _ in range(2):
            try:
                with shut(self._plugin, "build", self.faults, Skip), timed(self.spent):
                    results.append(self._plugin.build(event, given, self._settings, mode))
            except Skip as skip:
                results.append(skip)
            except Shut:
                return None  # and it is noted
            except PluginFailed as failed:
                self.faults.append(what.fault(*raised("build", failed, what.name, "only Skip is allowed")))
                return None
        if event.data != before:
            self.faults.append(what.fault("build changes the event {}"))
        if given != parameters:
            self.faults.append(what.fault("build changes the parameters of {}"))
        first, second = results
        if isinstance(first, Built | Skip):
            self.faults += _told(event, first, what)
        if isinstance(first, Skip) or isinstance(second, Skip):
            if type(first) is not type(second):
                self.faults.append(what.fault("build gives different results for the same event {}"))
            return None
        try:
            bodies = [encoded(one, self._plugin.limits) for one in (first, second)]
        except Unsound as error:
            self.faults.append(what.fault(f"{{}}: {error}"))
            return None
        if bodies[0] != bodies[1]:
            self.faults.append(what.fault("build gives different results for the same event {}"))
        if not parameters:
            for key in dict.fromkeys(_empty_keys(msgspec.json.decode(bodies[0]))):
                says = f"the payload of {{}} holds an empty value under {key}: leave the key out"
                self.faults.append(what.fault(says))
        self.faults += _payload_faults(first, what, bodies[0].decode(), self._secrets)
        built: Built = first
        return built


class Said(NamedTuple):
    """What a fault is about: the name of an event, and what stands beside it."""

    name: str
    beside: str = ""

    def fault(self, says: str, about: str = "", at: str = "") -> Fault:
        """One with `{}` for the event."""
        return Fault(says.replace("{}", "{}" + self.beside, 1), about or self.name, at)


def _payload_faults(built: Built, what: Said, text: str, secrets: Sequence[str]) -> Iterator[Fault]:
    if EMPTY_HASH in text:
        yield what.fault("the payload of {} holds the hash of nothing")
    if any(secret in text for secret in secrets):
        yield what.fault("the payload of {} holds a secret: secrets enter in request")
    if not built.name:
        yield what.fault("the name of {} is empty")
    for moment, said in (("time", built.time), ("expires", built.expires)):
        if said is not None and not 10**11 < said < 10**14:
            yield what.fault(f"{moment} of {{}} is not in milliseconds")


def _empty_keys(value: Any, key: str = "") -> Iterator[str]:
    """The keys under which something empty stands, of lists too."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _empty_keys(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _empty_keys(one, key)
    if is_missing(value) and key and key not in ALLOWED_EMPTY:
        yield key


def _told(event: Event, result: Built | Skip, what: Said) -> Iterator[Fault]:
    """Personal values in what people read."""
    texts = [text for one in result.omitted for text in (one.field, one.why)]
    texts.append(result.detail if isinstance(result, Skip) else "")
    said = " ".join(texts).lower()
    if any(value.strip().lower() in said for value in _texts(event.user_data) if len(value.strip()) >= SHORTEST):
        yield what.fault("what is left out of {}, or why it is skipped, repeats personal data")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


SLOW = 0.05
"""Seconds of work for one event that are too many, whatever the machine: all of our own destinations need a thousandth
of that."""


@contextmanager
def timed(spent: list[float]) -> Iterator[None]:
    """Note the seconds of work of what runs inside."""
    began = time.thread_time()
    try:
        yield
    finally:
        spent.append(time.thread_time() - began)


def slow_faults(method: str, spent: Sequence[float]) -> Iterator[Fault]:
    """A method of which half of the calls take too long."""
    if spent and (median := statistics.median(spent)) > SLOW:
        yield Fault(
            f"{method} takes {median * 1000:.0f} ms of work for one event, and holds up everybody meanwhile: at most "
            f"{SLOW * 1000:.0f} are allowed; do once, when the module is imported, what is the same for all events"
        )


SHORTEST_VALUE = 5
"""Characters of a personal value that is no other value by chance."""
INTO_OBJECT = "let it stand in an object, and name that one in `clear`"
_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch
_SHARED = frozenset({"country", "region", "gender"})
"""What many people have in common, and other fields, too."""


def field_faults(event: Event, built: Built, declared: PayloadFields) -> Iterator[str]:
    """A declared hash that is none, a hash that is not declared, and a person in the clear where nothing says so."""
    for one in declared.only_hashes(built.body)[1]:
        yield f"{one.field} is declared in `hashed`, and holds something else"
    for one in declared.without_emails(built.body, event.event_id)[1]:
        if one.why == NO_CLEAR_FIELD:
            yield f"{one.field} {one.why}; {INTO_OBJECT}"
    known = {_bare(path) for path in declared.hashed}
    personal = {text.strip().lower() for text in _personal(event)}
    for way, value, parent in _texts_of(built.body, (), {}):
        path = ".".join(way)
        if _is_hash(value):
            if path not in known and value not in personal:
                yield f"{path} holds a SHA-256: name it in `hashed`"
        elif value.strip().lower() in personal and value != event.event_id and not _declared(way, parent, declared):
            instead = "name it in `clear`" if without_emails(value) == value else INTO_OBJECT
            yield f"{path} holds who it was in the clear: hash it, or {instead}"


def _bare(path: str) -> str:
    return re.sub(r"\[[^\[\]]*\]", "", path)


def _declared(way: tuple[str, ...], parent: Mapping[str, Any], declared: PayloadFields) -> bool:
    return any(declared.is_clear(way[:length], parent) for length in range(1, len(way) + 1))


def _personal(event: Event) -> Iterator[str]:
    """What an event says of a person and its browser, without what many have in common."""
    for path, value in _values(event.user_data):
        if path not in _SHARED and len(value.strip()) >= SHORTEST_VALUE:
            yield value
    for text in (event.data.get("user_id"), event.data.get("client_id"), event.facts.ip, event.facts.user_agent):
        if isinstance(text, str) and len(text) >= SHORTEST_VALUE:
            yield text
    yield from (text for text in event.cookies.values() if len(text) >= SHORTEST_VALUE)


def _values(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        if isinstance(one, str):
            yield name, one
        elif isinstance(one, Mapping):
            yield from _values(one)


def _texts_of(
    value: Any, way: tuple[str, ...], parent: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str, Mapping[str, Any]]]:
    """The texts of a payload, each with the names that lead to it and the object that it stands in."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts_of(one, (*way, str(name)), value)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts_of(one, way, parent)
    elif isinstance(value, str):
        yield way, value, parent
