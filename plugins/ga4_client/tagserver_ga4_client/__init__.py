"""Google Analytics 4 as an inbound client: hits of gtag.js and GTM, and Google's Measurement Protocol. The other way,
events of ours to Google Analytics, is the destination `ga4`."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import hookimpl
from tagserver.plugin.inbound import Client
from tagserver_ga4_client.client import Ga4Client

__all__ = ["Ga4Client", "register_clients"]


@hookimpl
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Bring `clients.ga4`."""
    register(Ga4Client)
