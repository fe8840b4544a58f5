"""Faults of the connection, on a real one: what a sender sees of a reset and of silence."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from tests.sandbox.conftest import EDGE, TOKEN, Sandbox


@pytest.fixture
async def online(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """The stand-in behind uvicorn, on a free port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        bound.setblocking(False)
        config = uvicorn.Config(sandbox.app, http="httptools", ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[bound])
        in_process = sandbox.http
        try:
            sandbox.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=5)
            yield sandbox
            await sandbox.http.aclose()
        finally:
            sandbox.http = in_process
            await server.shutdown(sockets=[bound])


@pytest.mark.parametrize("after", [False, True])
async def test_reset(online: Sandbox, after: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The connection closes without a byte, quietly, and the next one works."""
    await online.arm(reset=True, after=after, next=1)
    with pytest.raises(httpx.TransportError):
        await online.send(online.event())
    assert (await online.send(online.event())).status_code == 200
    assert await online.counts("faults", "arrivals", "unique") == [1, 1 + after, 1]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_hang(online: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Silence lasts until the sender gives up; clearing ends the others without an answer."""
    await online.arm(hang=True)
    with pytest.raises(httpx.ReadTimeout):
        await online.http.post(EDGE, json={"data": [online.event()]}, headers=TOKEN, timeout=0.1)
    hanging = asyncio.ensure_future(online.send(online.event()))
    while await online.counts("faults") != [2]:
        await asyncio.sleep(0.001)
    await online.arm(clear=True)
    with pytest.raises(httpx.TransportError):
        await hanging
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
