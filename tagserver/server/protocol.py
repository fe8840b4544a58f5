"""HTTP connections with an end: deadlines for silence, slow headers, slow bodies and slow readers, and limits for
headers.

uvicorn has none of these (its keep-alive time-out covers only the time between requests), and one patient client
could hold every connection. The times are looked at once a second for all connections together, so that a request
costs nothing more than a few assignments.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tagserver.server.succession import aside
from tagserver.system.rate_limit import sender_of

HEADER_BYTES = 32 << 10
HEADERS = 100
URL_BYTES = 8 << 10
PIPELINED = 32
"""Requests that a client may send before the answer to the first."""

REQUEST_S = 12.0
"""Seconds from the first byte of a request (or from the connection) to the last of its body; and for a client to take
its answer."""
LINGER_S = 2.0
"""Seconds in which the rest of a body may still come whose answer is out, so that the client can read the answer."""
CONNECTIONS = 10_000


def unlimited() -> None:
    """No limit for one address."""


def uncounted(reason: str) -> None:
    """Nobody counts."""


class ConnectionLimits:
    """Limits, and the connections of each address.

    `patience` and `linger` in seconds. `per_address` is asked at each new connection, None for no limit. `refused`
    hears the reason of each refusal: `slow unread headers address malformed pipelined connections`.
    """

    def __init__(
        self,
        *,
        patience: float = REQUEST_S,
        linger: float = LINGER_S,
        most: int = CONNECTIONS,
        per_address: Callable[[], int | None] = unlimited,
        refused: Callable[[str], None] = uncounted,
    ) -> None:
        self.patience = patience
        self.linger = linger
        self.refused = refused
        self._most = most
        self._per_address = per_address
        self.handing_over = False
        """Whether this process ends and another one goes on with what is in the kernel: nothing new is begun."""
        self._of: Counter[str] = Counter()
        self.connections = 0

    def opened(self, address: str | None) -> str | None:
        """One more connection; None when it may stay, else why not. Each is matched by one `closed`."""
        group = sender_of(address)
        self.connections += 1
        self._of[group] += 1
        if self.connections > self._most:
            return "too many connections"
        most = self._per_address()
        return "too many connections of this address" if most is not None and self._of[group] > most else None

    def closed(self, address: str | None) -> None:
        """A connection has ended."""
        group = sender_of(address)
        self.connections -= 1
        self._of[group] -= 1
        if not self._of[group]:
            del self._of[group]


class TooMuch(Exception):
    """The request was refused and the connection closed; ends the parser's work."""


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, with limits. `at` makes the class for one server."""

    limits = ConnectionLimits()
    waiting_since: float | None = None
    """When the request began that is not complete yet, or the connection that has sent nothing; loop time. Once its
    answer is out: when that was."""
    unread_since: float | None = None
    """Since when a part of an answer waits for the client to take it; loop time."""
    _cycles: deque[Any]
    """The requests whose answer is not out, in order."""
    _in_body = False
    _upgrading = False
    """Whether the parser has stopped behind headers that ask for another protocol."""
    _unseen = 0
    """Bytes of the client since the last that led anywhere: headers that do not end."""
    _begun = False
    """Whether bytes of a request are here that is not complete."""

    @classmethod
    def at(cls, limits: ConnectionLimits) -> type[DeadlineProtocol]:
        """The protocol with the limits of one server."""
        return type(cls.__name__, (cls,), {"limits": limits})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)  # type: ignore[arg-type]  # (a transport of streams)
        self._cycles = deque()
        self.waiting_since = self.loop.time()
        if (why := self.limits.opened(self._address)) is not None:
            self.refuse(503, "Service Unavailable", "connections", why)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, by whoever."""
        self.limits.closed(self._address)
        # uvicorn tells the last request alone; those before it would write to a connection that is closed.
        for cycle in self._cycles:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def data_received(self, data: bytes) -> None:
        """Bytes of the client. Blank lines between requests begin the time, too."""
        if self.waiting_since is None and (self.cycle is None or self.cycle.response_complete):
            self.waiting_since = self.loop.time()
        self._unseen += len(data)
        self._begun = True
        self._unset_keepalive_if_required()
        while data and not self.transport.is_closing():
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
            except httptools.HttpParserUpgrade as stopped:
                data = self._without_upgrade() + data[stopped.args[0] :]
        if self._unseen > HEADER_BYTES and not self.transport.is_closing():
            self.refuse(431, "Request Header Fields Too Large", "headers")

    def _without_upgrade(self) -> bytes:
        """The head of the present request without its wish for another protocol, for a parser that knows nothing of it.

        An upgrade is the server's to ignore (RFC 9110, 7.8), and clients that speak HTTP/2 where they can ask for one
        in each first request. The parser takes what follows for the other protocol: the body would be lost, and what
        stands in it read as the next request.
        """
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._upgrading = False
        return b"\r\n".join((*lines, b"", b""))

    def on_message_begin(self) -> None:
        """A request begins."""
        if len(self.pipeline) >= PIPELINED:
            self.limits.refused("pipelined")
            self.transport.close()
            raise TooMuch
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        self._unseen = 0
        self._begun = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        super().on_url(url)
        self._unseen = 0
        if len(self.url) > URL_BYTES:
            self.refuse(414, "URI Too Long", "address")
            raise TooMuch

    def on_headers_complete(self) -> None:
        """All headers are there. Without exactly one Host HTTP/1.1 wants a refusal (RFC 9112, 3.2): a proxy in front
        may have read another one."""
        self._unseen = 0
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self.refuse(400, "Bad Request", "malformed", "this is no proxy")
                raise TooMuch
            self._upgrading = True
            return
        size = hosts = 0
        for name, value in self.headers:
            size += len(name) + len(value)
            hosts += name == b"host"
        if size > HEADER_BYTES or len(self.headers) > HEADERS:
            self.refuse(431, "Request Header Fields Too Large", "headers")
            raise TooMuch
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1") or hosts > 1 or (hosts == 0 and version == "1.1"):
            self.refuse(400, "Bad Request", "malformed", "HTTP/1.1 with one Host header is needed")
            raise TooMuch
        self._in_body = True
        super().on_headers_complete()
        # What stands behind the body is a trailer, and goes nowhere: of a request that came through a proxy it would
        # be the client's own word for what the proxy says (RFC 9110, 6.5.1).
        self.headers = []
        self._cycles.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unseen = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete; how long the answer takes is our own affair."""
        if self._upgrading:
            return
        super().on_message_complete()
        self._in_body = self._begun = False
        self._unseen = 0
        self.waiting_since = None

    def on_response_complete(self) -> None:
        """The answer is out. If it did not wait for the body, the rest of the body has little time."""
        self._cycles.popleft()
        if self._answered_early:
            self.waiting_since = self.loop.time()
        super().on_response_complete()
        if self.limits.handing_over:
            self.stop_reading()

    # ── the end of the server

    @property
    def between(self) -> bool:
        """Whether nothing of a request is here, and nothing of an answer: the connection would go on as well in
        another process."""
        cycle: Any = self.cycle
        answered: bool = cycle is None or cycle.response_complete
        return answered and not self._begun and not self.pipeline and not self.transport.get_write_buffer_size()

    @property
    def incomplete(self) -> bool:
        """Whether a part of a request is here, and the rest has not come."""
        return self._begun

    @property
    def unused_since(self) -> float | None:
        """Since when the connection is open, if its client has not sent anything yet; loop time."""
        cycle: Any = self.cycle
        return self.waiting_since if cycle is None and not self._begun else None

    @property
    def answering(self) -> object | None:
        """The request that is complete and not answered yet, if there is one."""
        cycle: Any = self.cycle
        return None if cycle is None or cycle.response_complete or self._begun else cycle

    def go_on(self) -> None:
        """The connection is from the process before this one: it waits for a request as after an answer, not as a new
        one, which would be told that it is too slow."""
        cycle: Any = self.cycle
        if cycle is None and not self._begun:
            self.waiting_since = None
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def stop_reading(self) -> None:
        """Read nothing more once the requests that are here are answered: what the client sends then stays in the
        kernel, for the next process."""
        if self.between and not self.transport.is_closing():
            self.transport.pause_reading()

    def release(self) -> int:
        """A descriptor of the connection, which this process has nothing to do with any more. To be called between
        requests, after `stop_reading`."""
        descriptor = aside(self.transport.get_extra_info("socket").fileno())
        self.transport.abort()
        return descriptor

    @property
    def _answered_early(self) -> bool:
        return self._in_body and bool(self.cycle.response_complete)

    def send_400_response(self, msg: str) -> None:
        """What the parser could not read; nothing when the request was refused already."""
        if not self.transport.is_closing():
            self.refuse(400, "Bad Request", "malformed", msg)

    def refuse(self, status: int, phrase: str, reason: str, text: str = "") -> None:
        """Answer and close; only close when another answer is under way, or was given for the same request."""
        self.limits.refused(reason)
        cycle: Any = self.cycle
        under_way = cycle is not None and cycle.response_started and not cycle.response_complete
        if not under_way and not (cycle is not None and self._answered_early):
            again = "retry-after: 5\r\n" if status == 503 else ""
            head = f"HTTP/1.1 {status} {phrase}\r\nconnection: close\r\ncontent-type: text/plain\r\n{again}"
            self.transport.write(f"{head}content-length: {len(text)}\r\n\r\n{text}".encode())
        self.transport.close()

    def look_at_the_time(self, now: float) -> None:
        """End the connection when its client takes too long to ask or to take an answer. Called about once a
        second."""
        if not self.transport.get_write_buffer_size():
            self.unread_since = None
        elif self.unread_since is None:
            self.unread_since = now
        elif now - self.unread_since >= self.limits.patience:
            self.limits.refused("unread")
            self.transport.abort()
            return
        since = self.waiting_since
        if since is None or self.transport.is_closing():
            return
        cycle: Any = self.cycle
        if cycle is not None and self._answered_early:
            if now - since >= self.limits.linger:
                self.transport.close()
        elif now - since >= self.limits.patience and not (
            cycle is not None and cycle.response_started and not cycle.response_complete
        ):
            self.refuse(408, "Request Timeout", "slow")
