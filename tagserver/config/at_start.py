"""Settings of `server.yaml` that count from a start on: the queue is open, the audit, too. Whoever changes one while
the server runs has to know that nothing has happened yet."""

from __future__ import annotations

from dataclasses import fields

from tagserver.config.server import ServerConfig

SECTIONS = ("queue", "audit")
_SPELT = {"queue.file": "queue.url"}


def waiting(started: ServerConfig, now: ServerConfig) -> tuple[str, ...]:
    """The keys, as `server.yaml` spells them, whose value is another one than at the start."""
    found = []
    for section in SECTIONS:
        before, after = getattr(started, section), getattr(now, section)
        for one in fields(after):
            if getattr(before, one.name) != getattr(after, one.name):
                key = f"{section}.{one.name}"
                found.append(_SPELT.get(key, key))
    if started.collect.max_connections != now.collect.max_connections:
        found.append("collect.max_connections")
    return tuple(found)


def sentence(keys: tuple[str, ...]) -> str:
    """What to tell somebody who has changed them; empty for none."""
    if not keys:
        return ""
    has, count = ("has", "counts") if len(keys) == 1 else ("have", "count")
    return f"{', '.join(keys)} {has} changed and {count} from the next start on"
