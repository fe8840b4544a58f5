"""What is asked of a server: its files, its environment, and the requests it gets, one after another. Plain data that
knows nothing of the server's code, so that it stays what it is while that code moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ORIGIN = "https://shop.example"
NOW = 1_790_000_000_000
"""2026-09-21T14:13:20Z in ms: when requests come that say nothing else."""
BROWSER = (("origin", ORIGIN), ("content-type", "application/json"))
"""The headers of a page of the shop."""


@dataclass(frozen=True)
class Request:
    """One request, as it comes over the network.

    body: the bytes, compressed already when `headers` say so.
    headers: names in lower case, with values, in order; a name may come twice. `content-length` is added.
    peer: the address of the connection.
    at: ms since 1970 UTC of its receipt. Times of a scenario never go back. What waits for consent is decided when its
        time is over at the time of a later request.
    """

    body: bytes
    headers: tuple[tuple[str, str], ...] = BROWSER
    peer: str = "203.0.113.7"
    at: int = NOW
    method: str = "POST"
    path: str = "/collect"


@dataclass(frozen=True)
class Scenario:
    """One server from its start, with an empty data folder, to its end.

    name: unique in the corpus, the same in every process.
    files: name in the configuration folder → text; `container.yaml` at least, and `server.yaml` where requests of
        browsers are to be taken (`collect: {origins: [...]}`).
    env: the whole environment that `${env:…}` sees.
    requests: in the order of their receipt. One that posts events to `/collect` is also tried, event by event.
    """

    name: str
    files: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
