"""From the name of a vendor's host to its addresses: one look-up at a time for a destination, in a thread of its own.

The system's look-up blocks, for half a minute when no name server answers, and cannot be ended. In the event loop's
pool, which has six threads on two cores and in which everybody else works, a few names that do not resolve would
stop every vendor and the intake. So each destination has a thread here while it looks a name up, and never a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Sequence

KEPT = 60.0
"""Seconds in which what was found is used again: short enough for a vendor that moves."""

LookUp = Callable[[str], Sequence[str]]
"""The addresses of a name, by a call that may block. Raises OSError, and ValueError for what cannot be a name."""


class Unresolved(Exception):
    """A name has no address, or none was found in time. The text says which."""


def ask_system(host: str) -> Sequence[str]:
    """What the system's resolver knows of a name."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Resolver:
    """The look-ups of one destination. `steady` gives seconds that never jump."""

    def __init__(self, look_up: LookUp = ask_system, steady: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._steady = steady
        self._known: dict[str, tuple[float, Sequence[str]]] = {}
        self._under_way: tuple[str, asyncio.Future[Sequence[str] | Exception]] | None = None

    async def addresses(self, host: str, timeout: float | None) -> Sequence[str]:  # noqa: ASYNC109 (httpcore's way)
        """The addresses of a host, at least one. Raises Unresolved, after `timeout` seconds at the latest; a look-up
        that takes longer goes on, and what it finds is there for the next attempt."""
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        try:
            async with asyncio.timeout(timeout):
                while True:
                    if (known := self._known.get(host)) is not None and self._steady() < known[0]:
                        return known[1]
                    asked, answer = self._under_way or self._begin(host)
                    found = await asyncio.shield(answer)
                    if asked == host and isinstance(found, Exception):
                        raise Unresolved(f"the name {host} is not known ({_why(found)})")
        except TimeoutError:
            raise Unresolved(f"the name {host} was not resolved in time") from None

    def forget(self, host: str) -> None:
        """Its addresses have not answered: look it up anew the next time."""
        self._known.pop(host, None)

    def _begin(self, host: str) -> tuple[str, asyncio.Future[Sequence[str] | Exception]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str] | Exception] = loop.create_future()

        def ended(found: Sequence[str] | Exception) -> None:
            self._under_way = None
            if not isinstance(found, Exception):
                self._known[host] = (self._steady() + KEPT, found)
            answer.set_result(found)

        def work() -> None:
            found: Sequence[str] | Exception
            try:
                found = self._look_up(host) or OSError("it has no address")
            except (OSError, ValueError) as error:
                found = error
            with contextlib.suppress(RuntimeError):  # the loop is gone: so is everybody who waited
                loop.call_soon_threadsafe(ended, found)

        try:
            # A daemon: a name server that is silent does not hold up the end of the process either.
            threading.Thread(target=work, name="name look-up", daemon=True).start()
        except RuntimeError as error:  # the system gives no more threads
            raise Unresolved(f"the name {host} cannot be looked up ({error})") from None
        self._under_way = (host, answer)
        return self._under_way


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
