"""Stape's Data Tag, its server SDKs and its apps as a source: what they send to /data, as events."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import hookimpl
from tagserver.plugin.inbound import Client
from tagserver_stape.client import Stape

__all__ = ["Stape", "register_clients"]


@hookimpl
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Bring `clients.stape`."""
    register(Stape)
