"""`clients.webhooks`: each entry is a sender with a style, at `/webhook/NAME`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from tagserver.plugin.inbound import (
    Client,
    ClientLimits,
    Endpoint,
    InboundRequest,
    Incoming,
    KeyedSource,
    Refuse,
    Reply,
    RequestFacts,
)
from tagserver_webhooks.gates import PASSES
from tagserver_webhooks.mapped import headers_of
from tagserver_webhooks.settings import Shared, WebhookSource
from tagserver_webhooks.style import Style
from tagserver_webhooks.styles import STYLES


class Webhooks(Client):
    """What other systems send, signed, to /webhook/NAME."""

    type: ClassVar[str] = "webhooks"
    api_version = 1
    Settings = Shared
    Source = WebhookSource
    addresses = (Endpoint("POST", "/webhook/{name}"),)
    headers = ("webhook-id", "svix-id", "x-shopify-topic", "x-shopify-test", "x-wc-webhook-topic")
    refuses = ("signature", "stale", "no_secret", "not_found", "bad_json", "bad_shape")
    passes = PASSES
    limits = ClientLimits(rated=False)

    @classmethod
    def keys_of(cls, source: WebhookSource) -> Collection[str]:
        """Those of its style."""
        return STYLES[source.style].keys | {"style"}

    @classmethod
    def fault(cls, source: KeyedSource) -> str | None:
        """What its style says."""
        return _style(source).fault(source)

    @classmethod
    def signed(cls, request: InboundRequest, source: KeyedSource) -> InboundRequest:
        """With the headers of its style."""
        return request.with_headers(_style(source).headers(request, source))

    def greet(self, request: InboundRequest) -> Reply | None:
        """As its style does."""
        source = self.sources.get(request.params["name"])
        return None if source is None else _style(source).greet(request, source)

    def heard(self, source: str) -> Sequence[str]:
        """What its map and conditions name."""
        return headers_of(self.sources[source].settings)

    def identify(self, request: InboundRequest) -> str:
        """The name in the address, once the signature says the same. Without a body it is not decided yet, but whoever
        shows no signature at all, or an old one, is refused before anything is read of him."""
        name = request.params["name"]
        source = self.sources.get(name)
        if source is None:
            raise Refuse(404, "not_found", "there is no such webhook")
        _style(source).verify(request, source)
        return name

    def events(self, body: bytes, facts: RequestFacts) -> Incoming:
        """As its style reads them."""
        source = self.sources[facts.source]
        return _style(source).read(body, facts, source)


def _style(source: KeyedSource) -> Style:
    return STYLES[source.settings.style]
