"""Requests refused for who sends them: a wrong key, an origin that is not listed, a wrong admin token. One line a
minute for each kind and client, with a count.

A line for each would let anybody fill the disk, and none would leave a backend with yesterday's key unseen. Neither the
key nor the visitor's address is written, only the network it came from.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from tagserver.event.ip_address import truncated_ip
from tagserver.system.time import Time

log = logging.getLogger("tagserver.refused")

SAID_EVERY = 60.0
"""Seconds between two lines about one kind."""
MOST = 1000
"""Networks that are told apart in that time."""
LONGEST = 100
"""Characters of an origin."""

_SAID = {
    "unknown_key": ("a wrong key", "wrong keys", "at /collect", 401),
    "origin": (
        "an event of an origin that may not post",
        "events of origins that may not post",
        "where pages post",
        403,
    ),
    "client_key": ("a wrong key", "wrong keys", "at the address of a client", 401),
    "signature": ("a wrong or old signature", "wrong or old signatures", "at the address of a client", 401),
    "admin_token": ("a wrong admin token", "wrong admin tokens", "under /-/ or at /readyz", 401),
}


@dataclass(slots=True)
class _Counted:
    said_at: float
    count: int = 0
    networks: set[str] = field(default_factory=set)
    origin: str = ""


class RefusedRequests:
    """Counts them."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._kinds: dict[tuple[str, str], _Counted] = {}

    def count(self, kind: str, address: str | None, origin: str | None = None, client: str = "") -> None:
        """One was refused. `kind`: `unknown_key`, `client_key`, `origin`, `signature` or `admin_token`; `origin`:
        what the browser said; `client`: whose address it was, of those that are configured."""
        now = self._time.monotonic()
        found = truncated_ip(address)
        network = found if isinstance(found, str) else "a local socket"
        known = self._kinds.get((kind, client))
        if known is None:
            self._kinds[kind, client] = _Counted(now)
            self._say(kind, client, 1, {network}, (origin or "")[:LONGEST])
            return
        known.count += 1
        known.origin = (origin or "")[:LONGEST]
        if len(known.networks) < MOST:
            known.networks.add(network)

    def look(self) -> None:
        """Say what was counted, once the minute is over. Called once a second."""
        now = self._time.monotonic()
        for (kind, client), known in list(self._kinds.items()):
            if now - known.said_at < SAID_EVERY:
                continue
            if known.count:
                self._kinds[kind, client] = _Counted(now)
                self._say(kind, client, known.count, known.networks, known.origin)
            else:
                del self._kinds[kind, client]

    def close(self) -> None:
        """Say what was counted."""
        for (kind, client), known in self._kinds.items():
            if known.count:
                self._say(kind, client, known.count, known.networks, known.origin)
        self._kinds.clear()

    @staticmethod
    def _say(kind: str, client: str, count: int, networks: set[str], origin: str) -> None:
        one, many, where, status = _SAID[kind]
        fields = {"code": kind, "status": status, "count": count, "network": min(networks), "networks": len(networks)}
        if origin:
            fields["origin"] = origin
        if client:
            fields["client"] = client
            where = f"at the address of the client {client}"
        said = f"the origin {origin}" if origin else ""
        of = f", the last from {said}" if said and count > 1 else f" ({said})" if said else ""
        if count == 1:
            log.warning("%s came %s from %s%s", one, where, min(networks), of, extra=fields)
        else:
            some = min(networks) if len(networks) == 1 else f"{len(networks)} networks"
            log.warning("%d more %s came %s in the last minute from %s%s", count, many, where, some, of, extra=fields)
