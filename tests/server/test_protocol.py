"""Connections with an end: a real server on loopback, and clients that are slow, silent, or talk too much."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from tagserver.server.connection_limits import ConnectionLimits
from tagserver.system.machine import affordable
from tests.server.echoing import MOST, POST, Served, a_server, talk


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
        (b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /\r\n\r\n", b"400"),
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
        "no host",
        "two hosts",
        "no host in HTTP/1.0",
        "HTTP/0.9",
    ],
)
async def test_what_is_too_much_or_unreadable_is_refused(port: int, request_: bytes, status: bytes) -> None:
    assert (await talk(port, request_)).startswith(b"HTTP/1.1 " + status)


async def test_normal_requests_go_on_beside_slow_ones(port: int) -> None:
    slow = [asyncio.create_task(talk(port, b"POST / HTTP/1.1\r\n", pause=0.1)) for _ in range(50)]
    for _ in range(10):
        async with asyncio.timeout(1):
            assert (await talk(port, POST, b"abcd")).startswith(b"HTTP/1.1 200")
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in await asyncio.gather(*slow))


async def test_a_header_without_an_end_is_cut_before_it_fills_memory(port: int) -> None:
    """The parser would keep all of it until the line ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
    sent = 0
    try:
        while sent < 64 << 20:
            writer.write(b"a" * 65536)
            sent += 65536
            await writer.drain()
        await reader.read()
    except ConnectionError:
        pass
    writer.close()
    assert sent < 16 << 20


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_who_does_not_read_its_answer_is_cut(run: Callable[[Any], None], caplog: pytest.LogCaptureFixture) -> None:
    """However long the answer is, and though the request itself was in order; and that is no error of ours."""

    async def ask_and_do_not_read() -> None:
        async with a_server() as served:
            _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1)
            writer.write(b"GET /long HTTP/1.1\r\nhost: a\r\n\r\n" * 3)
            async with asyncio.timeout(10):
                while "unread" not in served.refused or served.limits.connections:
                    await asyncio.sleep(0.05)
            writer.close()

    run(ask_and_do_not_read())
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_who_sends_requests_without_end_before_an_answer_is_cut(served: Served) -> None:
    await talk(served.port, b"GET /long HTTP/1.1\r\nhost: a\r\n\r\n" * 5000)
    assert "pipelined" in served.refused


@pytest.mark.parametrize("rest", [b"", b"x" * 1000], ids=["nothing", "a part"])
async def test_a_body_that_was_refused_has_little_time(served: Served, rest: bytes) -> None:
    """One answer, then the end: not a second answer for the same request."""
    answer = await talk(served.port, b"POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 4000\r\n\r\n", rest)
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith(b"HTTP/1.1 413")
    assert served.refused == []


async def test_a_refused_body_that_comes_all_the_same_keeps_the_connection(port: int) -> None:
    refused = b"POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"
    answer = await talk(port, refused, b"abcd", POST + b"abcd", pause=0.05)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"413", b"200"]


async def test_a_pipelined_request_without_its_body_is_cut_too(port: int) -> None:
    """Its headers came while another was answered."""
    first = POST.replace(b"connection: close\r\n", b"") + b"abcd"
    answer = await talk(port, first + POST + b"a")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 408") == 1


async def test_too_many_connections(served: Served) -> None:
    """Those that are there go on, one more is asked to come again, and a place that is left is free."""
    held = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(MOST)]
    answer = await talk(served.port)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after" in answer
    held[0][1].write(POST + b"abcd")
    assert (await held[0][0].read()).startswith(b"HTTP/1.1 200")
    assert (await talk(served.port, POST + b"abcd")).startswith(b"HTTP/1.1 200")
    for _, writer in held:
        writer.close()


def test_connections_of_one_address() -> None:
    """The limit is asked for at each connection; of IPv6 a network of 64 bits is one address."""
    most: list[int | None] = [2]
    limits = ConnectionLimits(per_address=lambda: most[0])
    refused = [limits.opened(address) is not None for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2")]
    assert refused == [False, False, True, False]
    limits.closed("192.0.2.1")
    limits.closed("192.0.2.1")
    assert limits.opened("192.0.2.1") is None
    mapped = [limits.opened("::ffff:192.0.2.1") is not None, limits.opened("::ffff:192.0.2.3") is not None]
    assert mapped == [True, False]
    found = [limits.opened(address) is not None for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3%eth0")]
    assert found == [False, False, True]
    most[0] = None
    assert limits.opened("2001:db8::4") is None


@pytest.mark.parametrize(
    ("wanted", "descriptors", "most"), [(10_000, 1 << 20, 10_000), (10_000, 1024, 924), (10_000, 64, 8)]
)
def test_no_more_connections_than_file_descriptors(wanted: int, descriptors: int, most: int) -> None:
    """Some are kept for the queue and the vendors."""
    assert affordable(wanted, descriptors) == most
