"""uvicorn around an application, with our own signals, our own deadlines and a bounded end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from tagserver.server.connection_limits import ConnectionLimits
from tagserver.server.listening import BACKLOG
from tagserver.server.protocol import DeadlineProtocol

TICKS = 10
"""uvicorn ticks ten times a second."""
LAST_REQUESTS_S = 1.0
"""Seconds for requests that are under way when nothing new is accepted any more. Whoever connects meanwhile waits for
them, and for the next process."""
FRESH_S = 0.3
"""Seconds in which a new connection's first request is waited for."""
LONG_S = 25.0
"""Seconds for requests of the operator that take long, before anything else is held up."""
LOOK_S = 0.02
CLOSE = (b"connection", b"close")


class Serving(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner: set `should_exit` to end it.

    `succeeded`: whether another process goes on with the listening socket after this one; then the end waits for
    clients in an orderly way. `handed_over`, if it is a list, gets a descriptor for each connection that could go on;
    the others are closed.
    """

    def __init__(self, config: uvicorn.Config, protocol: type[DeadlineProtocol]) -> None:
        super().__init__(config)
        self._kind = protocol
        self.succeeded = False
        self.handed_over: list[int] | None = None
        self.inherited: Sequence[socket.socket] = ()
        """Connections of the process before this one."""
        self.on_started: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and go on with the connections of the process before."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for connection in self.inherited:
            with contextlib.suppress(OSError):  # the client has left meanwhile
                _, made = await loop.connect_accepted_socket(self._protocol, connection)
                made.go_on()
        self.on_started()

    def _protocol(self) -> DeadlineProtocol:
        return self._kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's clock; once a second slow connections are looked for."""
        if counter % TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in self.connections():
                connection.look_at_the_time(now)
        return await super().on_tick(counter)

    def connections(self) -> list[DeadlineProtocol]:
        """Those that are open."""
        return [one for one in self.server_state.connections if isinstance(one, DeadlineProtocol)]

    def answer_for_the_last_time(self) -> None:
        """From now on each answer says that its connection closes (RFC 9112, 9.6), so that clients and proxies leave by
        themselves, and no request meets a connection that is just being closed."""
        self.config.encoded_headers.append(CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]

    async def long_requests_end(self) -> None:
        """Wait until what is asked now is answered, while others are served: to erase somebody, say, takes a while, and
        no event should wait for that."""
        asked = {one: request for one in self.connections() if (request := one.answering) is not None}
        until = asyncio.get_running_loop().time() + LONG_S
        while any(one.answering is request for one, request in asked.items()):
            if asyncio.get_running_loop().time() > until or self.force_exit:
                return
            await asyncio.sleep(LOOK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, finish what is here, close."""
        if self.succeeded:
            await self._end_for_the_next()
        await super().shutdown(sockets)

    async def _end_for_the_next(self) -> None:
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        passing_on = self.handed_over is not None
        if passing_on:
            self._kind.limits.handing_over = True
            for connection in self.connections():
                connection.stop_reading()
        await asyncio.sleep(LOOK_S)  # what was accepted and read in this very moment is seen
        while not self.force_exit and (now := loop.time()) - begun < LAST_REQUESTS_S:
            if all(one.between and (passing_on or _settled(one, now)) for one in self.connections()):
                break
            await asyncio.sleep(LOOK_S)
        for connection in self.connections():
            if connection.transport.is_closing():
                continue
            if connection.between and self.handed_over is not None:
                self.handed_over.append(connection.release())
            elif connection.incomplete:
                connection.refuse(503, "Service Unavailable", "closing", "the server is closing: send it again")


def _settled(connection: DeadlineProtocol, now: float) -> bool:
    since = connection.unused_since
    return since is None or now - since >= FRESH_S


def serving(app: ASGIApp, limits: ConnectionLimits | None = None) -> Serving:
    """A server for `app`, with the limits of `limits`; run it with `serve(sockets=[...])`.

    Proxy headers are ours to read (`collect.trusted_proxies`), not uvicorn's, which would believe them from loopback.
    """
    protocol = DeadlineProtocol.at(limits or ConnectionLimits())
    config = uvicorn.Config(
        app,
        loop="none",
        http=protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
        backlog=BACKLOG,
    )
    return Serving(config, protocol)
