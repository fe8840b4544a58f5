"""Pinterest's Conversions API v5 as a destination. Facts and rules: Pinterest's description of its API, 5.23."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_pinterest.destination import Pinterest

__all__ = ["Pinterest", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: pinterest`."""
    register(Pinterest)
