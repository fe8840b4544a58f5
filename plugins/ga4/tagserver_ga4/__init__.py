"""Google Analytics 4 as a destination, by its Measurement Protocol. Facts and rules: Google's reference of it."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_ga4.destination import Ga4

__all__ = ["Ga4", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: ga4`."""
    register(Ga4)
