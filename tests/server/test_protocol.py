"""Connections with an end: a real server on loopback, and clients that are slow, silent, or talk too much."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvloop
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tagserver.server.connection_limits import ConnectionLimits
from tagserver.server.listening import listen
from tagserver.server.serving import Serving, serving
from tagserver.system.machine import affordable


async def parts(*, fails: bool) -> AsyncIterator[bytes]:
    """A body in parts."""
    yield b"ab"
    if fails:
        raise ValueError("on purpose")
    yield b"c"


LEFT: list[str] = []
"""What those at /waits were told behind their body."""


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body; at /refused without reading it, at /long with four megabytes, at /headers
    with the names of the headers once the body is there, below /where with its address, at /parts in parts; at /waits
    not until the client leaves; and at others wrongly."""
    answer: Response
    if scope["path"] == "/refused":
        answer = PlainTextResponse("no", 413)
    elif scope["path"] == "/long":
        answer = PlainTextResponse("x" * (4 << 20))
    elif scope["path"].startswith("/parts"):
        answer = StreamingResponse(parts(fails=scope["path"].endswith("fails")), media_type="text/plain")
    elif scope["path"] == "/split":
        answer = PlainTextResponse("x", headers={"x": "y\r\nevil: z"})
    elif scope["path"] == "/short":
        answer = PlainTextResponse("x", headers={"content-length": "2"})
    elif scope["path"] == "/fails":
        raise ValueError("on purpose")
    elif scope["path"] == "/nothing":
        return
    elif scope["path"] == "/waits":
        await Request(scope, receive).body()
        LEFT.extend(message["type"] for message in await asyncio.gather(receive(), receive()))
        return
    elif scope["path"].startswith("/where"):
        answer = PlainTextResponse(f"where {scope['path']} {scope['query_string'].decode()}\r\n")
    elif scope["path"] == "/headers":
        await Request(scope, receive).body()
        answer = PlainTextResponse(b" ".join(name for name, _ in scope["headers"]))
    else:
        answer = PlainTextResponse(str(len(await Request(scope, receive).body())))
    await answer(scope, receive, send)


MOST = 60


@dataclass
class Served:
    """A server under test: where it listens, and what it refused."""

    port: int
    limits: ConnectionLimits
    refused: list[str]


@asynccontextmanager
async def a_server(keep_alive: float = 15) -> AsyncIterator[Served]:
    """With little patience, so that tests are quick; a connection without a request is kept for `keep_alive`
    seconds."""
    refused: list[str] = []
    limits = ConnectionLimits(patience=0.5, linger=0.2, most=MOST, refused=refused.append)
    server: Serving = serving(echo, limits)
    server.config.timeout_keep_alive = keep_alive  # type: ignore[assignment]  # (uvicorn wants whole seconds)
    bound = listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield Served(bound.getsockname()[1], limits, refused)
    server.should_exit = True
    await running
    assert limits.connections == 0


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A server under test."""
    async with a_server() as made:
        yield made


@pytest.fixture
def port(served: Served) -> int:
    """Where a server listens."""
    return served.port


async def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts with pauses between them; everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    sending = asyncio.create_task(send())
    answer = b""
    try:
        async with asyncio.timeout(5):
            while part := await reader.read(1 << 16):
                answer += part
        return answer
    except ConnectionError:
        return answer  # who goes on talking after the server's last word may be reset, and has read that word
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


async def test_a_connection_that_is_kept_serves_several_requests(port: int) -> None:
    keep = POST.replace(b"connection: close\r\n", b"")
    answer = await talk(port, keep, b"abcd", keep + b"abcd", POST + b"abcd", pause=0.05)
    assert answer.count(b"HTTP/1.1 200") == 3


async def test_each_request_of_a_connection_is_of_its_own_address(port: int) -> None:
    asked = [b"/where?a=1", b"/where?a=1", b"/where/%C3%A4", b"/where", b"/where?"]
    close = [b""] * (len(asked) - 1) + [b"connection: close\r\n"]
    heads = [b"GET %b HTTP/1.1\r\nhost: a\r\n%b\r\n" % each for each in zip(asked, close, strict=True)]
    answer = await talk(port, b"".join(heads))
    told = [line.decode() for line in answer.split(b"\r\n") if line.startswith(b"where ")]
    assert told == [f"where {one}" for one in ("/where a=1", "/where a=1", "/where/ä ", "/where ", "/where ")]


async def test_a_connection_is_kept_for_a_while_after_its_last_answer() -> None:
    """Counted from the last, however many there were before."""
    async with a_server(keep_alive=0.4) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(1) == b"0"
            await asyncio.sleep(0.3)
        asked = asyncio.get_running_loop().time() - 0.3
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - asked >= 0.35
        writer.close()
    assert served.refused == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", rb"content-length: 1\r\n.*\r\n\r\nHTTP"),
        (
            b"GET /parts HTTP/1.1\r\nhost: a\r\n\r\n",
            rb"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nHTTP",
        ),
        (b"HEAD /parts HTTP/1.1\r\nhost: a\r\n\r\n", rb"type: text/plain; charset=utf-8\r\n\r\nHTTP"),
        (
            b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-Continue\r\ncontent-length: 4\r\n\r\nabcd",
            rb"100 Continue\r\n\r\nHTTP/1.1 200",
        ),
    ],
)
async def test_an_answer_tells_where_it_ends(port: int, asked: bytes, told: bytes) -> None:
    answer = await talk(port, asked + POST + b"abcd")
    assert re.search(told, answer, re.DOTALL), answer
    assert answer.endswith(b"\r\n\r\n4")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (b"/split", b""),
        (b"/short", b""),
        (b"/parts then fails", b"ab"),
        (b"/fails", b"Internal Server Error"),
        (b"/nothing", b"Internal Server Error"),
    ],
)
async def test_a_wrong_answer_ends_the_connection(
    port: int, path: bytes, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A header with a line break in it, a body that is too short, a failure in the middle, before, and silence."""
    said = await talk(port, b"GET " + path.replace(b" ", b"%20") + b" HTTP/1.1\r\nhost: a\r\n\r\n")
    assert b"evil" not in said
    assert answer in said
    assert bool(said) == bool(answer)
    assert any(record.levelname == "ERROR" for record in caplog.records)


async def test_an_application_hears_that_its_client_has_left(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """However many of its tasks wait for that; and then nobody wants an answer."""
    LEFT.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /waits HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabcd")
    await asyncio.sleep(0.1)
    assert LEFT == []
    writer.close()
    async with asyncio.timeout(5):
        while len(LEFT) < 2:
            await asyncio.sleep(0.01)
    assert LEFT == ["http.disconnect"] * 2
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"


@pytest.mark.parametrize("piece", [1, 7, 40, 1000])
async def test_a_wish_for_another_protocol_is_ignored_and_the_body_read(port: int, piece: int) -> None:
    """As `curl --http2` and Java's client post: the body is the request's, whatever stands in it, however it comes."""
    body = b"GET /long HTTP/1.1\r\nhost: a\r\n\r\n"
    first = b"POST /collect HTTP/1.1\r\nhost: a\r\n" + UPGRADE + b"content-length: %d\r\n\r\n" % len(body) + body
    chunked = (
        b"POST /collect HTTP/1.1\r\nhost: a\r\n" + UPGRADE + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    )
    sent = first + chunked + first + POST + b"abcd"
    answer = await talk(port, *(sent[at : at + piece] for at in range(0, len(sent), piece)))
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * 4
    assert re.findall(rb"\r\n\r\n(\d+)", answer) == [b"31", b"2", b"31", b"4"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n" + UPGRADE + b"\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + UPGRADE + b"x: y\r\n" * 101 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + UPGRADE + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", b"400"),
        (b"CONNECT b:1 HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nabcd", b"400"),
        (b"GET / HTTP/1.0\r\nhost: a\r\n" + UPGRADE + b"\r\n", b"200"),
    ],
)
async def test_a_wish_for_another_protocol_is_no_way_around_the_limits(
    port: int, request_: bytes, status: bytes
) -> None:
    assert (await talk(port, request_)).startswith(b"HTTP/1.1 " + status)


async def test_wishes_for_another_protocol_without_end_are_cut(served: Served) -> None:
    """Each is read twice, and no more of them are than of other requests."""
    await talk(served.port, (b"GET / HTTP/1.1\r\nhost: a\r\n" + UPGRADE + b"\r\n") * 2000)
    assert served.refused == ["pipelined"]


@pytest.mark.parametrize("piece", [1, 30, 10_000])
async def test_what_stands_behind_the_body_is_no_header(port: int, piece: int) -> None:
    """A proxy in front sets or removes headers, and lets trailers through: by them nobody is somewhere else."""
    first = b"POST /headers HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.1\r\ntransfer-encoding: chunked\r\n\r\n"
    trailers = b"x-forwarded-for: 192.0.2.2\r\norigin: https://shop.example\r\n" + b"x: y\r\n" * 200
    sent = first + b"2\r\nab\r\n0\r\n" + trailers + b"\r\n" + POST + b"abcd"
    answer = await talk(port, *(sent[at : at + piece] for at in range(0, len(sent), piece)))
    assert re.findall(rb"\r\n\r\n(.*?)(?:HTTP|\Z)", answer) == [b"host x-forwarded-for transfer-encoding", b"4"]


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
