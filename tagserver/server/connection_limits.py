"""How much time a client has, and how many connections there may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tagserver.system.rate_limit import sender_of

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
