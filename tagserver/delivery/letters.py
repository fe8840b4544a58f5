"""Dead letters in the SQLite engine: looked through, tried again, dropped, and removed when they are old."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from tagserver.delivery.counters import DEAD, Counters
from tagserver.delivery.outbox import Account, Choice, DeadLetter, Retried
from tagserver.delivery.presence import Presence
from tagserver.delivery.rows import NAMES

SLICE = 500


class Letters:
    """Used inside the writer's transactions."""

    def __init__(self, counters: Counters, presence: Presence, clock: Callable[[], int]) -> None:
        self._counters = counters
        self._presence = presence
        self._clock = clock

    def look(self, database: sqlite3.Connection, choice: Choice, limit: int) -> list[DeadLetter]:
        """The newest letters of a choice, without their payloads."""
        where, values = _where(choice)
        found = database.execute(
            "SELECT id, destination, tag, name, event_id, reason, detail, attempts, received, buried "  # noqa: S608 (ours)
            f"FROM dead WHERE {where} ORDER BY id DESC LIMIT ?",
            [*values, limit],
        )
        return [DeadLetter(*record) for record in found]

    def retry(
        self, database: sqlite3.Connection, choice: Choice, accounts: Mapping[str, Account], limit: int, after: int
    ) -> Retried:
        """Put letters back into the queue, at its end and as if never tried.

        A letter goes to the account that is configured now: to retry it is to agree to that.
        """
        now = self._clock()
        where, values = _where(choice)
        found = database.execute(
            "SELECT id, destination, reason, expires, attempts, received "  # noqa: S608 (ours)
            f"FROM dead WHERE id > ? AND {where} ORDER BY id LIMIT ?",
            [after, *values, limit],
        ).fetchall()
        moved = too_old = late = 0
        for one, destination, reason, expires, attempts, received in found:
            if expires is not None and expires <= now:
                too_old += 1
                continue
            account = accounts.get(destination)
            if account is not None and account.repeat is not None and attempts:
                late += now - received > account.repeat * 1000
            self._move_back(database, one, account)
            self._counters.add(destination, DEAD + reason, -1)
            self._counters.add(destination, "pending", 1)
            moved += 1
        if moved:
            self._presence.lose_track()
        return Retried(moved, too_old, late, found[-1][0] if len(found) == limit else None)

    @staticmethod
    def _move_back(database: sqlite3.Connection, one: int, account: Account | None) -> None:
        database.execute(
            # What a backup cannot know stays unknown: the vendor's window for repeats counts from there.
            f"INSERT INTO delivery ({NAMES}, unknown_since) "  # noqa: S608 (ours)
            f"SELECT {NAMES}, unknown_since FROM dead WHERE id = ?",
            (one,),
        )
        if account is not None:
            database.execute("UPDATE delivery SET identity = ? WHERE id = last_insert_rowid()", (account.identity,))
        database.execute("DELETE FROM dead WHERE id = ?", (one,))

    def drop(self, database: sqlite3.Connection, choice: Choice, limit: int) -> int:
        """Remove letters for good; how many. They count as erased."""
        ids = self._ids(database, choice, limit)
        for one, destination, reason in ids:
            database.execute("DELETE FROM dead WHERE id = ?", (one,))
            self._counters.add(destination, DEAD + reason, -1)
            self._counters.add(destination, "erased", 1)
        return len(ids)

    def purge(self, database: sqlite3.Connection, keep: float) -> bool:
        """Remove a slice of those older than `keep` seconds; whether there may be more."""
        limit = self._clock() - int(keep * 1000)
        old = database.execute(
            "SELECT id FROM dead WHERE buried <= ? ORDER BY buried LIMIT ?", (limit, SLICE)
        ).fetchall()
        for (one,) in old:
            self.drop(database, Choice(id=one), 1)
        return len(old) == SLICE

    @staticmethod
    def _ids(database: sqlite3.Connection, choice: Choice, limit: int) -> list[tuple[int, str, str]]:
        where, values = _where(choice)
        query = f"SELECT id, destination, reason FROM dead WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608 (ours)
        return database.execute(query, [*values, limit]).fetchall()


def _where(choice: Choice) -> tuple[str, list[Any]]:
    fields = {"id": choice.id, "destination": choice.destination, "reason": choice.reason, "event_id": choice.event_id}
    asked = {name: value for name, value in fields.items() if value is not None}
    return " AND ".join(f"{name} = ?" for name in asked) or "1", list(asked.values())
