"""The smallest HTTP client: one request, one answer, no redirects, no proxies."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """`headers` have lower-case names; of a repeated one the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def call(
    method: str,
    url: str,
    body: bytes | Any = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10,
    source: str = "",
) -> Answer:
    """One request, from the address `source` of this machine; a body that is not bytes is sent as JSON. Raises
    OSError."""
    parts = urlsplit(url)
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=timeout, source_address=(source, 0)
    )
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target or "/", content, dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()


def raw(address: str, data: bytes, timeout: float = 5, *, half_close: bool = False) -> bytes:
    """Bytes to a socket, and what comes back until it is closed or silent for `timeout` seconds."""
    parts = urlsplit(address)
    got = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=timeout) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                got += piece
        except OSError:
            pass
    return got


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
