"""`demo --all`: what arrived at the stand-ins of the vendors beside Meta, and in the files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec

EVERYONE = ("file", "ga4", "linkedin", "pinterest", "reddit", "snapchat", "tiktok", "webhook")
"""The destinations of `everyone.yaml`, by name; each has the name of its type, and of its stand-in."""

Arrivals = dict[str, dict[str, int]]
"""An event's id → how often each destination got it."""


class _Row(msgspec.Struct):
    event_id: str


async def arrivals(http: httpx.AsyncClient, stand_in: str, archive: Path) -> Arrivals:
    """All that arrived. `stand_in`: the address of the sandbox; `archive`: the folder that rows are written to."""
    seen: Arrivals = {}
    answer = (await http.get(f"{stand_in}/vendors.json")).json()
    found = [(name, one["event_id"]) for name, vendor in answer.items() for one in vendor["events"]]
    found += [("file", event_id) for event_id in await asyncio.to_thread(lambda: list(_rows(archive)))]
    for name, event_id in found:
        at = seen.setdefault(event_id, {})
        at[name] = at.get(name, 0) + 1
    return seen


def _rows(archive: Path) -> Iterator[str]:
    for path in sorted(archive.glob("dt=*/*.jsonl")):
        # The last line may be half written.
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=_Row).event_id
