"""A stand-in with a clock in the test's hand, and a client that reaches it in-process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tagserver.sandbox import create_sandbox

NOW = 1_790_000_000.0
EDGE = "/v26.0/123/events"
TOKEN = {"authorization": "Bearer a-token-of-the-test"}


class Sandbox:
    """The stand-in, as its clients see it."""

    def __init__(self) -> None:
        self.now = NOW
        self.app = create_sandbox(clock=lambda: self.now)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://sandbox")

    def event(self, event_id: str | None = "e-1", **fields: Any) -> dict[str, Any]:
        """A good event of this moment."""
        event = {
            "event_name": "Lead",
            "event_time": int(self.now),
            "event_id": event_id,
            "action_source": "website",
            "user_data": {"fbp": "fb.1.1790000000000.123456789"},
        }
        return {key: value for key, value in (event | fields).items() if value is not None}

    async def send(self, *events: Any, **body: Any) -> httpx.Response:
        """Events as a server sends them."""
        return await self.http.post(EDGE, json={"data": list(events), **body}, headers=TOKEN)

    async def hit(self, name: str = "Lead", event_id: str | None = "e-1", **fields: str) -> httpx.Response:
        """A browser's hit."""
        named = {"id": "123", "ev": name, **({"eid": event_id} if event_id else {}), **fields}
        return await self.http.get("/tr", params=named)

    async def arm(self, **order: Any) -> httpx.Response:
        """An order to /control."""
        return await self.http.post("/control", json=order)

    async def stats(self) -> dict[str, Any]:
        """What /stats.json says."""
        answer: dict[str, Any] = (await self.http.get("/stats.json")).json()
        return answer

    async def counts(self, *names: str) -> list[Any]:
        """Some of the totals."""
        stats = await self.stats()
        return [stats[name] for name in names]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A fresh stand-in."""
    made = Sandbox()
    async with made.http:
        yield made
