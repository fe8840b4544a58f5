"""Snapchat's Conversions API v3 as a destination. Facts and rules: developers.snap.com, Conversions API."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_snapchat.destination import Snapchat

__all__ = ["Snapchat", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: snapchat`."""
    register(Snapchat)
