"""The vendor that knows the truth: what arrived, how often, and whether it was unaltered. It is never killed.

`python -m tests.faults.matrix.oracle` prints `vendor ADDRESS control ADDRESS`. At the control address: `POST /control`
with one order ({"do": "ok"} takes events again), `GET /stats`, `GET /ids`, `GET /seen/ID`.

Orders: {"do": NAME, "next": N (so many requests only), "after": true (count the events, then misbehave), "delay": s}.
{"share": 0.01} does it to so many of the requests. {"forget": PREFIX} drops what is known of ids that begin so.
Standing rules until the next order of their own kind: {"bad_ids": []}, {"dead_tokens": []}, {"refuse_all": subcode},
{"partial": true} (bad ids are named in an answer that takes the rest).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from typing import Any

from tests.faults.matrix.behaviour import failure, misbehave, reset, response
from tests.faults.matrix.events import DOMAIN, digest_of


class Oracle:
    """One vendor."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Any]] = {}  # id: arrivals, first arrival, digests that differ
        self.requests: list[tuple[float, int]] = []
        self.connections = 0
        self.faults = 0
        self.clear_text = 0
        self.busy = 0
        self.most_busy = 0
        self.order: dict[str, Any] = {"do": "ok"}
        self.bad_ids: frozenset[str] = frozenset()
        self.dead_tokens: tuple[str, ...] = ()
        self.refuse_all: int | None = None
        self.partial = False
        self.chance = random.Random(0)

    def obey(self, order: dict[str, Any]) -> None:
        """Take an order."""
        self.bad_ids = frozenset(order.pop("bad_ids", self.bad_ids))
        self.dead_tokens = tuple(order.pop("dead_tokens", self.dead_tokens))
        self.refuse_all = order.pop("refuse_all", self.refuse_all)
        self.partial = order.pop("partial", self.partial)
        if prefix := order.pop("forget", ""):
            self.seen = {one: entry for one, entry in self.seen.items() if not one.startswith(prefix)}
        if order:
            self.order = order

    def _take_order(self) -> dict[str, Any]:
        order = self.order
        if "next" in order:
            order["next"] -= 1
            if order["next"] < 0:
                order = self.order = {"do": "ok"}
        if self.chance.random() >= order.get("share", 1.0):
            return order | {"do": "ok"}
        return order

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the server under test."""
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if self.order["do"] == "refuse_connection":
                self.faults += 1
                reset(writer)
                return
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._request(head.decode("latin-1"), reader, writer)
                if writer.is_closing():
                    break
        writer.close()

    async def _request(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        order = self._take_order()
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            events = json.loads(body).get("data", [])
            self.requests.append((time.monotonic(), len(events)))
            if order.get("delay"):
                await asyncio.sleep(order["delay"])
            if order["do"] == "ok" or order.get("after"):
                answer = self._answer(events, headers.get("authorization", ""), body)
            if order["do"] == "ok":
                writer.write(answer)
                await writer.drain()
                return
            self.faults += 1
            await misbehave(order, writer)
        finally:
            self.busy -= 1

    def _answer(self, events: list[dict[str, Any]], authorization: str, body: bytes) -> bytes:
        if any(token.lower() in authorization for token in self.dead_tokens):
            self.faults += 1
            return failure(401, 190, 463)
        bad = [one for one in events if self.refuse_all is not None or one.get("event_id") in self.bad_ids]
        if bad:
            self.faults += 1
            if not self.partial:
                return failure(400, 100, self.refuse_all if self.refuse_all is not None else 2804003)
            events = [one for one in events if one not in bad]
        self.clear_text += DOMAIN.encode() in body
        now = time.monotonic()
        for one in events:
            entry = self.seen.setdefault(one["event_id"], [0, now, digest_of(one)])
            entry[0] += 1
            if digest_of(one) != entry[2]:
                entry[2] = "differs"
        answer = {"events_received": len(events), "fbtrace_id": "A", "refused": [one["event_id"] for one in bad]}
        return response(200, json.dumps(answer).encode())

    def stats(self) -> dict[str, Any]:
        """All counts."""
        return {
            "unique": len(self.seen),
            "arrivals": sum(entry[0] for entry in self.seen.values()),
            "requests": len(self.requests),
            "largest": max((number for _, number in self.requests), default=0),
            "busy": self.busy,
            "most_busy": self.most_busy,
            "connections": self.connections,
            "faults": self.faults,
            "clear_text": self.clear_text,
        }

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of the faulter or the judge."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            (int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")), 0
        )
        body = await reader.readexactly(length)
        if head.startswith("POST /control"):
            self.obey(json.loads(body))
        shown: Any = self.stats()
        if head.startswith("GET /ids"):
            shown = self.seen
        elif head.startswith("GET /seen/"):
            shown = head.split(" ")[1].removeprefix("/seen/") in self.seen
        elif head.startswith("GET /requests"):
            shown = self.requests
        writer.write(response(200, json.dumps(shown).encode(), {"connection": "close"}))
        await writer.drain()
        writer.close()


async def main() -> None:
    """Run until killed by the one who started it."""
    oracle = Oracle()
    vendor = await asyncio.start_server(oracle.connection, "127.0.0.1", 0, limit=1 << 20)
    control = await asyncio.start_server(oracle.control, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (vendor, control)]
    print(f"vendor http://127.0.0.1:{ports[0]} control http://127.0.0.1:{ports[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
