"""LinkedIn's Conversions API as a destination. Facts and rules: learn.microsoft.com, LinkedIn, Conversions API."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_linkedin.destination import LinkedIn

__all__ = ["LinkedIn", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: linkedin`."""
    register(LinkedIn)
