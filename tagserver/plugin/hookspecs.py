"""The hooks of tagserver. Read from top to bottom, this is what a plugin can add."""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from tagserver.plugin import Destination, Variable

hookspec = pluggy.HookspecMarker("tagserver")


@hookspec
def register_destinations(register: Callable[[type[Destination]], None]) -> None:
    """Call `register(cls)` once for each destination class. Called once, when the server loads its plugins."""


@hookspec
def register_variables(register: Callable[[type[Variable]], None]) -> None:
    """Call `register(cls)` once for each kind of variable. Called once, when the server loads its plugins."""
