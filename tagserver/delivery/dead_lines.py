"""One line of the log for each dead letter, or for many that died alike: of the same destination and tag, for the same
reason, with the same code.

A tag that is paused, or a vendor that refuses all of a night, makes thousands at a time. A line for each would push out
of sight what else the log says, and would cost more than to record it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from tagserver.queue.values import DeadLettered, Row
from tagserver.system.time import Time

log = logging.getLogger("tagserver.delivery")

QUIET = 1.0
"""Seconds without another one of its kind after which a group is written."""
LONGEST = 10.0
"""Seconds after which it is written in any case."""
SAMPLE = 3
"""Event ids of a larger group that are named."""
MOST = 200
"""Groups that are gathered at a time."""
MOST_CODES = 20
"""Of one destination, tag and reason at a time. Vendors choose their codes: one that has another for each event gets no
line for each."""
OTHER = "other"

Kind = tuple[str, str, str, str]
"""Destination, tag, reason, code."""


@dataclass(slots=True)
class _Group:
    began: float
    last: float
    detail: str
    count: int = 0
    ids: list[str] = field(default_factory=list)


class DeadLines:
    """Gathers, and writes at `look`, which is called once a second."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._groups: dict[Kind, _Group] = {}

    def dead_lettered(self, destination: str, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> None:
        """Of these rows some have become dead letters."""
        now = self._time.monotonic()
        by_id = {row.id: row for row in rows}
        for one in dead:
            delivery = by_id[one.id]
            kind = destination, delivery.tag, one.reason, one.code
            group = self._groups.get(kind)
            if group is None and self._codes(kind) >= MOST_CODES:
                kind = (*kind[:3], OTHER)
                group = self._groups.get(kind)
            if group is None:
                if len(self._groups) >= MOST:
                    self.close()
                group = self._groups[kind] = _Group(now, now, one.detail)
            group.last = now
            group.count += 1
            if group.count <= SAMPLE:
                group.ids.append(delivery.event_id)

    def _codes(self, kind: Kind) -> int:
        return sum(known[:3] == kind[:3] for known in self._groups)

    def look(self) -> None:
        """Write what is complete."""
        now = self._time.monotonic()
        for kind, group in list(self._groups.items()):
            if now - group.last >= QUIET or now - group.began >= LONGEST:
                _write(kind, self._groups.pop(kind))

    def close(self) -> None:
        """Write all that is there."""
        while self._groups:
            kind = next(iter(self._groups))
            _write(kind, self._groups.pop(kind))


def _write(kind: Kind, group: _Group) -> None:
    destination, tag, reason, code = kind
    fields: dict[str, object] = {"destination": destination, "tag": tag, "outcome": "dead", "reason": reason}
    if code:
        fields["code"] = code
    why = f"{reason} {group.detail}".strip()
    if group.count == 1:
        fields["event_id"] = group.ids[0]
        said = f"event {group.ids[0]} for {destination} is a dead letter: {why}"
    else:
        fields |= {"count": group.count, "events": " ".join(group.ids)}
        said = f"{group.count} events of the tag {tag} for {destination} are dead letters, the first for: {why}"
    log.warning("%s", said, extra=fields)
