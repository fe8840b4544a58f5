"""A server whose machine does not know what time it is."""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.runtime.runtime import Runtime
from tagserver.server.app import create_app
from tagserver.system.time import Time
from tests.fake_time import OtherWallClock

from .conftest import CONTAINER, ENVIRON, ORIGIN, SERVER, TOKEN, purchase

DAY = 86_400_000


class World:
    """A server with a clock that is wrong by `wrong` ms, and its vendor, whose clock is right."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wrong = 0
        self.times: list[int] = []
        self.vendor = Starlette(routes=[Route("/{path:path}", self.events, methods=["POST"])])
        config = folder / "config"
        config.mkdir()
        (config / "server.yaml").write_text(SERVER)
        (config / "container.yaml").write_text(CONTAINER)

    def clock(self) -> int:
        """Wall time, as this machine has it."""
        return Time().now() + self.wrong

    async def events(self, request: Request) -> Response:
        """Meta's: an event that is not of the last week is refused, and all beside it."""
        sent = (await request.json())["data"]
        now = Time().now() / 1000
        headers = {"date": formatdate(now, usegmt=True)}
        if all(now - 7 * 86400 < one["event_time"] < now + 60 for one in sent):
            self.times += [one["event_time"] for one in sent]
            return JSONResponse({"events_received": len(sent)}, headers=headers)
        return JSONResponse({"error": {"code": 100, "error_subcode": 2804003}}, 400, headers=headers)

    def running(self) -> Any:
        """Start it."""
        folder = ConfigurationFolder(self.folder / "config", Registry.load(), ENVIRON, None, self.folder / "data")
        transport = httpx.ASGITransport(self.vendor)
        return running(
            folder,
            self.folder / "data",
            transport=transport,
            drain=1.0,
            time=OtherWallClock(self.clock),
            clock_kept=lambda: None,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def post(runtime: Runtime, *events: dict[str, Any], sent: int) -> int:
    """As a page does, whose clock is right."""
    app = httpx.ASGITransport(create_app(runtime, TOKEN))
    async with httpx.AsyncClient(transport=app, base_url="http://tags.shop.example") as http:
        answer = await http.post("/collect", json={"events": events, "sent": sent}, headers={"origin": ORIGIN})
    return answer.status_code


async def until(condition: Any) -> None:
    """Within some seconds."""
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


async def test_a_start_in_1970(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It says so, keeps the pages' own time, and what is sent is right."""
    async with world.running():
        pass
    world.wrong = -Time().now()
    caplog.set_level(logging.INFO)
    async with world.running() as runtime:
        ready, shown = runtime.status.readiness()
        assert ready
        assert shown["status"] == "degraded"
        assert "this machine's clock shows 1970-01-01" in shown["notice"]
        now = Time().now()
        assert await post(runtime, purchase(timestamp=now - 5000), sent=now) == 202
        await until(lambda: world.times)
        assert world.times == [(now - 5000) // 1000]
        world.wrong = 0
        await until(lambda: "this is over after" in caplog.text)
        assert runtime.status.readiness()[1]["status"] == "ok"
    assert caplog.text.count("the server is degraded: this machine's clock shows 1970-01-01") == 1


async def test_a_clock_that_a_vendor_contradicts(world: World) -> None:
    """Two days ahead: nothing here knows that, the vendor's answer does. What comes then has the right time."""
    world.wrong = 2 * DAY
    async with world.running() as runtime:
        assert runtime.status.readiness()[1]["status"] == "ok"
        now = Time().now()
        assert await post(runtime, purchase(timestamp=now - 5000), sent=now) == 202
        await until(lambda: runtime.status.readiness()[1]["status"] == "degraded")
        assert await post(runtime, purchase("purchase_2", timestamp=now), sent=now) == 202
        await until(lambda: world.times)
        assert world.times == [now // 1000], "the first one was refused, as an event of the future"
        assert "2 d after what vendors' answers say" in runtime.status.readiness()[1]["notice"]


async def test_a_right_clock_is_not_doubted_after_a_restart(world: World) -> None:
    for _ in range(2):
        async with world.running() as runtime:
            assert runtime.status.readiness()[1]["status"] == "ok"
