"""What pages may do at the addresses of clients: some take events of browsers, which have no key but an origin."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.config.clients import ConfiguredClient
from tagserver.inbound.addresses import Addresses
from tagserver.ingest.sources import Header, Sources, origin_of

Claimed = list[tuple[ConfiguredClient, Addresses]]


class Page:
    """The page that may have sent a request. `origin`: as it is written in `collect.origins`, None where nothing tells;
    `cors`: what lets it read answers; `told`: what it is told of that with this answer; `cookies`: what the
    answer sets in its browser, unless it is a refusal."""

    __slots__ = ("cookies", "cors", "origin", "told")

    def __init__(self, origin: str | None, cors: Sequence[Header]) -> None:
        self.origin = origin
        self.cors = self.told = cors
        self.cookies: list[Header] = []


def page_of(method: str, headers: dict[str, str], claimed: Claimed, sources: Sources) -> Page | None:
    """The page that may have sent a request to these clients; None where none of them takes events of pages."""
    if not any(_takes_pages(one) for one, _ in claimed):
        return None
    origin = origin_of(method, headers)
    return Page(origin, sources.cors(origin))


def preflight(path: str, page: Page, claimed: Claimed, sources: Sources) -> list[Header]:
    """What a browser is told that asks before it sends: the methods of this path, and the headers that its clients
    read."""
    pages = [(one.client, has) for one, has in claimed if one.client is not None and one.client.browser]
    methods = tuple(dict.fromkeys(method for _, has in pages for method in has.methods(path)))
    more = [name for client, _ in pages for name in (*client.headers, *client.unseen)]
    return [*page.cors, *sources.preflight(page.origin, methods, more)]


def _takes_pages(one: ConfiguredClient) -> bool:
    return one.client is not None and one.client.browser
