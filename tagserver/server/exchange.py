"""One request and its answer, between a connection and the application: ASGI's `receive` and `send`.

uvicorn's own looks at each header by itself, writes the head of an answer before its body is there, which is two calls
of the system for each event, and makes a lock for each request, which hardly any has to wait for.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_CONTROLS = bytes(code for code in (*range(32), 127) if code != ord("\t"))
_join = b": ".join


class Exchange(RequestResponseCycle):
    """What uvicorn calls the cycle of a request and its response; `run_asgi`, which runs the application, is uvicorn's.
    The connection adds to `body`, and says when it is complete (`more_body`)."""

    def __init__(self, connection: HttpToolsProtocol, *, keep_alive: bool, expect_100_continue: bool) -> None:
        self.scope = connection.scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete
        self.disconnected = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expect_100_continue
        self.body = bytearray()
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding = False
        self.expected_content_length = 0
        self._received = False
        """Whether the application has the whole body."""
        self._head = b""
        """Of the answer, until it goes out with the first part of the body, as ASGI wants it."""
        self.waiting: asyncio.Event | None = None
        """To be set by whoever changes what `receive` looks at; made when it waits first."""

    async def receive(self) -> Any:
        """The next part of the body; behind its end, that the client is gone or has its answer, once it is so."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        while not (self.disconnected or self.response_complete):
            if self.flow.read_paused:
                self.flow.resume_reading()
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
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self.response_started = True
            self.waiting_for_100_continue = False
            self._head = self._head_of(message["status"], [*self.default_headers, *message.get("headers", ())])
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
                self.on_response()
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
            self.expected_content_length = int(length)
        elif self.scope["method"] != "HEAD" and status not in (204, 304):
            self.chunked_encoding = True
            lines += b"transfer-encoding: chunked\r\n"
        if b"close" in known.get(b"connection", b"").lower():
            self.keep_alive = False
        elif not self.keep_alive:
            lines += b"connection: close\r\n"
        return STATUS_LINE[status] + lines + b"\r\n"

    def _framed(self, body: bytes, *, more: bool) -> bytes:
        """A part of the body as it goes over the connection; `more`: it is not the last."""
        if self.scope["method"] == "HEAD":
            return b""
        if self.chunked_encoding:
            return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"" if more else b"0\r\n\r\n")
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise RuntimeError("a body that is not as long as its content-length")
        return body
