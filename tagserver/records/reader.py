"""What pages, commands and the stream ask of the records: found, joined with their attempts, and put into words.

Everything here may block, and runs in worker threads.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tagserver.records.api import Kept, Reading
from tagserver.records.failures import joined, tries_of
from tagserver.records.making import id_text
from tagserver.records.query import Query, search
from tagserver.records.values import SENDS, ContainerText, EventRecord, OrderEvent
from tagserver.records.view import Tries, summary, whole

NUMBERED = "record:"
"""How an address names a record by its number: `record:17`."""
MOST_OF_ONE = 100
"""Records of one event_id or order that are shown, the newest ones: anybody can send an event_id again."""


class Told(msgspec.Struct, frozen=True):
    """A record as it is kept, as RECORD, and what its container meant, where that is known."""

    record: EventRecord
    shown: dict[str, Any]
    container: ContainerText | None


_is_keyed_hash = re.compile(r"[0-9a-f]{32}\Z").match


class RecordReader:
    """Of one store."""

    def __init__(self, store: Reading) -> None:
        self._store = store

    def kept(self) -> Kept:
        """How much there is, and since when."""
        return self._store.kept()

    def summaries(self, query: Query) -> dict[str, Any]:
        """`{"events": [SUMMARY], "next": number to go on before, or null}`."""
        found = search(self._store, query)
        of = self.tries(found.records)
        return {"events": [summary(one, of) for one in found.records], "next": found.after}

    def records(self, name: str) -> list[dict[str, Any]]:
        """The RECORDs of an event_id, of an order's number, or of `record:N`; the oldest first."""
        found = self.find(name)
        of = self.tries(found)
        return [whole(one, of, self._store.container(one.version)) for one in found]

    def told(self, name: str) -> list[Told]:
        """The same, each with what else a page tells of it."""
        found = self.find(name)
        of = self.tries(found)
        containers = {version: self._store.container(version) for version in {one.version for one in found}}
        return [Told(one, whole(one, of, known := containers[one.version]), known) for one in found]

    def find(self, name: str) -> list[EventRecord]:
        """The same, as they are kept; also those of a person, by the keyed hash that a search answers with."""
        if name.startswith(NUMBERED) and (number := name.removeprefix(NUMBERED)).isdigit() and len(number) < 19:
            record = self._store.numbered(int(number))
            return [] if record is None else [record]
        text = id_text(name)
        found = self._store.of_event(text) or self._store.of_order(text)
        if not found and _is_keyed_hash(name):
            found = self._store.of_person({bytes.fromhex(name)})
        return found[-MOST_OF_ONE:]

    def newest(self) -> Iterator[EventRecord]:
        """Records from the newest on."""
        return self._store.newest()

    def holds(self, query: Query) -> bool:
        """Whether there is anything that a query asks for."""
        return bool(search(self._store, query.newest(1)).records)

    def joined(self) -> Iterator[tuple[EventRecord, Tries]]:
        """Records from the newest on, with attempts that hold their own."""
        return joined(self._store, self._store.newest())

    def tries(self, records: Sequence[EventRecord]) -> Tries:
        """The attempts of these events."""
        return tries_of(self._store, records)

    def orders(self, order: str) -> list[dict[str, Any]]:
        """The rows of an order: one for each event and tag that wanted it; of very many events the newest."""
        events = deque(self._store.orders(id_text(order)), maxlen=MOST_OF_ONE)
        ended = self._store.fates({one.event_id for one in events}) if events else []
        by_delivery = {(one.event_id, one.tag): one for one in ended}
        rows = []
        for event in events:
            for tag in event.tags:
                if tag.reason == "no_trigger":
                    continue
                fate = by_delivery.get((event.event_id, tag.tag))
                known = (fate.fate, fate.reason) if fate is not None else _decided(event, tag.decision, tag.reason)
                rows.append(
                    {
                        "order": event.order,
                        "event_id": event.event_id,
                        "received": event.at,
                        "destination": tag.destination,
                        "tag": tag.tag,
                        "fate": known[0],
                        "reason": known[1],
                        "value": event.value,
                        "currency": event.currency,
                        "source": event.source,
                    }
                )
        return rows


def _decided(event: OrderEvent, decision: str, reason: str) -> tuple[str, str]:
    """What is known of an order at a destination before its delivery has ended, or where there is none."""
    if event.status in ("duplicate", "held"):
        return event.status, ""
    return ("pending", "") if decision in SENDS else (decision, reason)
