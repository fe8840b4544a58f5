"""A browser that listens to `/-/stream`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.server.conftest import TOKEN, Running


class Listener:
    """One that listens until it has heard enough."""

    def __init__(self) -> None:
        self.text = ""
        self.came = asyncio.Event()
        self.status = 0

    async def send(self, message: Any) -> None:
        """What the server says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.text += message.get("body", b"").decode()
        self.came.set()

    async def until(self, text: str) -> None:
        """Wait for a text."""
        async with asyncio.timeout(10):
            while text not in self.text:
                self.came.clear()
                await self.came.wait()

    def messages(self) -> list[tuple[str, Any]]:
        """Each as (event, data), read as HTML says."""
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(
                line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and ": " in line
            )
            if "data" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        return found


@asynccontextmanager
async def listening(server: Running, query: str = "", **headers: str) -> AsyncIterator[Listener]:
    """A browser at the stream."""
    transport = server.http._transport
    app = transport.app  # type: ignore[attr-defined]  # an ASGITransport
    listener, left = Listener(), asyncio.Event()
    given = {"host": "tags.shop.example", "authorization": f"Bearer {TOKEN}", **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/-/stream",
        "raw_path": b"/-/stream",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("tags.shop.example", 80),
    }

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(app(scope, receive, listener.send))
    await listener.until("retry: ")
    yield listener
    left.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
