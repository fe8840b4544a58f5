"""An inbound client for configurations."""

# ruff: noqa: RUF009 (`setting` makes a dataclass field)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tagserver.plugin import setting
from tagserver.plugin.inbound import (
    Client,
    Endpoint,
    EventMap,
    EventTest,
    InboundRequest,
    KeyedSource,
    Refuse,
    RequestFacts,
    json_body,
)


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """No settings."""


@dataclass(frozen=True, kw_only=True)
class TicketSource:
    """Of one sender."""

    currency: str = setting("The currency of amounts.", default="EUR")
    map: EventMap | None = setting("What becomes of a body.", default=None)
    when: EventTest | None = setting("What is taken.", default=None)
    public: bool = setting("Whether its key stands in a page.", default=False)


class Tickets(Client):
    """Sales of tickets."""

    type = "tickets"
    api_version = 1
    Settings = Nothing
    Source = TicketSource
    addresses = (Endpoint("POST", "/tickets/{name}"),)
    refuses = ("signature", "bad_json", "no_secret")

    @classmethod
    def is_public(cls, source: TicketSource) -> bool:
        """As it is set."""
        return source.public

    @classmethod
    def keys_of(cls, source: TicketSource) -> tuple[str, ...] | None:
        """What comes with a public key is taken as it stands."""
        return ("currency", "public") if source.public else None

    @classmethod
    def fault(cls, source: KeyedSource) -> str | None:
        """Amounts have a currency."""
        settings: TicketSource = source.settings
        return "currency: write three letters, such as EUR" if len(settings.currency) != 3 else None

    def identify(self, request: InboundRequest) -> str:
        """By a key in a header."""
        for source in self.sources.values():
            if request.headers.get("x-key") in source.texts():
                return source.name
        raise Refuse(401, "signature", "the key is none")

    def events(self, body: bytes, facts: RequestFacts) -> Any:
        """As they stand."""
        return [json_body(body)]


class Passes(Tickets):
    """Sales of passes, whose senders stand below a setting."""

    type = "passes"
    keyed = "cards"
    addresses = (Endpoint("POST", "/passes"),)
