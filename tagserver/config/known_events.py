"""The trigger `known events`: those that the tag's destination has a name for.

It is told by the event's name alone, so that it costs no event anything: the index of tags by names knows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tagserver.config.lint.near_names import VendorNames
from tagserver.expressions.conditions import Ask
from tagserver.expressions.scope import Scope

KNOWN_EVENTS = "known events"


@dataclass(frozen=True, slots=True)
class KnownEvents:
    """A trigger (see `model.Trigger`) for the events that one destination's vendor knows, by our name for them or its
    own."""

    vendor: VendorNames
    name: str = KNOWN_EVENTS

    def wants(self, event_name: str) -> bool:
        """Whether the vendor has a name for it, or it is one."""
        return event_name in self.vendor.names or event_name in self.vendor.theirs

    def holds(self, scope: Scope) -> bool:
        """Always: the name is all that it asks."""
        return True

    @property
    def ask(self) -> Ask | None:
        """Nothing but the name."""
        return None

    def met(self, scope: Scope) -> tuple[int, int]:
        """Its one condition is the name."""
        return int(self.wants(scope.event.name)), 1

    def explain(self, scope: Scope) -> str:
        """What the vendor calls the event."""
        event = scope.event.name
        if not self.wants(event):
            return f'{self.vendor.type} has no standard name for "{event}"'
        return f'{self.vendor.type} calls "{event}" "{self.vendor.names.get(event, event)}"'
