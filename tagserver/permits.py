"""May this queued delivery still be sent? Asked before every attempt, with the configuration as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tagserver.container.model import Container
from tagserver.delivery.outbox import Row

Refusal = tuple[str, str]
"""The reason to bury a row (`consent`, `tag_removed`, `destination_changed`) and a sentence."""


def permits(row: Row, container: Container, withdrawn: Callable[[Sequence[bytes]], bool]) -> Refusal | None:
    """None when the row may be sent. `withdrawn` knows the tombstones of persons who took their consent back.

    The consent that counts is what was granted when the event came in, against what the tag needs today: a tag that
    has become stricter stops its own backlog.
    """
    delivery = row.delivery
    tag = container.tag(delivery.tag)
    if tag is None or delivery.destination not in (tag.destination.name, *tag.destination.aliases):
        return ("tag_removed", f"the tag {delivery.tag} no longer sends to {delivery.destination}")
    if tag.paused:
        return ("tag_removed", f"the tag {delivery.tag} is paused")
    if not tag.needs.purposes <= delivery.purposes:
        missing = tag.needs.purposes - delivery.purposes
        return ("consent", f"the tag now needs {', '.join(sorted(missing))}, which was not granted")
    if delivery.person and withdrawn(delivery.person):
        return ("consent", "the person has withdrawn consent")
    if tag.destination.identity != delivery.identity:
        return ("destination_changed", f"{delivery.destination} is another account since this was queued")
    return None
