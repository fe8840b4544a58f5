"""Reddit's Conversions API v3 as a destination. Facts and rules: ads-api.reddit.com, Conversions API."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_reddit.destination import Reddit

__all__ = ["Reddit", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: reddit`."""
    register(Reddit)
