"""Segment's wire format as a door: what its libraries send, and RudderStack's and Jitsu's, as events."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import hookimpl
from tagserver.plugin.inbound import Client
from tagserver_segment.client import Segment

__all__ = ["Segment", "register_clients"]


@hookimpl
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Bring `clients.segment`."""
    register(Segment)
