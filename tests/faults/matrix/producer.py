"""The page, or a platform with a webhook: N connections, unique ids, each repeated with the same id until it is
answered `ok` or time is up.

`python -m tests.faults.matrix.producer ADDRESS HISTORY PREFIX COUNT CONNECTIONS SECONDS ITEMS RATE FRESH DOOR`. The
history has one line for each attempt: id, outcome (`ok`, `refused`, `unknown`), status, moment, seconds. RATE is events
a second for all connections together, 0 for as fast as they can. FRESH 1: a new connection for each request. DOOR: the
path; whoever does not post to /collect signs what it posts. After SIGTERM it begins nothing more, and notes what is
under way.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.faults.matrix.events import COLLECT, ORIGIN, event, signature

PAUSE = 0.1
ANSWER_WITHIN = 10.0


class Client:
    """One connection, made again when it breaks."""

    def __init__(self, host: str, port: int, own: str | None = None, door: str = COLLECT) -> None:
        """`own`: the address that it comes from."""
        self._host, self._port = host, port
        self._door = door
        self._own = (own, 0) if own else None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, body: bytes) -> tuple[str, int, str]:
        """Outcome, status, and the event's own status."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._post(body)
        except (OSError, EOFError, ValueError, TimeoutError):
            self.close()
            return "unknown", 0, ""

    async def _post(self, body: bytes) -> tuple[str, int, str]:
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, local_addr=self._own)
        who = f"origin: {ORIGIN}" if self._door == COLLECT else f"x-signature: {signature(body)}"
        head = f"POST {self._door} HTTP/1.1\r\nhost: x\r\n{who}\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
        shown = await self._reader.readexactly(length)
        if "connection: close" in answer:
            self.close()
        status = int(answer.split(" ", 2)[1])
        said: list[dict[str, Any]] = json.loads(shown)["events"] if 200 <= status < 300 else []
        good = bool(said) and said[0]["status"] in ("accepted", "duplicate")
        return "ok" if good else "refused", status, said[0]["status"] if said else ""

    def close(self) -> None:
        """Forget the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def main(
    address: str,
    history: str,
    prefix: str,
    count: int,
    connections: int,
    seconds: float,
    items: int,
    rate: float,
    *,
    fresh: bool,
    door: str,
) -> None:
    """Send everything."""
    parts = urlsplit(address)
    began = time.monotonic()
    until = began + seconds
    numbers = itertools.count()

    def enough() -> None:
        nonlocal until
        until = time.monotonic()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, enough)
    with Path(history).open("w", buffering=1) as log:  # noqa: ASYNC230 (a process of its own; it may be watched)

        async def client() -> None:
            connection = Client(parts.hostname or "", parts.port or 80, door=door)
            while (number := next(numbers)) < count and time.monotonic() < until:
                if rate:
                    await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                event_id = f"{prefix}-{number}"
                body = json.dumps(event(event_id, items)).encode()
                while True:
                    sent = time.monotonic()
                    outcome, status, said = await connection.post(body)
                    now = time.monotonic()
                    if fresh:
                        connection.close()
                    log.write(json.dumps([event_id, outcome, status, now, now - sent, said]) + "\n")
                    if outcome == "ok" or now > until:
                        break
                    await asyncio.sleep(PAUSE)
            connection.close()

        await asyncio.gather(*(client() for _ in range(connections)))


if __name__ == "__main__":
    where, file, name, *numbers, new, path = sys.argv[1:]
    count, connections, seconds, items, rate = map(float, numbers)
    asyncio.run(
        main(where, file, name, int(count), int(connections), seconds, int(items), rate, fresh=new == "1", door=path)
    )
