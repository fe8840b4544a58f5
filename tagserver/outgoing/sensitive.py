"""What a visitor may limit the use of: sensitive data, as the laws of US states have it and a GPP string says it.

Only the site knows which of its fields are sensitive. Where the visitor limits them, no tag sees them, in no
transformation either, and no tag sets them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagserver.event.event import Event
from tagserver.event.paths import without
from tagserver.outgoing.path_filter import Path
from tagserver.plugin.destination import Omitted

WHY = "is sensitive, and the visitor limits its use"


class Sensitive:
    """One event without these paths, of which there are none where nothing is limited. `omitted`: those that it had."""

    def __init__(self, paths: Sequence[Path], event: Event) -> None:
        self._paths = paths
        data, self.omitted = self._without(event.data) if paths else (event.data, [])
        self.event = event
        if self.omitted:
            self.event = Event(event.name, event.event_id, event.time, data, event.facts, event.client, event.notes)

    def parameters(self, parameters: dict[str, Any]) -> tuple[dict[str, Any], list[Omitted]]:
        """What a tag sets itself, without what has one of these names."""
        return self._without(parameters) if self._paths else (parameters, [])

    def _without(self, data: Any) -> tuple[Any, list[Omitted]]:
        omitted = []
        for path in self._paths:
            kept = without(data, path)
            if kept != data:
                data = kept
                omitted.append(Omitted(".".join(path), WHY))
        return data, omitted
