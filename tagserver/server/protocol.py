"""HTTP connections with an end: deadlines for silence, slow headers and slow bodies, and limits for headers.

uvicorn has none of these (its keep-alive time-out covers only the time between requests), and one patient client
could hold every connection. The times are looked at once a second for all connections together, so that a request
costs nothing more than two assignments.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S = 15.0
"""Seconds from the first byte of a request (or from the connection) to the last of its body."""
HEADER_BYTES = 32 << 10
HEADERS = 100
URL_BYTES = 8 << 10


class TooMuch(Exception):
    """The request was refused and the connection closed; ends the parser's work."""


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, with limits."""

    patience = REQUEST_S
    waiting_since: float | None = None
    """When the request began that is not complete yet, or the connection that has sent nothing; loop time."""
    _header_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.waiting_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Bytes of the client. Blank lines between requests begin the time, too."""
        if self.waiting_since is None and (self.cycle is None or self.cycle.response_complete):
            self.waiting_since = self.loop.time()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        super().on_url(url)
        if len(self.url) > URL_BYTES:
            self.refuse(414, "URI Too Long")
            raise TooMuch

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES or len(self.headers) > HEADERS:
            self.refuse(431, "Request Header Fields Too Large")
            raise TooMuch

    def on_message_complete(self) -> None:
        """The request is complete; how long the answer takes is our own affair."""
        super().on_message_complete()
        self.waiting_since = None

    def send_400_response(self, msg: str) -> None:
        """What the parser could not read; nothing when the request was refused already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def refuse(self, status: int, phrase: str) -> None:
        """Answer and close."""
        head = f"HTTP/1.1 {status} {phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(head.encode())
        self.transport.close()

    def look_at_the_time(self, now: float) -> None:
        """Close the connection when its request takes too long. Called about once a second."""
        since = self.waiting_since
        if since is None or now - since < self.patience or self.transport.is_closing():
            return
        cycle: Any = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            return  # an answer is on its way already
        self.refuse(408, "Request Timeout")
