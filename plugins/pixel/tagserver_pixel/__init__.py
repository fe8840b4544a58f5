"""Meta's pixel in the page as a source: calls of `fbq` that the page's script sends, as events."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import hookimpl
from tagserver.plugin.inbound import Client
from tagserver_pixel.client import Pixel

__all__ = ["Pixel", "register_clients"]


@hookimpl
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Bring `clients.pixel`."""
    register(Pixel)
