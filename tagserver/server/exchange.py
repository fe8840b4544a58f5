"""One request and its answer, between a connection and the application: ASGI's `receive` and `send`.

It stands in the place of uvicorn's `RequestResponseCycle`, which looks at each header of an answer by itself, writes
the head before the body is there (two calls of the system for each event), and makes a lock for each request, which
hardly any has to wait for.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_CONTROLS = bytes(code for code in (*range(32), 127) if code != ord("\t"))
_join = b": ".join
_FAILED = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"21"), (b"connection", b"close"))


def _nobody() -> None:
    """Nobody waits for the end of an answer any more."""


class Exchange:
    """The connection adds to `body`, says when it is complete (`more_body`) or will not be (`disconnected`), sets
    `waiting` after each of these, and keeps the task of `run` in `task`."""

    __slots__ = (
        *("_answered", "_chunked", "_default_headers", "_expects_continue", "_flow", "_head", "_left", "_log"),
        *("_received", "_tasks", "body", "disconnected", "keep_alive", "more_body", "response_complete"),
        *("response_started", "scope", "task", "transport", "waiting"),
    )

    def __init__(
        self, connection: HttpToolsProtocol, scope: Scope, *, keep_alive: bool, expects_continue: bool
    ) -> None:
        self.scope = scope
        self.transport = connection.transport
        self._flow = connection.flow
        self._log = connection.logger
        self._tasks = connection.tasks
        self._default_headers = connection.server_state.default_headers
        self._answered = connection.on_response_complete
        self.disconnected = False
        self.keep_alive = keep_alive
        self._expects_continue = expects_continue
        self.body = bytearray()
        self.more_body = True
        self._received = False
        """Whether the application has the whole body."""
        self.waiting: asyncio.Event | None = None
        """Made when `receive` has to wait for the first time."""
        self.response_started = False
        self.response_complete = False
        self._head = b""
        """Of the answer, until it goes out with the first part of the body, as ASGI wants it."""
        self._chunked = False
        self._left = 0
        """Bytes of the body that have still to come, where they are not chunked."""
        self.task: asyncio.Task[None]

    async def run(self, app: ASGIApp) -> None:
        """Have the application answer. Where it fails or says nothing the answer is 500; half an answer is broken
        off."""
        try:
            await app(self.scope, self.receive, self.send)
            if not (self.response_complete or self.disconnected):
                self._log.error("ASGI callable returned without a complete response.")
                await self._give_up()
        except BaseException as error:
            self._log.error("Exception in ASGI application\n", exc_info=error)
            await self._give_up()
        finally:
            self._tasks.discard(self.task)
            self._answered = _nobody  # it knows the connection, and the connection knows this

    async def _give_up(self) -> None:
        if self.response_started:
            self.transport.close()
            return
        await self.send({"type": "http.response.start", "status": 500, "headers": _FAILED})
        await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    async def receive(self) -> Any:
        """The next part of the body; behind its end, that the client is gone or has its answer, once it is so."""
        if self._expects_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._expects_continue = False
        while not (self.disconnected or self.response_complete):
            if self._flow.read_paused:
                self._flow.resume_reading()
            if self.body or not (self.more_body or self._received):
                body, self.body = bytes(self.body), bytearray()
                self._received = not self.more_body
                return {"type": "http.request", "body": body, "more_body": self.more_body}
            self.waiting = self.waiting or asyncio.Event()
            self.waiting.clear()
            await self.waiting.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """A part of the answer. Raises RuntimeError for one that is none."""
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self.response_started = True
            self._expects_continue = False
            self._head = self._head_of(message["status"], [*self._default_headers, *message.get("headers", ())])
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            more = message.get("more_body", False)
            self.transport.write(self._head + self._framed(message.get("body", b""), more=more))
            self._head = b""
            if not more:
                self.response_complete = True
                if self.waiting is not None:
                    self.waiting.set()
                if not self.keep_alive:
                    self.transport.close()
                self._answered()
        else:
            raise RuntimeError(f"{kind} is not what an answer goes on with")

    def _head_of(self, status: int, fields: list[tuple[bytes, bytes]]) -> bytes:
        """The status line and the headers, whose names are in lower case; and how the body is delimited."""
        lines = b"\r\n".join([*map(_join, fields), b""])
        if len(lines.translate(None, _CONTROLS)) != len(lines) - 2 * len(fields):
            # In a header may stand what a stranger has sent; it must not become another line.
            raise RuntimeError("a header with control characters")
        known = dict(fields)
        if (length := known.get(b"content-length")) is not None:
            self._left = int(length)
        elif self.scope["method"] != "HEAD" and status not in (204, 304):
            self._chunked = True
            lines += b"transfer-encoding: chunked\r\n"
        if b"connection" in known and b"close" in known[b"connection"].lower():
            self.keep_alive = False
        elif not self.keep_alive:
            lines += b"connection: close\r\n"
        return STATUS_LINE[status] + lines + b"\r\n"

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        """A part of the body as it goes over the connection; `more`: it is not the last."""
        if self.scope["method"] == "HEAD":
            return b""
        if self._chunked:
            return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        self._left -= len(body)
        if self._left < 0 or (self._left and not more):
            raise RuntimeError("a body that is not as long as its content-length")
        return body
