"""Which events failed: at a plugin, or on their way to a vendor. What came of deliveries stands beside the records, so
that records are joined with their attempts before one can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from tagserver.records.api import Reading
from tagserver.records.values import SENDS, EventRecord, RowOutcome
from tagserver.records.view import Tries, tries

SLACK = 60_000
"""Milliseconds by which the clock may have gone back between an event and its first attempt."""
TOGETHER = 500
"""Records that are joined with their attempts in one go."""


def tries_of(store: Reading, records: Sequence[EventRecord]) -> Tries:
    """The attempts of these events, which are asked of the store in one go."""
    sent = [one for one in records if any(tag.decision in SENDS for tag in one.tags)]
    ids = {one.event_id for one in sent if one.event_id is not None}
    return tries(store.attempts(ids, min(one.received for one in sent) - SLACK)) if ids else {}


def is_failure(outcome: RowOutcome) -> bool:
    """Whether an attempt did not bring a delivery to its vendor, or a delivery was given up."""
    return bool(outcome.dead) or outcome.outcome not in ("delivered", "")


def plugin_failed(record: EventRecord, tag: str = "") -> bool:
    """Whether the plugin failed for a tag, or for this one."""
    return any(one.decision == "error" and one.tag == (tag or one.tag) for one in record.tags)


def has_failed(record: EventRecord, of: Tries, tag: str = "") -> bool:
    """Whether something of an event failed, at a tag or at this one, as things stand: the plugin, or a delivery that is
    tried again or was given up."""
    if plugin_failed(record, tag):
        return True
    sent = (one.tag for one in record.tags if one.decision in SENDS and one.tag == (tag or one.tag))
    made = (of.get((record.event_id or "", one), ()) for one in sent)
    return any(is_failure(attempts[-1][1]) for attempts in made if attempts)


def joined(store: Reading, records: Iterable[EventRecord]) -> Iterator[tuple[EventRecord, Tries]]:
    """Each record with attempts that hold its own."""
    left = iter(records)
    while some := list(islice(left, TOGETHER)):
        of = tries_of(store, some)
        yield from ((one, of) for one in some)
