"""Which destination is meant: by its name, by one that it had before, or by what only the queue remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tagserver.config.model import Container
from tagserver.queue.pauses import Pause

SHOWN = 20
"""Names that a sentence lists."""


class Unknown(Exception):
    """There is no destination of this name; the sentence lists those that there are."""


def names_of(name: str, container: Container | None, queued: Iterable[str], pauses: Mapping[str, Pause]) -> list[str]:
    """All names of a destination, the present one first. `queued`: destinations that the queue has ever seen; one that
    is not configured any more can be stopped, too, for the day on which it comes back. Raises Unknown."""
    destination = container.destination(name) if container is not None else None
    if destination is not None:
        return [destination.name, *destination.aliases]
    queued = list(queued)
    if name in queued or any(name in pause.names for pause in pauses.values()):
        return [name]
    known = sorted({*(container.destinations if container is not None else ()), *queued, *pauses})
    listed = ", ".join(known[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    raise Unknown(
        f'there is no destination "{name[:100]}"; there are: {listed}'
        if known
        else f'there is no destination "{name[:100]}", nor any other'
    )
