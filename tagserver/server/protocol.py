"""HTTP connections with an end: deadlines for silence, slow headers, slow bodies and slow readers, and limits for
headers.

uvicorn has none of these (its keep-alive time-out covers only the time between requests), and one patient client
could hold every connection. The times are looked at once a second for all connections together, so that a request
costs nothing more than a few assignments.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tagserver.server.connection_limits import ConnectionLimits
from tagserver.server.exchange import Exchange
from tagserver.server.succession import aside

HEADER_BYTES = 32 << 10
HEADERS = 100
URL_BYTES = 8 << 10
PIPELINED = 32
"""Requests that a client may send before the answer to the first."""


class TooMuch(Exception):
    """The request was refused and the connection closed; ends the parser's work."""


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol on httptools, with limits. `at` makes the class for one server."""

    limits = ConnectionLimits()
    waiting_since: float | None = None
    """When the request began that is not complete yet, or the connection that has sent nothing; loop time. Once its
    answer is out: when that was."""
    idle_since: float | None = None
    """Since when everything is answered that was asked; loop time."""
    unread_since: float | None = None
    """Since when a part of an answer waits for the client to take it; loop time."""
    _exchanges: deque[Exchange]
    """The requests whose answer is not out, in order: the first is with the application, the others wait for it."""
    _scope: dict[str, Any]
    """Of any request to the address `_parsed`; what else differs from one to the next is None."""
    _parsed: bytes | None = None
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
        self._address = self.client[0] if self.client else None
        self._exchanges = deque()
        self._scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            **dict.fromkeys(("headers", "state", "http_version", "method", "path", "raw_path", "query_string")),
        }
        self.waiting_since = self.loop.time()
        if (why := self.limits.opened(self._address)) is not None:
            self.refuse(503, "Service Unavailable", "connections", why)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, by whoever."""
        self.limits.closed(self._address)
        for exchange in self._exchanges:
            exchange.disconnected = True
            if exchange.waiting is not None:
                exchange.waiting.set()
        self.connections.discard(self)
        self.flow.resume_writing()
        self._unset_keepalive_if_required()
        self.transport.close()
        self.parser = None  # type: ignore[assignment]  # (it knows the connection, and the connection knows it)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client. Blank lines between requests begin the time, too."""
        if self.waiting_since is None and (self.cycle is None or self.cycle.response_complete):
            self.waiting_since = self.loop.time()
        self._unseen += len(data)
        self._begun = True
        self.idle_since = None
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
        if len(self._exchanges) > PIPELINED:
            self.limits.refused("pipelined")
            self.transport.close()
            raise TooMuch
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        self._unseen = 0
        self._begun = True
        self.url = b""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self.url += url
        self._unseen = 0
        if len(self.url) > URL_BYTES:
            self.refuse(414, "URI Too Long", "address")
            raise TooMuch

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """All headers are there. Without exactly one Host HTTP/1.1 wants a refusal (RFC 9112, 3.2): a proxy in front
        may have read another one."""
        self._unseen = 0
        parser, headers = self.parser, self.headers
        method, version = parser.get_method(), parser.get_http_version()
        if parser.should_upgrade():
            if method == b"CONNECT":
                self.refuse(400, "Bad Request", "malformed", "this is no proxy")
                raise TooMuch
            self._upgrading = True
            return
        size = hosts = 0
        expects = False
        for name, value in headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts += 1
            elif name == b"expect":
                expects = expects or value.lower() == b"100-continue"
        if size > HEADER_BYTES or len(headers) > HEADERS:
            self.refuse(431, "Request Header Fields Too Large", "headers")
            raise TooMuch
        if version not in ("1.0", "1.1") or hosts > 1 or (hosts == 0 and version == "1.1"):
            self.refuse(400, "Bad Request", "malformed", "HTTP/1.1 with one Host header is needed")
            raise TooMuch
        self._in_body = True
        if self.url != self._parsed:  # nearly all requests of a connection are to one address
            address = httptools.parse_url(self.url)
            path = unquote(address.path.decode("ascii"))
            self._scope |= {"path": path, "raw_path": address.path, "query_string": address.query or b""}
            self._parsed = self.url
        scope = self._scope.copy()
        scope["headers"] = headers
        scope["state"] = {}
        scope["http_version"] = version
        scope["method"] = method.decode("ascii")
        # What stands behind the body is a trailer, and goes nowhere: of a request that came through a proxy it would
        # be the client's own word for what the proxy says (RFC 9110, 6.5.1).
        self.headers = []
        keep_alive = version != "1.0" and parser.should_keep_alive()
        exchange = Exchange(self, scope, keep_alive=keep_alive, expects_continue=expects)
        self.cycle = exchange  # type: ignore[assignment]  # (in the place of uvicorn's)
        self._exchanges.append(exchange)
        if len(self._exchanges) == 1:
            self._start(exchange)
        else:
            self.flow.pause_reading()

    def _start(self, exchange: Exchange) -> None:
        exchange.task = self.loop.create_task(exchange.run(self.app))
        self.tasks.add(exchange.task)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unseen = 0
        exchange: Any = self.cycle
        if not exchange.response_complete:
            exchange.body += body
            if exchange.waiting is not None:
                exchange.waiting.set()
            if len(exchange.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """The request is complete; how long the answer takes is our own affair."""
        if self._upgrading:
            return
        exchange: Any = self.cycle
        exchange.more_body = False
        if exchange.waiting is not None:
            exchange.waiting.set()
        self._in_body = self._begun = False
        self._unseen = 0
        self.waiting_since = None

    def on_response_complete(self) -> None:
        """The answer is out. If it did not wait for the body, the rest of the body has little time."""
        self._exchanges.popleft()
        if self._in_body and self.cycle.response_complete:
            self.waiting_since = self.loop.time()
        if not self.transport.is_closing():
            if self.flow.read_paused:
                self.flow.resume_reading()
            if self._exchanges:
                self._start(self._exchanges[0])
            else:
                self.idle_since = self.loop.time()
                if self.timeout_keep_alive_task is None:
                    self._end_when_idle_until(self.idle_since + self.timeout_keep_alive)
        if self.limits.handing_over:
            self.stop_reading()

    def _end_when_idle_until(self, then: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(then, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless there were requests meanwhile: a timer for each of them would cost as much as
        to decide some tags."""
        self.timeout_keep_alive_task = None
        if self.idle_since is None:
            return
        if (then := self.idle_since + self.timeout_keep_alive) > self.loop.time():
            self._end_when_idle_until(then)
        elif not self.transport.is_closing():
            self.transport.close()

    # ── the end of the server

    @property
    def between(self) -> bool:
        """Whether nothing of a request is here, and nothing of an answer: the connection would go on as well in
        another process."""
        cycle: Any = self.cycle
        answered: bool = cycle is None or cycle.response_complete
        return answered and not self._begun and not self.transport.get_write_buffer_size()

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
            self.idle_since = self.loop.time()
            self._end_when_idle_until(self.idle_since + self.timeout_keep_alive)

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
