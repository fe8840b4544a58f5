"""Meta's own door: what a backend sends with Meta's SDK, or to the Conversions API Gateway, as events."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import hookimpl
from tagserver.plugin.inbound import Client
from tagserver_meta_client.client import Meta

__all__ = ["Meta", "register_clients"]


@hookimpl
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Bring `clients.meta`."""
    register(Meta)
