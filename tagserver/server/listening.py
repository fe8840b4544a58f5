"""The socket that clients come in by: one that is opened here, or one that another process holds open and passes on.

systemd passes a socket to the process that it starts (`LISTEN_FDS`, see sd_listen_fds(3)), and a server that hands over
to its successor does it in the same way. Whoever connects while neither of the two runs waits in the kernel's queue.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import MutableMapping

from tagserver.system.files import os_reason

FIRST = 3
"""The first descriptor that is passed (SD_LISTEN_FDS_START)."""
BACKLOG = 2048
"""How many connections may wait to be accepted; the system allows `net.core.somaxconn` at most."""
SOCKET_BYTES = 256 << 10
"""Bytes that the system may keep for a connection in each direction. Left alone it gives a client that does not read
up to 4 MiB of memory that no limit of ours counts."""
_ONE = "in tagserver.socket, keep one ListenStream= with a port"


class WrongSocket(Exception):
    """What was passed is no socket to serve on; the message is a sentence that says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        _prepare(bound)
    except OSError:
        bound.close()
        raise
    return bound


def passed(environ: MutableMapping[str, str], first: int = FIRST) -> socket.socket | None:
    """The listening socket that was passed to this process, or None. Takes the variables away, so that no child takes
    the socket for its own. `first`: the number of its descriptor. Raises WrongSocket."""
    count, process = environ.pop("LISTEN_FDS", ""), environ.pop("LISTEN_PID", "")
    environ.pop("LISTEN_FDNAMES", None)
    if not (count.isascii() and count.isdecimal()) or not count.strip("0") or process != str(os.getpid()):
        return None
    if (number := count.lstrip("0")) != "1":  # a number may be too long to be read
        raise WrongSocket(f"{number[:20]} sockets were passed to tagserver, which serves on one: {_ONE}")
    try:
        os.set_inheritable(first, False)
        bound = socket.socket(fileno=first)
    except OSError as error:
        raise WrongSocket(f"what was passed to tagserver cannot be served on ({os_reason(error)}): {_ONE}") from None
    try:
        _look_at(bound)
        _prepare(bound)
    except BaseException:
        bound.detach()  # it belongs to whoever has passed it
        raise
    return bound


def _look_at(bound: socket.socket) -> None:
    """Raises WrongSocket."""
    if bound.type != socket.SOCK_STREAM:
        raise WrongSocket(f"a datagram socket was passed to tagserver, which speaks HTTP over TCP: {_ONE}")
    if bound.family not in (socket.AF_INET, socket.AF_INET6):
        raise WrongSocket(
            f"a local socket (AF_UNIX) was passed to tagserver, which counts and limits by the sender's address: {_ONE}"
        )
    if not bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise WrongSocket("a single connection was passed to tagserver: in tagserver.socket, leave out Accept=yes")


def _prepare(bound: socket.socket) -> None:
    # Connections inherit these from the socket that they come in by.
    for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        bound.setsockopt(socket.SOL_SOCKET, buffer, SOCKET_BYTES)
    bound.listen(BACKLOG)
    bound.setblocking(False)


def address_of(bound: socket.socket) -> str:
    """`http://host:port` of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host to listen on, or the address of a socket, is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
