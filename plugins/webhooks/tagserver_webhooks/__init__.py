"""Webhooks as an inbound client: what other systems send to `/webhook/NAME`, signed. The other way, events of ours to
an address of yours, is the destination `webhook`."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import hookimpl
from tagserver.plugin.inbound import Client
from tagserver_webhooks.client import Webhooks

__all__ = ["Webhooks", "register_clients"]


@hookimpl
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Bring `clients.webhooks`."""
    register(Webhooks)
