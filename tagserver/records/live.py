"""What was just put on record, told to whoever watches: a page's stream, or `tap`.

A viewer is never waited for: each has a bounded queue, and hears how many events were left out. Events of one name are
told fairly: a busy name does not hide a rare one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tagserver.records.failures import is_failure, plugin_failed
from tagserver.records.making import ends
from tagserver.records.query import Query
from tagserver.records.values import Attempted, EventRecord, RowOutcome
from tagserver.records.view import summary, tries
from tagserver.records.words.sentences import verdict_after

MOST_WAITING = 200
"""Messages that wait for one viewer."""
MOST_WATCHED = 2000
"""Events of which a viewer is told what came of their deliveries."""
MOST_OF_A_NAME = 20
"""Events of one name that a viewer is told of a group, which is a fifth of a second's."""


class Message(msgspec.Struct):
    """What a viewer is told. `kind`: `record` (a SUMMARY), `attempt` (what came of a delivery), `skipped` (how many
    records were left out) or `end` (the server ends). `number`: of the record, by which a stream goes on; 0 for none.
    `text`: as a stream writes it, once that was made. All viewers get one and the same, which is not to be changed.
    """

    kind: str
    data: dict[str, Any]
    number: int = 0
    text: str = ""


class _Group:
    """A group that was put on record, as messages: each is made when the first viewer is told of it, for all."""

    def __init__(self, records: Sequence[EventRecord], attempts: Sequence[Attempted]) -> None:
        self.records = records
        self.ends = [(attempt, *row, outcome) for attempt in attempts for row, outcome in ends(attempt)]
        self._of_records: dict[int, Message] = {}
        self._of_ends: dict[int, Message] = {}

    def record(self, place: int) -> Message:
        """Of a record, by its place."""
        if (made := self._of_records.get(place)) is None:
            record = self.records[place]
            made = self._of_records[place] = Message("record", summary(record, {}), record.number)
        return made

    def end(self, place: int) -> Message:
        """Of what came of a delivery, by its place."""
        if (made := self._of_ends.get(place)) is None:
            made = self._of_ends[place] = Message("attempt", _attempt(*self.ends[place]))
        return made


class Viewer:
    """One of those who watch. Asked for its messages until `end`."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._holds = query.holds
        self._queue: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING + 1)
        self._watched: dict[str, EventRecord | None] = {}
        """By event_id: None where the event was told of, else what is told of it when it fails."""
        self._skipped = 0

    async def next(self, seconds: float) -> Message | None:
        """The next message; None when there is none for so many seconds."""
        if not self._queue.empty():
            return self._queue.get_nowait()  # to wait takes a task, which costs more than the message
        try:
            return await asyncio.wait_for(self._queue.get(), seconds)
        except TimeoutError:
            return None

    def tell(self, group: _Group) -> None:
        """A group was put on record."""
        told: Counter[str] = Counter()
        for place, record in enumerate(group.records):
            if not self._holds(record):
                continue
            if self._query.verdict == "failed" and not plugin_failed(record, self._query.tag):
                self._watch(record, waits=True)
            elif self._may_tell(record, told) and self._put(group.record(place)):
                self._watch(record)
            else:
                self._skipped += 1
        watched = self._watched
        for place, (attempt, event_id, tag, outcome) in enumerate(group.ends):
            if event_id not in watched:
                continue
            if (waiting := watched[event_id]) is not None:
                if not is_failure(outcome) or tag != (self._query.tag or tag):
                    continue
                watched[event_id] = None
                failed = Message("record", summary(waiting, tries([attempt])), waiting.number)
                if not (self._may_tell(waiting, told) and self._put(failed)):
                    self._skipped += 1
            self._put(group.end(place))
        if self._skipped and self._put(Message("skipped", {"records": self._skipped})):
            self._skipped = 0

    def _may_tell(self, record: EventRecord, told: Counter[str]) -> bool:
        """Whether there is room. `told`: how many of each name in this group."""
        name = record.name or record.status
        told[name] += 1
        return told[name] <= MOST_OF_A_NAME and self._queue.qsize() < MOST_WAITING

    def _watch(self, record: EventRecord, *, waits: bool = False) -> None:
        if record.event_id is None:
            return
        self._watched[record.event_id] = record if waits else None
        if len(self._watched) > MOST_WATCHED:
            del self._watched[next(iter(self._watched))]

    def end(self) -> None:
        """Nothing more comes."""
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(Message("end", {}))

    def _put(self, message: Message) -> bool:
        if self._queue.qsize() >= MOST_WAITING:
            return False
        self._queue.put_nowait(message)
        return True


def _attempt(attempt: Attempted, event_id: str, tag: str, outcome: RowOutcome) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "tag": tag,
        "destination": attempt.destination,
        "at": attempt.at,
        "status": attempt.status,
        "outcome": outcome.outcome or outcome.moved or "dead",
        "reason": outcome.reason if outcome.moved else outcome.dead or outcome.reason,
        "message": outcome.message,
        "ms": attempt.ms,
        "verdict": verdict_after(outcome),
    }


class Live:
    """Those who watch. All of it on the event loop, but for `watched`."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()
        self.ended = False
        """Whether the server ends: nobody can watch any more."""

    @property
    def watched(self) -> bool:
        """Whether anybody does."""
        return bool(self._viewers)

    @property
    def viewers(self) -> int:
        """How many."""
        return len(self._viewers)

    def watch(self, query: Query) -> Viewer:
        """One more."""
        viewer = Viewer(query)
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """One fewer."""
        self._viewers.discard(viewer)

    def tell(self, records: Sequence[EventRecord], attempts: Sequence[Attempted]) -> None:
        """To all of them."""
        group = _Group(records, attempts)
        for viewer in self._viewers:
            viewer.tell(group)

    def end(self) -> None:
        """The server ends: streams must not hold it up."""
        self.ended = True
        for viewer in self._viewers:
            viewer.end()
