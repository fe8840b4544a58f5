"""TikTok's Events API v1.3 (Events API 2.0) as a destination. Facts and rules: business-api.tiktok.com, Events API."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_tiktok.destination import TikTok

__all__ = ["TikTok", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: tiktok`."""
    register(TikTok)
