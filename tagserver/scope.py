"""What variables, templates and conditions are evaluated in: one event, and what has been worked out for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tagserver.event import Event


class Scope:
    """One event under one container. Each variable is worked out once; `faults` names those that failed, and how."""

    __slots__ = ("event", "faults", "values")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.values: dict[str, Any] = {}
        self.faults: dict[str, str] = {}


Value = Callable[[Scope], Any]
"""A compiled value: a constant, a path, a variable or a template. Gives MISSING when there is nothing; never
raises."""
