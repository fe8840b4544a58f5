"""How requests of one connection are told apart and answered, byte for byte."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.server.echoing import LEFT, POST, Served, a_server, talk


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
