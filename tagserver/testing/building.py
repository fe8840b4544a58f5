"""The rules of `build`: pure, complete, discreet."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tagserver.event import Event
from tagserver.identity.placeholder import EMPTY_HASH
from tagserver.kit.built import Unsound, encoded
from tagserver.kit.fault import PluginCode, PluginFailed
from tagserver.plugin import Built, Destination, Mode, Skip, is_missing
from tagserver.privacy.payload_fields import BadPath, PayloadFields
from tagserver.reads import Reads
from tagserver.testing.declaring import field_faults

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
) -> tuple[list[tuple[Event, Built]], list[str]]:
    """What is built of the events without parameters, and what is wrong with all that is built."""
    view = Reads(sees).view
    try:
        with PluginCode(plugin, "hashes or in_clear", BadPath):
            declared = PayloadFields(tuple(plugin.hashes(settings)), tuple(plugin.in_clear(settings)))
    except (BadPath, PluginFailed) as bad:
        return [], [f"hashed or clear: {bad}"]
    built: list[tuple[Event, Built]] = []
    faults: list[str] = []
    told = restricted = False
    for event in events:
        for parameters in PARAMETERS:
            sent, wrong = _build(plugin, view(event), parameters, settings, "send", secrets)
            faults += wrong
            if sent is not None:
                faults += field_faults(event, sent, declared)
                if not parameters:
                    built.append((event, sent))
            if plugin.consent.restricted:
                limited, wrong = _build(plugin, view(event), parameters, settings, "restrict", secrets)
                faults += wrong
                told = told or sent is not None
                restricted = restricted or _body(sent) != _body(limited)
    if not built:
        faults.append("no sample event becomes a payload")
    if told and not restricted:
        faults.append("a restricted mode is stated, and the mode restrict changes no payload")
    return built, faults


def _body(built: Built | None) -> bytes | None:
    return None if built is None else msgspec.json.encode(built.body)


def _build(
    plugin: Destination,
    event: Event,
    parameters: Mapping[str, Any],
    settings: Any,
    mode: Mode,
    secrets: Sequence[str],
) -> tuple[Built | None, list[str]]:
    """One event, twice. None where nothing usable came out."""
    what = f"{event.name} with parameters" if parameters else event.name
    before, given = copy.deepcopy(dict(event.data)), copy.deepcopy(parameters)
    results: list[Any] = []
    for _ in range(2):
        try:
            with PluginCode(plugin, "build", Skip):
                results.append(plugin.build(event, given, settings, mode))
        except Skip as skip:
            results.append(skip)
        except PluginFailed as failed:
            return None, [f"build raises {failed.error} for {what}: only Skip is allowed"]
    faults = [f"build changes the event {what}"] if event.data != before else []
    if given != parameters:
        faults.append(f"build changes the parameters of {what}")
    first, second = results
    if isinstance(first, Built | Skip):
        faults += _told(event, first, what)
    if isinstance(first, Skip) or isinstance(second, Skip):
        if type(first) is not type(second):
            faults.append(f"build gives different results for the same event {what}")
        return None, faults
    try:
        bodies = [encoded(one, plugin.limits) for one in (first, second)]
    except Unsound as error:
        return None, [*faults, f"{what}: {error}"]
    if bodies[0] != bodies[1]:
        faults.append(f"build gives different results for the same event {what}")
    if not parameters:
        empty = dict.fromkeys(_empty_keys(msgspec.json.decode(bodies[0])))
        faults += [f"the payload of {what} holds an empty value under {key}: leave the key out" for key in empty]
    return first, [*faults, *_payload_faults(first, what, bodies[0].decode(), secrets)]


def _payload_faults(built: Built, what: str, text: str, secrets: Sequence[str]) -> Iterator[str]:
    if EMPTY_HASH in text:
        yield f"the payload of {what} holds the hash of nothing"
    if any(secret in text for secret in secrets):
        yield f"the payload of {what} holds a secret: secrets enter in request"
    if not built.name:
        yield f"the name of {what} is empty"
    for moment, said in (("time", built.time), ("expires", built.expires)):
        if said is not None and not 10**11 < said < 10**14:
            yield f"{moment} of {what} is not in milliseconds"


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


def _told(event: Event, result: Built | Skip, what: str) -> Iterator[str]:
    """Personal values in what people read."""
    texts = [text for one in result.omitted for text in (one.field, one.why)]
    texts.append(result.detail if isinstance(result, Skip) else "")
    said = " ".join(texts).lower()
    if any(value.strip().lower() in said for value in _texts(event.user_data) if len(value.strip()) >= SHORTEST):
        yield f"what is left out of {what}, or why it is skipped, repeats personal data"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
