"""The end of a server that another process follows, and the begin of one that follows another: on real connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tagserver.server.connection_limits import ConnectionLimits
from tagserver.server.listening import listen
from tagserver.server.serving import Serving, serving

SOON = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LATER = b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n"
WRITERS: list[asyncio.StreamWriter] = []
"""Of the clients of a test."""


@pytest.fixture(autouse=True)
async def hang_up() -> AsyncIterator[None]:
    """Clients that are left go."""
    yield
    while WRITERS:
        writer = WRITERS.pop()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class Served:
    """A server whose answers to /later wait until `let` is set."""

    def __init__(self, *inherited: socket.socket) -> None:
        self.let = asyncio.Event()
        self.limits = ConnectionLimits()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/later":
                await self.let.wait()
            await PlainTextResponse("here")(scope, receive, send)

        self.server: Serving = serving(app, self.limits)
        self.server.inherited = inherited
        self.bound = listen("127.0.0.1", 0)
        self.port = self.bound.getsockname()[1]
        self.task = asyncio.create_task(self.server.serve(sockets=[self.bound]))

    async def ask(self, what: bytes = SOON) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(what)
        WRITERS.append(writer)
        return reader, writer

    async def hand_over(self) -> list[int]:
        """End, with connections that go on."""
        self.server.handed_over = handed_over = []
        self.server.succeeded = self.server.should_exit = True
        await self.task
        return handed_over


@asynccontextmanager
async def a_server(*inherited: socket.socket) -> AsyncIterator[Served]:
    made = Served(*inherited)
    while not made.server.started:
        await asyncio.sleep(0.01)
    try:
        yield made
    finally:
        made.let.set()
        made.server.should_exit = True
        await made.task


async def answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return await reader.readuntil(b"here")


async def until_asked(served: Served, number: int) -> None:
    while sum(one.answering is not None for one in served.server.connections()) < number:
        await asyncio.sleep(0.01)


async def test_the_last_answers_say_so() -> None:
    """So that clients leave by themselves."""
    async with a_server() as served:
        reader, _ = await served.ask()
        assert b"connection: close" not in await answer(reader)
        served.server.answer_for_the_last_time()
        reader, _ = await served.ask()
        assert b"connection: close" in await answer(reader)
        assert await reader.read() == b""


async def test_a_connection_goes_on_in_the_next_process() -> None:
    """Idle ones, and those on which nothing was asked yet; what a client sends in between is answered there. It is not
    told that it was slow, however long it waits."""
    async with a_server() as before:
        reader, writer = await before.ask()
        await answer(reader)
        unused, unused_writer = await before.ask(b"")
        await asyncio.sleep(0.05)
        numbers = await before.hand_over()
    assert len(numbers) == 2
    assert before.limits.connections == 0
    writer.write(SOON)
    async with a_server(*(socket.socket(fileno=number) for number in numbers)) as after:
        assert after.limits.connections == 2
        for one in after.server.connections():
            one.look_at_the_time(asyncio.get_running_loop().time() + 1000)
        assert b" 200 OK" in await answer(reader)
        unused_writer.write(SOON)
        assert b" 200 OK" in await answer(unused)


async def test_a_request_is_answered_before_its_connection_goes_on() -> None:
    """In the process that has read it."""
    async with a_server() as served:
        reader, _ = await served.ask(LATER)
        await until_asked(served, 1)
        handing_over = asyncio.create_task(served.hand_over())
        await asyncio.sleep(0.05)
        served.let.set()
        assert b" 200 OK" in await answer(reader)
        (number,) = await handing_over
        os.close(number)


async def test_what_takes_long_is_waited_for_while_others_are_served() -> None:
    """Only what was asked before, or it would never end."""
    async with a_server() as served:
        first, _ = await served.ask(LATER)
        await until_asked(served, 1)
        waiting = asyncio.create_task(served.server.long_requests_end())
        second, _ = await served.ask()
        assert b" 200 OK" in await answer(second)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        served.let.set()
        assert b" 200 OK" in await answer(first)
        async with asyncio.timeout(5):
            await waiting
