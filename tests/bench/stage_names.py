"""Which part of the code is which stage of an event's way, for the profile. Modules, packages, and single functions of
a module (`module:function`); the nearest one counts. What is not named belongs to the stage that calls it, so that the
tools that several use (identifiers, texts, numbers) cost where they are asked for."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from types import CodeType

HOME = Path(__file__).parents[2]
BENCH = "the benchmark"
REST = "event loop and libraries"
"""What no stage has asked for."""

STAGES: dict[str, tuple[str, ...]] = {
    "request: headers, facts, rate, answer": (
        "tagserver.server",
        "tagserver.ingest.answer",
        "tagserver.inbound.enrich",
        "tagserver.ingest.sources",
        "tagserver.inbound.clients.datalayer:read_context",
        "tagserver.system.rate_limit",
    ),
    "split, decode, limits": ("tagserver.ingest.body", "tagserver.event.json_text"),
    "event": ("tagserver.inbound", "tagserver.event.placeholder"),
    "consent": ("tagserver.consent",),
    "triggers, exceptions, address": ("tagserver.pipeline", "tagserver.config", "tagserver.expressions"),
    "outgoing event, redaction": (
        "tagserver.outgoing.outgoing",
        "tagserver.outgoing.consent_filter",
        "tagserver.outgoing.redaction",
    ),
    "the plugin's view": (
        "tagserver.outgoing.field_filter",
        "tagserver.event.click_ids",
    ),
    "the plugin's build": ("tagserver_meta_capi",),
    "encode, and look at the payload": (
        "tagserver.pipeline.payload",
        "tagserver.plugin.payload_check",
        "tagserver.outgoing.known_secrets",
    ),
    "opt-outs, waiting, advice": (
        "tagserver.erasure",
        "tagserver.ingest.consent_wait",
        "tagserver.ingest.advice",
    ),
    "person keys, delivery, metrics": (
        "tagserver.ingest.ingest",
        "tagserver.ingest.deliveries",
        "tagserver.queue.dedup",
        "tagserver.event.person_keys",
        "tagserver.delivery.send_policy",
        "tagserver.runtime.failing",
        "tagserver.metrics",
        "tagserver.audit",
    ),
    "store: keys, append, answer": ("tagserver.queue",),
    BENCH: ("tests.bench.inprocess",),
}
_BY_PLACE = {place: stage for stage, places in STAGES.items() for place in places}


@functools.cache
def stage_of(code: CodeType) -> str | None:
    """The stage of a function, None where its caller's counts."""
    path = Path(code.co_filename)
    if not path.is_relative_to(HOME) or ".venv" in path.parts:
        return None
    parts = path.relative_to(HOME).with_suffix("").parts
    parts = parts[2:] if parts[0] == "plugins" else parts
    module, *rest = ".".join(parts), *code.co_qualname.split(".<locals>")[:1]
    for place in (f"{module}:{rest[0]}", *(".".join(parts[:number]) for number in range(len(parts), 0, -1))):
        if place in _BY_PLACE:
            return _BY_PLACE[place]
    return None


def stale() -> list[str]:
    """Places that there are no more: code has moved, and this table has not."""
    return [place for place in _BY_PLACE if not _is_there(place)]


def _is_there(place: str) -> bool:
    module, _, function = place.partition(":")
    try:
        found: object = importlib.import_module(module)
    except ModuleNotFoundError:
        return False
    for name in function.split(".") if function else ():
        found = getattr(found, name, None)
    return found is not None
