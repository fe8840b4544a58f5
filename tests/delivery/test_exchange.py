"""Answers that are meant to hurt: endless, swollen, or never done."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import httpx
import pytest

from tagserver.delivery.exchange import BODY_CAP, MaybeSent, exchange, open_http
from tagserver.delivery.target import Target
from tagserver.plugin import Outcome, Outcomes, Payload, Request, Response
from tagserver.system.time import Time
from tests.delivery.world import Account, Hundred, at_once

LOOPBACK = ("127.0.0.0/8",)


class Shows(Hundred):
    """Calls one port of this machine, and keeps the response."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.response: Response | None = None

    def request(self, payloads: object, settings: Account) -> Request:
        """To the port."""
        return Request("POST", f"http://127.0.0.1:{self._port}/", {}, b"[]")

    def classify(self, response: Response, payloads: object) -> Outcomes:
        """Keeps it."""
        self.response = response
        return Outcome.delivered()


class Counted:
    """What a vendor says, in pieces, and how much of it was wanted."""

    def __init__(self, head: bytes, piece: bytes, pieces: int = 10_000) -> None:
        self._head, self._piece, self._pieces = head, piece, pieces
        self.said = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError):
            await reader.read(65536)
            writer.write(self._head)
            for _ in range(self._pieces):
                writer.write(self._piece)
                await writer.drain()
                self.said += len(self._piece)
        writer.close()


@asynccontextmanager
async def vendor(counted: Counted) -> AsyncIterator[Shows]:
    """A plugin that calls it."""
    listening = await asyncio.start_server(counted, "127.0.0.1", 0)
    async with listening:
        yield Shows(listening.sockets[0].getsockname()[1])


async def talk(plugin: Shows) -> Response:
    """One exchange; its response."""
    target = Target(plugin, Account(), None, ("127.0.0.1",), LOOPBACK)
    async with open_http(lambda: LOOPBACK, None, Time()) as http:
        await exchange(http, target, [Payload("e1", "Purchase", 0, b"{}")], {}, nullcontext(), {}, at_once)
    assert plugin.response is not None
    return plugin.response


PIECE = 16 << 10
FEW = 16 << 20
"""Bytes that lie in the buffers of both sides before the vendor notices that nobody reads; of 160 MiB it would say."""


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x-many: yes\r\n" * (PIECE // 13)),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"y" * PIECE),
        (b"HTTP/1.1 200 ", b"z" * PIECE),
    ],
    ids=["headers without end", "a header without end", "a first line without end"],
)
async def test_a_head_without_end_is_cut(head: bytes, piece: bytes) -> None:
    counted = Counted(head, piece)
    async with vendor(counted) as plugin:
        with pytest.raises(MaybeSent):
            await talk(plugin)
    assert counted.said < FEW


async def test_of_a_body_without_end_its_beginning_is_read() -> None:
    counted = Counted(b"HTTP/1.1 200 OK\r\ncontent-length: 163840000\r\n\r\n", b"b" * PIECE)
    async with vendor(counted) as plugin:
        response = await talk(plugin)
    assert (response.status, len(response.body)) == (200, BODY_CAP)
    assert counted.said < FEW


async def test_a_body_that_swells_is_unpacked_to_its_beginning() -> None:
    """30 MB of nothing in 30 KB; nobody had asked for a compressed answer."""
    bomb = gzip.compress(bytes(30_000_000))
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    async with vendor(Counted(head, bomb, 1)) as plugin:
        response = await talk(plugin)
    assert (response.status, response.body) == (200, bytes(BODY_CAP))


def held() -> int:
    """Requests and answers in memory, garbage that nobody has collected yet among them."""
    return sum(isinstance(one, httpx.Request | httpx.Response) for one in gc.get_objects())


async def test_an_answered_request_takes_no_room() -> None:
    """Its content may be megabytes, and the collector of rings looks for them seldom."""
    gc.collect()
    before = held()
    gc.disable()
    try:
        async with vendor(Counted(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}", 1)) as plugin:
            await talk(plugin)
        assert held() == before
    finally:
        gc.enable()
