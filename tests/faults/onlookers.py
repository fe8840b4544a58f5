"""Clients that watch a restart: some with a connection for each request, some with one for all of theirs."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .matrix.producer import Client
from .process import purchase

PAUSES = (0.005, 0.02, 0.1, 0.5)
"""Seconds between the requests of each client; the longest lies between any two steps of a restart."""

MOST = 100
"""Attempts at one event."""


@dataclass
class Seen:
    """What clients met. `waits` in seconds; `failed`: what was neither taken nor known, with its status, 0 for none."""

    accepted: set[str] = field(default_factory=set)
    duplicates: set[str] = field(default_factory=set)
    failed: list[tuple[str, int]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest wait for an answer."""
        return max(self.waits)


@contextmanager
def watching(address: str, prefix: str) -> Iterator[Seen]:
    """One client of every kind sends unique events until the block ends, each from an address of its own. What is not
    taken is noted, and sent again under the same id."""
    seen, enough = Seen(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_watch(seen, enough, address, prefix)))
    thread.start()
    try:
        yield seen
    finally:
        enough.set()
        thread.join()


async def _watch(seen: Seen, enough: threading.Event, address: str, prefix: str) -> None:
    parts = urlsplit(address)

    async def one(name: str, pause: float, own: str, *, fresh: bool) -> None:
        client = Client(parts.hostname or "", parts.port or 80, own)
        for number in itertools.count():
            if enough.is_set():
                break
            event_id = f"{prefix}-{name}-{number}"
            body = json.dumps(purchase(event_id)).encode()
            for _ in range(MOST):
                began = time.monotonic()
                outcome, status, said = await client.post(body)
                seen.waits.append(time.monotonic() - began)
                if outcome == "ok":
                    (seen.accepted if said == "accepted" else seen.duplicates).add(event_id)
                    break
                seen.failed.append((name, status))
                await asyncio.sleep(0.1)
            if fresh:
                client.close()
            await asyncio.sleep(pause)
        client.close()

    kinds = [(fresh, pause) for fresh in (True, False) for pause in PAUSES]
    clients = [
        one(f"{'fresh' if fresh else 'kept'}-{pause}", pause, f"127.0.1.{number}", fresh=fresh)
        for number, (fresh, pause) in enumerate(kinds, 1)
    ]
    await asyncio.gather(*clients)
