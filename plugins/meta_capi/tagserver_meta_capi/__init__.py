"""Meta's Conversions API as a destination. Facts and rules: Meta's developer documentation of the Conversions API."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_meta_capi.destination import MetaCapi

__all__ = ["MetaCapi", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: meta_capi`."""
    register(MetaCapi)
