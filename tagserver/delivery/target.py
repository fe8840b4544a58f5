"""A configured destination as delivery sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tagserver.plugin import Destination


@dataclass(frozen=True, slots=True)
class Target:
    """`paused` says why nothing can be sent (a missing secret), or is None. `hosts` are the plugin's, `egress` the
    operator's. `data`: the data folder, below which sinks have their relative paths."""

    destination: Destination
    settings: Any
    paused: str | None
    hosts: tuple[str, ...]
    egress: tuple[str, ...]
    data: Path = Path("data")

    def same(self, other: Target | None) -> bool:
        """Whether the way to the vendor is the same. The plugin's object is another one after each load."""
        if other is None or type(self.destination) is not type(other.destination):
            return False
        return replace(self, destination=other.destination) == other
