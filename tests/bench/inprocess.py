"""The server's own application in this process: the real queue and the real delivery, and a vendor that answers at once
without a network. For whatever looks inside: which calls an event makes, and where its time goes."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.server.app import connection_limits, create_app
from tagserver.server.listening import listen
from tagserver.server.serving import Serving, serving
from tests.bench.container import write_config

TOKEN = "admin-token-of-the-bench"
DESTINATION = "meta"


class InstantVendor(httpx.AsyncBaseTransport):
    """Takes everything, as Meta answers. `events`: how many have come."""

    def __init__(self) -> None:
        self.events = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request of the delivery."""
        count = (await request.aread()).count(b"event_name")
        self.events += count
        said = b'{"events_received": %d, "messages": [], "fbtrace_id": "bench"}' % count
        return httpx.Response(200, headers={"content-type": "application/json"}, stream=httpx.ByteStream(said))


class InProcess:
    """One server. `post` is all that a client can do; the rest is an operator's."""

    def __init__(self, app: ASGIApp, server: Serving, vendor: InstantVendor) -> None:
        self.app = app
        self.vendor = vendor
        self._server = server
        self._admin = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    async def post(self, request: bytes) -> int:
        """One HTTP request, straight into the application; the status of its answer. What uvicorn does before is not
        ours."""
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 80),
            "client": ("198.51.100.7", 51234),
            "scheme": "http",
            "method": "POST",
            "root_path": "",
            "path": "/collect",
            "raw_path": b"/collect",
            "query_string": b"",
            "headers": [(name.lower(), value) for name, _, value in lines],
            "state": {},
        }
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]

        await self.app(scope, receive, send)
        return status

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port of this server, which takes requests as `tagserver serve` does."""
        bound = listen("127.0.0.1", 0)
        serves = asyncio.create_task(self._server.serve(sockets=[bound]))
        try:
            yield int(bound.getsockname()[1])
        finally:
            self._server.should_exit = True
            await serves

    async def pause(self) -> None:
        """Nothing is delivered from here on; what comes waits in the queue."""
        await self._order("pause")

    async def resume(self) -> None:
        """It is delivered again."""
        await self._order("resume")

    async def has(self, events: int, within: float = 60.0) -> None:
        """Return when the vendor has so many events and nothing waits any more."""
        for _ in range(int(within / 0.005)):
            if self.vendor.events >= events and not await self.pending():
                return
            await asyncio.sleep(0.005)
        raise SystemExit(f"the vendor has {self.vendor.events} of {events} events")

    async def pending(self) -> int:
        """Deliveries in the queue."""
        answer = await self._admin.get("/-/status.json", headers=_AUTHORIZED)
        return int(answer.json()["destinations"][DESTINATION]["pending"])

    async def _order(self, what: str) -> None:
        answer = await self._admin.post(f"/-/{what}.json", json={"destination": DESTINATION}, headers=_AUTHORIZED)
        answer.raise_for_status()


_AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


@contextmanager
def _without_log() -> Iterator[None]:
    """That its destination is paused now is said to nobody."""
    log = logging.getLogger("tagserver")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


@asynccontextmanager
async def in_process(tags: int) -> AsyncIterator[InProcess]:
    """A server with the container of the benchmark: so many tags, one of which fires on a purchase."""
    with _without_log(), tempfile.TemporaryDirectory() as made:
        config, data, vendor = Path(made) / "config", Path(made) / "data", InstantVendor()
        config.mkdir()
        write_config(config, {DESTINATION: 9}, tags)
        folder = ConfigurationFolder(config, Registry.load(), {"BENCH_TOKEN": "bench"}, None, data)
        async with running(folder, data, transport=vendor, drain=1.0) as runtime:
            app = create_app(runtime, TOKEN)
            yield InProcess(app, serving(app, connection_limits(runtime)), vendor)
