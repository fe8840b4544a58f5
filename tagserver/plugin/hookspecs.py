"""The hooks of tagserver. Read from top to bottom, this is what a plugin can add."""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from tagserver.plugin import Destination, Variable
from tagserver.plugin.client import Client

hookspec = pluggy.HookspecMarker("tagserver")


@hookspec
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Call `register(cls)` once for each destination class. Called once, when the server loads its plugins."""


@hookspec
def register_variables(register: Callable[[type[Variable]], None]) -> None:
    """Call `register(cls)` once for each kind of variable. Called once, when the server loads its plugins."""


@hookspec
def register_clients(register: Callable[[type[Client]], None]) -> None:
    """Call `register(cls)` once for each inbound client. Called once, when the server loads its plugins."""
