"""Refused requests, counted: equal ones of a minute are one record, which is written at once and counts on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from tagserver.records.masking.mask import masked_text
from tagserver.records.values import EventRecord, Problem

MINUTE = 60_000
MOST_KINDS = 200
"""Kinds that are counted within a minute; beyond it all origins of a reason and client are one kind."""
MOST_WAITING = 20_000
"""Refusals between two groups; what is beyond is counted in the metrics alone."""

Kind = tuple[str, str, str]
"""Reason, the inbound client (empty for `/collect`), origin."""


class Refusals:
    """Those of one server. `add` is called by the event loop, the rest by the thread that writes."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, str, str, str, int]] = deque()
        self._kinds: dict[Kind, EventRecord] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, reason: str, message: str, origin: str, at: int, client: str = "") -> None:
        """One more. `at` in ms."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((reason, client, message, origin, at))

    def take(self, now: int) -> list[tuple[Kind, EventRecord]]:
        """The records that are new or have counted on, each with its kind."""
        if not self._waiting:
            return []
        self._kinds = {kind: one for kind, one in self._kinds.items() if 0 <= now - one.received < MINUTE}
        changed: dict[Kind, EventRecord] = {}
        while self._waiting:
            reason, client, message, origin, at = self._waiting.popleft()
            kind = reason, client, origin
            known = changed.get(kind) or self._kinds.get(kind)
            if known is None and len(self._kinds) >= MOST_KINDS:
                kind = reason, client, ""
                known = changed.get(kind) or self._kinds.get(kind)
            changed[kind] = self._kinds[kind] = (
                _first(*kind, message, at) if known is None else msgspec.structs.replace(known, count=known.count + 1)
            )
        return list(changed.items())

    def kept(self, records: Iterable[tuple[Kind, EventRecord]]) -> None:
        """They are written: by the numbers that they have now they count on."""
        self._kinds.update(records)


def _first(reason: str, client: str, origin: str, message: str, at: int) -> EventRecord:
    problem = Problem("", reason, masked_text(message))
    return EventRecord(
        0, at, None, None, "", client, "refused", "", problems=(problem,), reason=reason, origin=masked_text(origin)
    )
