"""What a webhook's style does: how it is signed, and what its body holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from tagserver.plugin.inbound import InboundRequest, Incoming, KeyedSource, Reply, RequestFacts


class Style(Protocol):
    """One class a style."""

    keys: ClassVar[frozenset[str]]
    """Those settings that mean something here; any other is a mistake of the configuration."""

    def fault(self, source: KeyedSource) -> str | None:
        """What else is wrong with its settings, or None."""
        ...

    def greet(self, request: InboundRequest, source: KeyedSource) -> Reply | None:
        """The answer to a request that carries no event, or None. Nobody has looked at a signature yet."""
        ...

    def verify(self, request: InboundRequest, source: KeyedSource) -> None:
        """Raises Refuse (401) for a signature that is missing, old or wrong; without a body as far as that tells."""
        ...

    def read(self, body: bytes, facts: RequestFacts, source: KeyedSource) -> Incoming:
        """The events of a body. Raises Refuse."""
        ...

    def headers(self, request: InboundRequest, source: KeyedSource) -> Mapping[str, str]:
        """The headers of a request that this sender has signed."""
        ...


class Ungreeted:
    """A style without requests that carry no event."""

    def greet(self, request: InboundRequest, source: KeyedSource) -> Reply | None:
        """None."""
        return None
