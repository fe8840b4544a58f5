"""The events that a vendor knows by name: what it calls ours, and which others it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StandardEvents:
    """What a destination states of its vendor's standard events.

    `names`: the event's name in the data layer → the vendor's (`purchase` → `Purchase`). `others`: names of the vendor
    that no event of the data layer has. `of_tags`: a tag's own `event_name` is looked up in `names`, too, so that
    `purchase` is right there as well.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    of_tags: bool = False

    @property
    def vendors(self) -> frozenset[str]:
        """All names of the vendor."""
        return self.others.union(self.names.values())


def sound_events(stated: object) -> StandardEvents | None:
    """What a destination states, or None where that is something else: names are texts."""
    if not isinstance(stated, StandardEvents):
        return None
    try:
        texts = [*stated.names, *stated.names.values(), *stated.others]
    except (TypeError, AttributeError):
        return None
    return stated if all(isinstance(one, str) for one in texts) else None
