"""How many streams of events may be open at once: each holds a connection and is sent whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from tagserver.system.rate_limit import sender_of

MOST = 20
"""In all. Each of them is written whatever comes: a few people look on, a wall of screens is what metrics are for."""
EACH = 6
"""Of one token at one address. A browser opens no more than six connections to a host (HTTP/1.1), so this is all that
one person can use; who shares a token with others at other addresses takes nothing from them."""


class TooManyStreams(Exception):
    """There is no room for one more; the text says whose fault that is, and what helps."""


class StreamLimits:
    """Counts those that are open."""

    def __init__(self, most: int = MOST, each: int = EACH) -> None:
        self._most = most
        self._each = each
        self._open: Counter[tuple[str, str]] = Counter()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    @contextmanager
    def one(self, user: str, address: str | None) -> Iterator[None]:
        """While one more is open, of whoever has this name at this address (IPv6: a network of 64 bits). Raises
        TooManyStreams before anything is begun, which is answered with 429."""
        viewer = (user, sender_of(address))
        if self._open[viewer] >= self._each:
            raise TooManyStreams(
                f"{self._each} live views of yours are open, and a browser can keep no more: close one of the tabs, "
                "then load this one again"
            )
        if self._open.total() >= self._most:
            raise TooManyStreams(
                f"{self._most} live views are open, and there may be no more at once: try again when somebody has "
                "closed one; without it the page shows what there is when you load it"
            )
        self._open[viewer] += 1
        try:
            yield
        finally:
            self._open[viewer] -= 1
            if not self._open[viewer]:
                del self._open[viewer]

    def watched(self, response: ASGIApp, user: str, address: str | None) -> ASGIApp:
        """A response that counts for as long as it is being sent, also where the viewer has left before it began."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            with self.one(user, address):
                await response(scope, receive, send)

        return counted
