"""uvicorn around an application, with our own signals, our own deadlines and a bounded end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from tagserver.server.edge import Edge
from tagserver.server.protocol import DeadlineProtocol

TICKS = 10
"""uvicorn ticks ten times a second."""


class Serving(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner: set `should_exit` to end it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's clock; once a second slow connections are looked for."""
        if counter % TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, DeadlineProtocol):
                    connection.look_at_the_time(now)
        return await super().on_tick(counter)


SOCKET_BYTES = 256 << 10
"""Bytes that the system may keep for a connection in each direction. Left alone it gives a client that does not read
up to 4 MiB of memory that no limit of ours counts."""


def serving(app: ASGIApp, edge: Edge | None = None) -> Serving:
    """A server for `app`, with the limits of `edge`; run it with `serve(sockets=[...])`.

    Proxy headers are ours to read (`collect.trusted_proxies`), not uvicorn's, which would believe them from loopback.
    """
    config = uvicorn.Config(
        app,
        loop="none",
        http=DeadlineProtocol.at(edge or Edge()),
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
        backlog=2048,
    )
    return Serving(config)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit these from the socket that they come in by.
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            bound.setsockopt(socket.SOL_SOCKET, buffer, SOCKET_BYTES)
        bound.bind((host, port))
        bound.listen(2048)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def address_of(bound: socket.socket) -> str:
    """`http://host:port` of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
