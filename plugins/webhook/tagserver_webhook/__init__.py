"""Any address of your own as a destination, signed as Standard Webhooks (github.com/standard-webhooks)."""

from __future__ import annotations

from collections.abc import Callable

from tagserver.plugin import Destination, hookimpl
from tagserver_webhook.destination import Webhook

__all__ = ["Webhook", "register_destinations"]


@hookimpl
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Bring `type: webhook`."""
    register(Webhook)
