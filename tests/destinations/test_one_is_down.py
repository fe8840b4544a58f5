"""Nine destinations, and one of them is dead: the others deliver everything meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.plugin import Request
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tagserver.server.app import create_app
from tagserver.testing import NOW
from tests.fake_time import OtherWallClock
from tests.kit.stand_in import StandIn

from .nine import FOLDER, NAMES, configuration, one_event

EVENTS = 150
PLUGINS = FOLDER.parents[1] / "plugins"
HOSTS = {
    "graph.facebook.com": "meta",
    "www.google-analytics.com": "analytics",
    "tr.snapchat.com": "snapchat",
    "business-api.tiktok.com": "tiktok",
    "api.pinterest.com": "pinterest",
    "api.linkedin.com": "linkedin",
    "ads-api.reddit.com": "reddit",
    "hooks.example.com": "shop",
}
RULES = {name: StandIn(PLUGINS / name / "tests") for name in ("tiktok", "pinterest", "linkedin", "reddit")}


class Vendors:
    """All of them at their real addresses, by their documented rules where there are some; one may be dead."""

    def __init__(self, dead: str | None, how: str) -> None:
        self._dead = dead
        self._how = how

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """The transport's handler."""
        name = HOSTS[request.url.host]
        if name == self._dead:
            if self._how == "refuses":
                raise httpx.ConnectError("refused")
            if self._how == "silent":
                await asyncio.Event().wait()
            return _answer(503, b"")
        if name in RULES:
            made = RULES[name](Request(request.method, str(request.url), dict(request.headers), request.content))
            return _answer(made.status, made.body)
        count = request.content.count(b'"event_name":')
        return _answer(200, b'{"events_received":%d}' % count if name == "meta" else b"{}")


def _answer(status: int, content: bytes) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(content))  # as it comes from the network: not read yet


@asynccontextmanager
async def serving(folder: Path, vendors: Vendors, archive: Path) -> AsyncIterator[tuple[Runtime, httpx.AsyncClient]]:
    """A whole server, its clock at the moment of the examples."""
    async with (
        running(
            configuration(archive, folder / "data"),
            folder / "data",
            time=OtherWallClock(lambda: NOW),
            transport=httpx.MockTransport(vendors),
            drain=0.0,
        ) as runtime,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(runtime, "t")), base_url="http://shop.example"
        ) as http,
    ):
        yield runtime, http


async def bought(http: httpx.AsyncClient) -> None:
    """All events at the door, each with an id of its own, and an order."""
    event = one_event()["event"]
    events = [
        event | {"event_id": f"order-{number}", "ecommerce": event["ecommerce"] | {"transaction_id": f"T-{number}"}}
        for number in range(EVENTS)
    ]
    answer = await http.post("/collect", json=events, headers={"origin": "https://shop.example"})
    assert {one["status"] for one in answer.json()["events"]} == {"accepted"}


async def counted(runtime: Runtime, but: str | None) -> dict[str, Any]:
    """The counters once nothing is pending anywhere but at the dead one."""
    for _ in range(1000):
        counts = runtime.outbox.counts()
        if all(counts[name].pending == 0 for name in NAMES if name != but):
            break
        await asyncio.sleep(0.02)
    return {name: (one.delivered, one.pending, one.dead) for name, one in runtime.outbox.counts().items()}


async def test_all_deliver_everything(tmp_path: Path) -> None:
    """What is compared with below."""
    async with serving(tmp_path, Vendors(None, ""), tmp_path / "archive") as (runtime, http):
        await bought(http)
        assert await counted(runtime, None) == dict.fromkeys(NAMES, (EVENTS, 0, 0))


CASES = [(name, "silent") for name in HOSTS.values()] + [("tiktok", "refuses"), ("reddit", "fails")]


@pytest.mark.parametrize(("dead", "how"), CASES)
async def test_a_dead_vendor_keeps_nobody_else(tmp_path: Path, dead: str, how: str) -> None:
    """Its own events wait; the eight others have all of theirs while it is still down."""
    async with serving(tmp_path, Vendors(dead, how), tmp_path / "archive") as (runtime, http):
        await bought(http)
        found = await counted(runtime, dead)
        assert found.pop(dead) == (0, EVENTS, 0)
        assert found == dict.fromkeys((name for name in NAMES if name != dead), (EVENTS, 0, 0))


async def test_a_folder_that_cannot_be_written_keeps_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file where the folder should be")
    async with serving(tmp_path, Vendors(None, ""), tmp_path / "archive") as (runtime, http):
        await bought(http)
        found = await counted(runtime, "archive")
        assert found.pop("archive") == (0, EVENTS, 0)
        assert set(found.values()) == {(EVENTS, 0, 0)}
