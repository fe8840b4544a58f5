"""The way out: the address that was looked at is the one that is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tagserver.delivery.exchange import open_http
from tagserver.delivery.network import NotPublic
from tagserver.system.egress import address_refusal
from tagserver.system.time import Time


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[int]:
    """A server on loopback that says `answer` to everything and closes; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


async def test_a_name_that_leads_inside_is_refused_before_anything_is_sent() -> None:
    async with server(OK) as port, open_http(lambda: (), None, Time()) as http:
        with pytest.raises(NotPublic, match="not public"):
            await http.get(f"http://localhost:{port}/")


@pytest.mark.parametrize("allowed", [("localhost",), ("127.0.0.0/8", "::1/128")])
async def test_what_operations_allow_is_called(allowed: tuple[str, ...]) -> None:
    async with server(OK) as port, open_http(lambda: allowed, None, Time()) as http:
        assert (await http.get(f"http://localhost:{port}/")).text == "ok"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with server(moved) as port, open_http(lambda: ("127.0.0.0/8",), None, Time()) as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).status_code == 302


async def test_errors_have_httpx_names() -> None:
    async with open_http(lambda: ("127.0.0.0/8",), None, Time()) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://127.0.0.1:9/")
    async with server(b"nonsense\r\n\r\n") as port, open_http(lambda: ("127.0.0.0/8",), None, Time()) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(f"http://127.0.0.1:{port}/")
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort"
    async with server(cut) as port, open_http(lambda: ("127.0.0.0/8",), None, Time()) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("64:ff9b:1::1", False),
        ("not an address", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    """Also those that carry another one inside."""
    assert (address_refusal("vendor.example", address, ()) is None) is public
