"""What was seen and what counts: arrivals from servers and browsers, and which of them are one event.

Deduplication as Meta documents it for `event_id`: same pixel, same event name, same id, byte for byte, within
48 h of the first arrival. The fallback by fbp and external_id is not modelled: it works in one direction only
and is described too loosely to stand in for. An arrival without an id is an event of its own.

For all counts: `arrivals = events_received + pixel_hits = unique + duplicates`. The second half of a pair is
one of the duplicates, and `pairs` says how many of them are that.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from tagserver.sandbox.answers import Refusal

Side = Literal["browser", "server"]

WINDOW = 48 * 3600
DETAILS = 10_000
"""Records kept with their details, newest."""
KEYS = 1_000_000
"""Events known for deduplication. Past this the oldest is forgotten before its window ends."""
NAMES = 1_000
"""Event names with counts of their own; later ones share a line."""
OTHER_NAMES = "(other names)"
SHOWN = 200
_TEXT = 200
"""Characters of a stranger's text that are kept in a record."""

_BITS: dict[Side, int] = {"browser": 1, "server": 2}
_BOTH = 3


class Counts(msgspec.Struct):
    """Counts of one event name, or of all."""

    arrivals: int = 0
    events_received: int = 0
    pixel_hits: int = 0
    unique: int = 0
    pairs: int = 0
    duplicates: int = 0


class Record(msgspec.Struct):
    """One event that counts once, with all its arrivals. A detail is that of the first arrival to have it."""

    pixel: str
    event_name: str
    event_id: str | None
    first_arrival: float
    sources: list[Side] = []
    """In the order of arrival."""
    counts: dict[Side, int] = {}
    pair: bool = False
    value: float | None = None
    currency: str | None = None
    action_source: str | None = None
    event_time: int | None = None
    test_event_code: str | None = None
    data_processing_options: list[str] | None = None
    opt_out: bool | None = None


Details = dict[str, Any]
"""Fields of Record from `value` on, by name."""


class Ledger:
    """Everything the stand-in remembers. `clock` gives seconds; memory is bounded."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        details: int = DETAILS,
        keys: int = KEYS,
    ) -> None:
        self._clock = clock
        self._details = details
        self._keys = keys
        self.forget()

    def forget(self) -> None:
        """Back to the beginning."""
        self.requests = 0
        self.refused = 0
        self.faults = 0
        self.last_refusal: dict[str, Any] | None = None
        self._total = Counts()
        self._by_name: dict[str, Counts] = {}
        # First arrival in ms and a bit for each side, in one integer; the keys by first arrival. There
        # may be a million: as objects they would take twice the memory and burden the garbage collector.
        self._known: dict[str, int] = {}
        self._order: deque[str] = deque()
        self._newest: deque[tuple[str | None, Record]] = deque()
        self._records: dict[str, Record] = {}

    def refuse(self, pixel: str, status: int, refusal: Refusal, events: list[Any] | None) -> None:
        """Count a refused request. `events` is given when one of them is to blame, at the refusal's index."""
        self.refused += 1
        event = None if events is None else events[refusal.index]
        blamed = event if isinstance(event, dict) else {}
        self.last_refusal = {
            "at": self._clock(),
            "pixel": pixel[:_TEXT],
            "status": status,
            "code": refusal.code,
            "subcode": refusal.subcode,
            "message": refusal.message,
            "index": None if events is None else refusal.index,
            "event_name": _text(blamed.get("event_name")),
            "event_id": _text(blamed.get("event_id")),
        }

    def arrive(self, side: Side, pixel: str, name: str, event_id: str | None, details: Details) -> None:
        """Count one event that was accepted."""
        now = self._clock()
        self._forget_old(now)
        key = _key(pixel, name, event_id) if event_id else None
        known = self._known.get(key) if key else None
        bit = _BITS[side]
        is_pair = known is not None and known & _BOTH == _BOTH - bit
        for counts in (self._total, self._named(name)):
            counts.arrivals += 1
            if side == "server":
                counts.events_received += 1
            else:
                counts.pixel_hits += 1
            counts.unique += known is None
            counts.duplicates += known is not None
            counts.pairs += is_pair
        if known is None:
            record = Record(_cut(pixel), _cut(name), _cut(event_id) if event_id else None, now)
            self._show(key, record)
            if key:
                self._remember(key, int(now * 1000) << 2 | bit)
        elif key:
            self._known[key] = known | bit
            if key not in self._records:
                return  # too many newer ones to keep its details
            record = self._records[key]
        _add(record, side, details)

    def stats(self) -> dict[str, Any]:
        """The answer of `/stats.json`."""
        return {
            "requests": self.requests,
            "refused": self.refused,
            "faults": self.faults,
            **msgspec.structs.asdict(self._total),
            "by_name": self._by_name,
            "last_refusal": self.last_refusal,
            "events": [record for _, record in itertools.islice(reversed(self._newest), SHOWN)],
        }

    def _named(self, name: str) -> Counts:
        name = _cut(name)
        if name not in self._by_name and len(self._by_name) >= NAMES:
            name = OTHER_NAMES
        return self._by_name.setdefault(name, Counts())

    def _forget_old(self, now: float) -> None:
        oldest = int((now - WINDOW) * 1000)
        while self._order and self._known[self._order[0]] >> 2 <= oldest:
            self._forget_oldest()

    def _remember(self, key: str, known: int) -> None:
        if len(self._order) >= self._keys:
            self._forget_oldest()
        self._known[key] = known
        self._order.append(key)

    def _forget_oldest(self) -> None:
        """Its record stays to be shown; an equal key from now on is another event with its own record."""
        key = self._order.popleft()
        del self._known[key]
        self._records.pop(key, None)

    def _show(self, key: str | None, record: Record) -> None:
        if len(self._newest) >= self._details:
            oldest_key, oldest = self._newest.popleft()
            if oldest_key and self._records.get(oldest_key) is oldest:
                del self._records[oldest_key]
        self._newest.append((key, record))
        if key:
            self._records[key] = record


def _key(pixel: str, name: str, event_id: str) -> str:
    """One text for the three, such that no two different threes give the same."""
    key = f"{pixel}:{len(name)}:{name}{event_id}"
    return key if len(key) <= 2 * _TEXT else hashlib.sha256(key.encode()).hexdigest()


def _add(record: Record, side: Side, details: Details) -> None:
    if side not in record.sources:
        record.sources.append(side)
    record.counts[side] = record.counts.get(side, 0) + 1
    record.pair = len(record.sources) > 1
    for field, value in details.items():
        if value is not None and getattr(record, field) is None:
            setattr(record, field, _cut(value) if isinstance(value, str) else value)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[:_TEXT] + "…"


def _text(value: object) -> str | None:
    return _cut(value) if isinstance(value, str) else None
