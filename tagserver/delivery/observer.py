"""Whoever is told what happens in the workers, so that it can be said in one place and once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tagserver.plugin.destination import Response
from tagserver.queue.values import DeadLettered, Row


@dataclass(frozen=True, slots=True)
class Observer:
    """Called on the event loop, once a batch and never once an event; must not raise.

    `moved(destination)`: its state may be another one now. `buried(destination, rows, buried)`: of these rows some have
    become dead letters, and are recorded. `answered(destination, response)`: a vendor has answered.
    """

    moved: Callable[[str], None] = lambda destination: None
    buried: Callable[[str, Sequence[Row], Sequence[DeadLettered]], None] = lambda destination, rows, buried: None
    answered: Callable[[str, Response], None] = lambda destination, response: None


NOBODY = Observer()
