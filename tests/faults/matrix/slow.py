"""Clients without haste: so many of each kind, each on a connection of its own, and how long the server bears them.

`python -m tests.faults.matrix.slow ADDRESS EACH SECONDS` prints one object: kind → {"cut": how many connections the
server ended, "longest": seconds until the last was, "answered": statuses}.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

HEAD = b"POST /collect HTTP/1.1\r\nhost: x\r\norigin: https://shop.example\r\n"
ESTABLISHED = 1


async def silent() -> AsyncIterator[bytes]:
    """Says nothing."""
    yield b""


async def headers() -> AsyncIterator[bytes]:
    """One header line a second, without an end."""
    yield HEAD
    for number in range(600):
        await asyncio.sleep(1)
        yield b"x-%d: y\r\n" % number


async def body() -> AsyncIterator[bytes]:
    """One byte of the body a second."""
    yield HEAD + b"content-length: 100000\r\n\r\n{"
    for _ in range(600):
        await asyncio.sleep(1)
        yield b" "


async def reader() -> AsyncIterator[bytes]:
    """Asks for a long answer many times; see `_life`, it reads none of it."""
    for _ in range(4):
        yield b"GET /t.js HTTP/1.1\r\nhost: x\r\n\r\n" * 7
        await asyncio.sleep(0.5)


KINDS: dict[str, Callable[[], AsyncIterator[bytes]]] = {
    "silent": silent,
    "headers": headers,
    "body": body,
    "reader": reader,
}


async def one(address: tuple[str, int], kind: str, source: str, seconds: float) -> tuple[str, float | None, str]:
    """One client's life: its kind, seconds until the server ended it (None: it did not), and the answer's status."""
    began = time.monotonic()
    with socket.socket() as connection:
        connection.setblocking(False)
        if kind == "reader":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.bind((source, 0))
        try:
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(connection, address)
                status = await _life(connection, kind)
        except TimeoutError:
            return kind, None, ""
        except OSError:
            status = ""
    return kind, time.monotonic() - began, status


async def _life(connection: socket.socket, kind: str) -> str:
    """Send until the server ends the connection; the status it says, if it is listened to."""
    loop = asyncio.get_running_loop()

    async def send() -> None:
        async for part in KINDS[kind]():
            await loop.sock_sendall(connection, part)

    sending = asyncio.create_task(send())
    got = b""
    try:
        if kind == "reader":
            while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED:
                await asyncio.sleep(0.25)
        else:
            while piece := await loop.sock_recv(connection, 4096):
                got += piece
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    return got[9:12].decode("latin-1")


async def main(address: str, each: int, seconds: float) -> dict[str, Any]:
    """All of them at once."""
    parts = urlsplit(address)
    at = (parts.hostname or "", parts.port or 80)
    clients = []
    for number in range(each):
        for place, kind in enumerate(KINDS, 2):
            clients.append(asyncio.create_task(one(at, kind, f"127.0.0.{place}", seconds)))
        if number % 50 == 49:
            await asyncio.sleep(0.1)
    found: dict[str, Any] = {kind: {"cut": 0, "longest": 0.0, "answered": Counter()} for kind in KINDS}
    for kind, borne, status in await asyncio.gather(*clients):
        if borne is not None:
            found[kind]["cut"] += 1
            found[kind]["longest"] = max(found[kind]["longest"], round(borne, 1))
        if status:
            found[kind]["answered"][status] += 1
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
