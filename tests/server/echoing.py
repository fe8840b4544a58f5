"""A real server on loopback whose application echoes, and a client that says what it is told, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tagserver.server.connection_limits import ConnectionLimits
from tagserver.server.listening import listen
from tagserver.server.serving import Serving, serving


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
