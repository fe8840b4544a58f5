"""A made-up parcel service as a destination of tagserver."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_parcels.destination import Parcels

__all__ = ["Parcels", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: parcels`."""
    register(Parcels)
