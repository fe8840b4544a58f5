"""May this queued delivery still be sent? Asked before every attempt, with the configuration as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tagserver.config.model import Container
from tagserver.event.consent_fields import AD_PURPOSES
from tagserver.queue.api import Suppressions
from tagserver.queue.values import EVERYTHING, Delivery, Row, Trace

Refusal = tuple[str, str]
"""The reason for which a row becomes a dead letter (`consent`, `tag_removed`, `destination_changed`) and a sentence."""
Withdrawn = Callable[[Sequence[bytes], int], frozenset[str]]
"""Knows the tombstones: see `Suppressions.withdrawn`."""
_ADS = frozenset(AD_PURPOSES)


_Class = tuple[Refusal | None, Refusal | None]
"""What stops all rows of one tag, destination, account and set of purposes alike: what goes before an opt-out of the
person, and what comes after."""


def refusals(rows: Sequence[Row], container: Container, suppressions: Suppressions) -> dict[int, Refusal]:
    """Of these rows those that may not be sent, by id, and why. What rows have in common is asked once for all."""
    withdrawn = suppressions.withdrawn if suppressions.tombstones() else None
    known: dict[tuple[str, str, frozenset[str], str], _Class] = {}
    refused = {}
    for row in rows:
        key = row.tag, row.destination, row.purposes, row.identity
        if (of_class := known.get(key)) is None:
            of_class = known[key] = _of_class(row, container)
        before, after = of_class
        if before is None and withdrawn is not None:
            before = _opted_out(row, container, withdrawn)
        if (refusal := before or after) is not None:
            refused[row.id] = refusal
    return refused


def permits(row: Row, container: Container, withdrawn: Withdrawn) -> Refusal | None:
    """None when the row may be sent.

    The consent that counts is what was granted when the event came in, without what its person has withdrawn since,
    against what the tag needs today: a tag that has become stricter stops its own backlog.
    """
    before, after = _of_class(row, container)
    return before or _opted_out(row, container, withdrawn) or after


def _of_class(row: Row, container: Container) -> _Class:
    tag = container.tag(row.tag)
    if tag is None or row.destination not in (tag.destination.name, *tag.destination.aliases):
        return ("tag_removed", f"the tag {row.tag} no longer sends to {row.destination}"), None
    if tag.paused:
        return ("tag_removed", f"the tag {row.tag} is paused"), None
    if not tag.needs.purposes <= row.purposes:
        missing = tag.needs.purposes - row.purposes
        return ("consent", f"the tag now needs {', '.join(sorted(missing))}, which was not granted"), None
    if tag.destination.identity != row.identity:
        return None, ("destination_changed", f"{row.destination} is another account since this was queued")
    return None, None


def _opted_out(row: Row, container: Container, withdrawn: Withdrawn) -> Refusal | None:
    lost = lost_purposes(trace(row), container, withdrawn)
    return ("consent", why(lost)) if lost else None


def trace(delivery: Delivery | Row) -> Trace:
    """What a delivery tells about its person."""
    return Trace(delivery.person, delivery.tag, delivery.purposes, min(delivery.time, delivery.received))


def lost_purposes(delivery: Trace, container: Container, withdrawn: Withdrawn) -> frozenset[str]:
    """Of the purposes that a delivery relies on, those that its person has withdrawn; EVERYTHING of who asked to be
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
    """The sentence for what was withdrawn."""
    if EVERYTHING in lost:
        return "the person asked to be forgotten"
    return f"the person has withdrawn {', '.join(sorted(lost))}"
