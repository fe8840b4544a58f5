"""The counters of every destination, written in the transaction that moves the row.

`accepted = delivered + pending + dead + erased` holds in every committed state, because each move changes two of
them or all in one go.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping

from tagserver.queue.dead_counts import Burials
from tagserver.queue.outbox import Counts
from tagserver.queue.sqlite.volumes import Volumes

DEAD = "dead:"


class Counters:
    """Kept in memory by the writer's thread; `shown` is the last committed picture and may be read from any thread."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._values: Counter[tuple[str, str]] = Counter()
        for destination, name, value in database.execute("SELECT destination, name, value FROM counter"):
            self._values[destination, name] = value
        # Pending is what lies there; it is counted, not believed.
        for key in [key for key in self._values if key[1] == "pending"]:
            self._values[key] = 0
        pending = dict(database.execute("SELECT destination, count(*) FROM delivery GROUP BY destination").fetchall())
        self._values.update({(destination, "pending"): number for destination, number in pending.items()})
        self.volumes = Volumes(database, pending)
        self._delta: Counter[tuple[str, str]] = Counter()
        self._pending: Counter[tuple[str, str]] = Counter()
        self.shown: Mapping[str, Counts] = self._picture()
        self.burials = Burials()

    def bury(self, destination: str, reason: str, code: str = "") -> None:
        """A row becomes a dead letter inside the present transaction; `code` is the vendor's."""
        self.add(destination, DEAD + reason, 1)
        self.burials.add(destination, reason, code)

    def add(self, destination: str, name: str, number: int) -> None:
        """Change a counter inside the present transaction. For `pending`, `wait` knows the bytes as well."""
        self._delta[destination, name] += number
        if name == "pending":
            self.volumes.add(destination, number, None)

    def wait(self, destination: str, rows: int, payload: int) -> None:
        """Rows begin to wait, or do no more (then both are negative), inside the present transaction; `payload`: bytes
        of their payloads."""
        self._delta[destination, "pending"] += rows
        self.volumes.add(destination, rows, payload)

    def pending(self, destination: str) -> int:
        """How many deliveries of a destination wait, as of the last commit."""
        return self._values[destination, "pending"]

    def write(self, database: sqlite3.Connection) -> None:
        """Write the changes since the last call; the last statement of every operation that moves rows."""
        changed = [(destination, name, number) for (destination, name), number in self._delta.items() if number]
        if changed:
            database.executemany(
                "INSERT INTO counter (destination, name, value) VALUES (?, ?, ?) "
                "ON CONFLICT (destination, name) DO UPDATE SET value = value + excluded.value",
                changed,
            )
            self._pending.update(self._delta)
        self.volumes.write(database)
        self._delta.clear()

    def committed(self, ok: bool) -> None:
        """After a group: take its changes over, or forget them."""
        self.burials.committed(ok)
        self.volumes.committed(ok)
        if ok and self._pending:
            self._values.update(self._pending)
            self.shown = self._picture()
        self._pending = Counter()
        self._delta.clear()

    def _picture(self) -> Mapping[str, Counts]:
        by: dict[str, dict[str, int]] = defaultdict(dict)
        for (destination, name), value in self._values.items():
            by[destination][name] = value
        return {
            destination: Counts(
                accepted=values.get("accepted", 0),
                delivered=values.get("delivered", 0),
                pending=values.get("pending", 0),
                erased=values.get("erased", 0),
                dead=sum(value for name, value in values.items() if name.startswith(DEAD)),
                dead_by_reason={
                    name.removeprefix(DEAD): value
                    for name, value in sorted(values.items())
                    if name.startswith(DEAD) and value
                },
            )
            for destination, values in by.items()
        }
