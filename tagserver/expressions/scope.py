"""What variables, templates and conditions are evaluated in: one event, and what has been worked out for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tagserver.event.event import Event


class Scope:
    """One event under one container. Each variable is worked out once; `faults` names those that failed, and how.
    `touched` collects the rows of tables that were used, where somebody wants to know."""

    __slots__ = ("event", "faults", "touched", "values")

    def __init__(self, event: Event, touched: set[str] | None = None) -> None:
        self.event = event
        self.touched = touched
        self.values: dict[str, Any] = {}
        self.faults: dict[str, str] = {}

    def seeing(self, event: Event) -> Scope:
        """A scope of the event as somebody else sees it, which notes its faults and rows here."""
        made = Scope(event, self.touched)
        made.faults = self.faults
        return made

    def touch(self, row: str) -> None:
        """Note that a row of a table was used."""
        if self.touched is not None:
            self.touched.add(row)


Value = Callable[[Scope], Any]
"""A compiled value: a constant, a path, a variable or a template. Gives MISSING when there is nothing; never
raises."""
