"""The rules that every destination keeps, as one check."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from tagserver.event import Event
from tagserver.plugin import (
    Built,
    Destination,
    Mode,
    Outcome,
    Payload,
    Response,
    Secret,
    Skip,
    default_outcome,
)
from tagserver.reads import Reads
from tagserver.testing.events import make_settings, payloads_of, request_of, sample_events

EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def check_destination(
    destination: type[Destination], settings: Mapping[str, Any], events: Sequence[Event] | None = None
) -> list[str]:
    """What is wrong with a destination, as sentences; an empty list when it keeps the rules.

    Built twice from the same event it must give the same, change nothing, raise nothing but Skip, hash nothing empty,
    put no secret into a payload, a repr or an address; it must state its consent, limits and hosts; every status and
    any garbage must have an outcome. The event_id must reach the vendor in the body of the request or its headers.
    """
    plugin, chosen = destination(), make_settings(destination, settings)
    secrets = [value.reveal() for value in _values(chosen) if isinstance(value, Secret)]
    faults = list(_stated(destination, plugin, chosen))
    if any(secret in repr(chosen) for secret in secrets):
        faults.append("a secret shows in the repr of the settings")
    built: list[tuple[Event, Built]] = []
    for event in sample_events() if events is None else events:
        for mode in ("send", "restrict") if destination.consent.restricted else ("send",):
            made, said = _build(plugin, event, chosen, mode)
            faults += said
            if made is not None:
                built.append((event, made))
    if not built:
        faults.append("no sample event becomes a payload")
    for event, one in built:
        faults += _payload_faults(event, one, secrets)
    if built:
        faults += _request_faults(destination, plugin, chosen, built, secrets)
    faults += _classify_faults(plugin, payloads_of([one for _, one in built[:3]]))
    return list(dict.fromkeys(faults))


def _values(settings: Any) -> list[Any]:
    return [getattr(settings, field.name) for field in dataclasses.fields(settings)]


def _stated(destination: type[Destination], plugin: Destination, settings: Any) -> Iterator[str]:
    if destination.ads and not destination.consent.purposes:
        yield "a destination for ads must state the consent it needs"
    if not destination.reads:
        yield "`reads` is empty: state the event fields that are used"
    hosts = plugin.hosts(settings)
    if not destination.sink and not hosts:
        yield "`hosts` names no host"
    if any("/" in host or ":" in host for host in hosts):
        yield "`hosts` are bare names, without scheme, port and path"
    for field in dataclasses.fields(destination.Settings):
        if not field.metadata.get("doc"):
            yield f"the setting {field.name} has no doc: make it with setting(...)"
    if not any(field.metadata.get("identity") for field in dataclasses.fields(destination.Settings)):
        yield "no setting is marked identity=True: say which one tells whose account it is"


def _build(plugin: Destination, event: Event, settings: Any, mode: Mode) -> tuple[Built | None, list[str]]:
    before = copy.deepcopy(dict(event.data))
    results: list[Built | Skip] = []
    for _ in range(2):
        try:
            results.append(plugin.build(Reads(plugin.sees(settings)).view(event), {}, settings, mode))
        except Skip as skip:
            results.append(skip)
        except Exception as error:
            return None, [f"build raises {type(error).__name__} for {event.name}: only Skip is allowed"]
    faults = [f"build changes the event {event.name}"] if event.data != before else []
    first, second = results
    if isinstance(first, Skip) or isinstance(second, Skip):
        if type(first) is not type(second):
            faults.append(f"build gives different results for the same event {event.name}")
        return None, faults
    if msgspec.json.encode(first.body) != msgspec.json.encode(second.body):
        faults.append(f"build gives different results for the same event {event.name}")
    return first, faults


def _payload_faults(event: Event, built: Built, secrets: Sequence[str]) -> Iterator[str]:
    text = msgspec.json.encode(built.body).decode()
    if EMPTY_HASH in text:
        yield f"the payload of {event.name} holds the hash of nothing"
    if any(secret in text for secret in secrets):
        yield f"the payload of {event.name} holds a secret: secrets enter in request"
    if re.search(r'(?:""|null|\[\]|\{\})[,}\]]', text.replace('"data_processing_options":[]', "")):
        yield f"the payload of {event.name} holds an empty value: leave the key out"
    if not 10**11 < built.time < 10**14:
        yield f"time of {event.name} is not in milliseconds"


def _request_faults(
    destination: type[Destination],
    plugin: Destination,
    settings: Any,
    built: Sequence[tuple[Event, Built]],
    secrets: Sequence[str],
) -> Iterator[str]:
    event, one = built[0]
    payload = Payload(event.event_id, one.name, one.time, msgspec.json.encode(one.body))
    try:
        request = request_of(plugin, [payload], settings)
    except Exception as error:
        yield f"request raises {type(error).__name__}"
        return
    if destination.sink:
        return
    host = httpx.URL(request.url).host
    if host not in plugin.hosts(settings):
        yield f"the request goes to {host}, which is not among its hosts"
    if destination.event_id and event.event_id not in request.content.decode(errors="replace") + repr(request.headers):
        yield "the event_id does not reach the vendor"
    if any(secret in str(httpx.URL(request.url).path) for secret in secrets):
        yield "a secret stands in the path of the address, which ends up in logs"


def _classify_faults(plugin: Destination, payloads: Sequence[Payload]) -> Iterator[str]:
    bodies = [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"<html>", b'{"error":{}}', b'{"code":"x"}', b"[" * 2000]
    for status in (200, 201, 202, 204, 301, 400, 401, 403, 404, 408, 410, 413, 422, 429, 500, 502, 503, 599):
        for body in bodies:
            try:
                outcomes = plugin.classify(Response(status, {}, body), payloads)
            except Exception as error:
                yield f"classify raises {type(error).__name__} for status {status}"
                break
            each = [outcomes] if isinstance(outcomes, Outcome) else list(outcomes)
            if not isinstance(outcomes, Outcome) and len(each) != len(payloads):
                yield f"classify gives {len(each)} outcomes for {len(payloads)} payloads"
            if not all(isinstance(outcome, Outcome) for outcome in each):
                yield f"classify gives something that is no Outcome for status {status}"
            elif status >= 300 and any(outcome.kind == "delivered" for outcome in each):
                usual = default_outcome(Response(status, {}, body), payloads).kind
                yield f"classify takes status {status} as delivered; usual is {usual}"
