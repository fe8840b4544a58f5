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
        "tagserver.inbound.enrich",
        "tagserver.inbound.sources",
        "tagserver.inbound.datalayer:read_context",
        "tagserver.rate",
    ),
    "split, decode, limits": ("tagserver.server.body", "tagserver.server.packed", "tagserver.inbound.json_text"),
    "event": (
        "tagserver.inbound",
        "tagserver.identity.placeholder",
    ),
    "consent": ("tagserver.consent",),
    "triggers, exceptions, address": ("tagserver.pipeline", "tagserver.container", "tagserver.language"),
    "outgoing event, redaction": (
        "tagserver.privacy.leaving",
        "tagserver.privacy.sensitive",
        "tagserver.privacy.withhold",
        "tagserver.privacy.cleaning",
    ),
    "parameters and their scan": ("tagserver.container.parameters", "tagserver.privacy.leaving:Outgoing.parameters"),
    "the plugin's view": ("tagserver.reads", "tagserver.privacy.leaving:Outgoing.view", "tagserver.inbound.clicks"),
    "the plugin's build": ("tagserver_meta_capi",),
    "encode, and look at the payload": (
        "tagserver.payload",
        "tagserver.kit.built",
        "tagserver.privacy.payload_fields",
        "tagserver.privacy.known_secrets",
    ),
    "opt-outs, waiting, advice": (
        "tagserver.privacy.withdrawals",
        "tagserver.privacy.holding",
        "tagserver.consent.hold",
        "tagserver.consent.withdrawal",
        "tagserver.advice",
    ),
    "person keys, delivery, metrics": (
        "tagserver.door",
        "tagserver.deliveries",
        "tagserver.repeats",
        "tagserver.identity.persons",
        "tagserver.permits",
        "tagserver.operations",
        "tagserver.audit",
    ),
    "store: keys, append, answer": ("tagserver.delivery",),
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
