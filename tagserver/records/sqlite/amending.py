"""What becomes of a group before it is written: new events get their numbers, refused requests that are told again are
counted where they are, and what cannot be kept is left out."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import force_setattr, replace

from tagserver.records.api import Group
from tagserver.records.sqlite.blocks import encoder
from tagserver.records.sqlite.limits import Cutoffs
from tagserver.records.sqlite.series import MakeRoom, Series
from tagserver.records.sqlite.walk import Found, read
from tagserver.records.values import EventRecord

log = logging.getLogger("tagserver.records")

Value = TypeVar("Value")
UNENCODABLE = (TypeError, ValueError, OverflowError, RecursionError, msgspec.EncodeError)
"""What is raised for a value that cannot be written."""


class Numbered(NamedTuple):
    """`all` in the order given; `new` without those that have replaced another."""

    all: list[EventRecord]
    new: list[EventRecord]


def amend(
    database: sqlite3.Connection,
    refused: Series[EventRecord],
    events: Sequence[EventRecord],
    following: int,
    cutoffs: Cutoffs,
    room: Callable[[Series[Any]], MakeRoom],
) -> tuple[Numbered, int]:
    """Those that have a number replace the refused request of that number, the others get theirs from `following` on;
    the number that follows then."""
    again = {one.number: one for one in events if one.number}
    done = _replaced(database, refused, again, cutoffs.records(), room(refused)) if again else set()
    found, new = [], []
    for one in events:
        if one.number not in done:
            # A copy that nobody else has yet, so it may still be changed; `replace` takes five times as long.
            numbered = one.__copy__()  # type: ignore[attr-defined]  # msgspec has it, and its stub does not
            force_setattr(numbered, "number", following)
            following += 1
            found.append(numbered)
            new.append(numbered)
        else:
            found.append(one)
    return Numbered(found, new), following


def _replaced(
    database: sqlite3.Connection,
    refused: Series[EventRecord],
    again: dict[int, EventRecord],
    since: int,
    make_room: MakeRoom,
) -> set[int]:
    """Put these in place of those of their numbers; which of them were there."""
    query = "SELECT first, last, shared, body FROM refused WHERE first <= ? ORDER BY first DESC LIMIT 1"
    done: set[int] = set()
    before = max(again) + 1
    while before > min(again):
        rows = database.execute(query, (before - 1,)).fetchall()
        if not rows:
            break
        block = Found(*rows[0])
        before = block.first
        records = read(refused.kind, block)
        there = {one.number for one in records if one.received >= since and one.number in again}
        if there:
            amended = [again[one.number] if one.number in there else one for one in records]
            refused.amend(database, block.first, block.last, amended, make_room)
            done |= there
    return done


def encodable(group: Group) -> Group:
    """The group without what cannot be written, such as whole numbers beyond 64 bits in an event. Of each event there
    is at least that it was."""
    return Group(
        events=[one for event in group.events for one in _sound(event, replace(event, full=None), _bare(event))],
        attempts=[one for attempt in group.attempts for one in _sound(attempt)],
        orders=[one for order in group.orders for one in _sound(order)],
        fates=[one for fate in group.fates for one in _sound(fate)],
        containers=[one for container in group.containers for one in _sound(container)],
    )


def _bare(event: EventRecord) -> EventRecord:
    return EventRecord(event.number, event.received, None, None, "", "", event.status, "")


def _sound(*choices: Value) -> Sequence[Value]:
    """The first of them that can be encoded, if any."""
    for one in choices:
        try:
            encoder.encode(one)
        except UNENCODABLE:
            continue
        return (one,)
    log.error("a record of the kind %s is lost, because it cannot be kept", type(choices[0]).__name__)
    return ()
