"""A configured destination as delivery sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tagserver.plugin import Destination


@dataclass(frozen=True, slots=True)
class Target:
    """`paused` says why nothing can be sent (a missing secret), or is None. `hosts` are the plugin's, `egress` the
    operator's. `data`: the data folder, below which sinks have their relative paths. `held`: somebody has stopped it by
    hand, and how that reads; of the way to the vendor it says nothing."""

    destination: Destination
    settings: Any
    paused: str | None
    hosts: tuple[str, ...]
    egress: tuple[str, ...]
    data: Path = Path("data")
    held: str | None = field(default=None, compare=False)

    @property
    def still(self) -> str | None:
        """Why nothing is sent, or None."""
        return self.held if self.held is not None else self.paused

    def same(self, other: Target | None) -> bool:
        """Whether the way to the vendor is the same. The plugin's object is another one after each load."""
        if other is None or type(self.destination) is not type(other.destination):
            return False
        return replace(self, destination=other.destination) == other
