"""Connections with an end: a real server on loopback, and clients that are slow, silent, or talk too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tagserver.server import protocol
from tagserver.server.serving import Serving, listen, serving


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


class Impatient(protocol.DeadlineProtocol):
    """The same with a shorter patience, so that the test is quick."""

    patience = 0.5


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where a server listens."""
    server: Serving = serving(echo)
    server.config.http = Impatient
    bound = listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    await running


async def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts with pauses between them; everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(5):
            return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()


POST = b"POST /collect HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\r\n"


async def test_a_client_in_time_is_answered(port: int) -> None:
    assert (await talk(port, POST, b"abcd")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"POST /collect HTTP/1.1\r\n"],
        [POST, b"ab"],
        [b"x: y\r\n" if number else b"GET / HTTP/1.1\r\n" for number in range(40)],
        [b"\r\n"] * 40,
    ],
    ids=["silent", "half a header", "half a body", "a header line now and then", "blank lines"],
)
async def test_a_slow_client_is_told_and_cut(port: int, parts: list[bytes]) -> None:
    answer = await talk(port, *parts, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(150)) + b"\r\n", b"431"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd", b"400"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\nabcd", b"400"),
    ],
    ids=[
        "long address",
        "long header",
        "many headers",
        "nonsense",
        "HTTP/2",
        "TLS",
        "two lengths",
        "length and chunks",
    ],
)
async def test_what_is_too_much_or_unreadable_is_refused(port: int, request_: bytes, status: bytes) -> None:
    assert (await talk(port, request_)).startswith(b"HTTP/1.1 " + status)


async def test_a_connection_that_is_kept_serves_several_requests(port: int) -> None:
    keep = POST.replace(b"connection: close\r\n", b"")
    answer = await talk(port, keep, b"abcd", keep + b"abcd", POST + b"abcd", pause=0.05)
    assert answer.count(b"HTTP/1.1 200") == 3


async def test_normal_requests_go_on_beside_slow_ones(port: int) -> None:
    slow = [asyncio.create_task(talk(port, b"POST / HTTP/1.1\r\n", pause=0.1)) for _ in range(50)]
    for _ in range(10):
        async with asyncio.timeout(1):
            assert (await talk(port, POST, b"abcd")).startswith(b"HTTP/1.1 200")
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in await asyncio.gather(*slow))
