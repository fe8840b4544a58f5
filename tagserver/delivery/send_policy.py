"""May this queued delivery still be sent? Asked before every attempt, with the configuration as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tagserver.config.model import Container
from tagserver.event.consent_fields import AD_PURPOSES
from tagserver.queue.values import EVERYTHING, Delivery, Row, Trace

Refusal = tuple[str, str]
"""The reason to bury a row (`consent`, `tag_removed`, `destination_changed`) and a sentence."""
Withdrawn = Callable[[Sequence[bytes], int], frozenset[str]]
"""Knows the tombstones: see `Suppressions.withdrawn`."""
_ADS = frozenset(AD_PURPOSES)


def permits(row: Row, container: Container, withdrawn: Withdrawn) -> Refusal | None:
    """None when the row may be sent.

    The consent that counts is what was granted when the event came in, without what its person has taken back since,
    against what the tag needs today: a tag that has become stricter stops its own backlog.
    """
    tag = container.tag(row.tag)
    if tag is None or row.destination not in (tag.destination.name, *tag.destination.aliases):
        return ("tag_removed", f"the tag {row.tag} no longer sends to {row.destination}")
    if tag.paused:
        return ("tag_removed", f"the tag {row.tag} is paused")
    if not tag.needs.purposes <= row.purposes:
        missing = tag.needs.purposes - row.purposes
        return ("consent", f"the tag now needs {', '.join(sorted(missing))}, which was not granted")
    if lost := taken_back(trace(row), container, withdrawn):
        return ("consent", why(lost))
    if tag.destination.identity != row.identity:
        return ("destination_changed", f"{row.destination} is another account since this was queued")
    return None


def trace(delivery: Delivery | Row) -> Trace:
    """What a delivery tells about its person."""
    return Trace(delivery.person, delivery.tag, delivery.purposes, min(delivery.time, delivery.received))


def taken_back(delivery: Trace, container: Container, withdrawn: Withdrawn) -> frozenset[str]:
    """Of the purposes that a delivery relies on, those that its person has taken back; EVERYTHING of who asked to be
    forgotten.

    An ads payload relies on each ad purpose that was granted, also beyond what its tag needs: with less it would have
    been built in the restricted form, and a built payload cannot be restricted any more.
    """
    lost = withdrawn(delivery.person, delivery.at) if delivery.person else frozenset()
    if not lost or EVERYTHING in lost:
        return lost
    lost &= delivery.purposes
    tag = container.tag(delivery.tag)
    if tag is None:
        return lost  # nobody knows what it was for
    needs = tag.needs
    about_ads = needs.ads or not needs.purposes.isdisjoint(_ADS)
    return lost & (needs.purposes | _ADS if about_ads else needs.purposes)


def why(lost: frozenset[str]) -> str:
    """The sentence for what was taken back."""
    if EVERYTHING in lost:
        return "the person asked to be forgotten"
    return f"the person has withdrawn {', '.join(sorted(lost))}"
