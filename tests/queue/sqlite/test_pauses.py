"""What the queue's file knows of pauses: over restarts, kills and damage, and whatever the clock does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tagserver.queue.pauses import Pause
from tests.delivery.support import HOUR, open_outbox
from tests.fake_time import START, FakeTime


def pause(name: str = "meta", *others: str, term: float | None = None, **fields: Any) -> Pause:
    """Of now."""
    until = None if term is None else START + round(term * 1000)
    return Pause(
        destination=name,
        names=(name, *others),
        by="anna",
        since=START,
        until=until,
        term=None if term is None else round(term * 1000),
        **fields,
    )


async def test_a_row_that_cannot_be_read_stands_until_somebody_looks(tmp_path: Path, clock: FakeTime) -> None:
    """Of a file that was salvaged: rather nothing is sent."""
    outbox = await open_outbox(tmp_path, clock)
    await outbox.pauses.put(pause(term=HOUR))
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as database:
        database.execute("UPDATE pause SET names = '[', until = 'soon'")
        database.commit()
    again = await open_outbox(tmp_path, clock)
    clock.advance(10 * HOUR)
    held = again.pauses.of(["meta"])
    assert held is not None
    assert (held.until, again.pauses.over()) == (None, [])
    await again.close()


async def test_it_is_saved_from_a_damaged_file(tmp_path: Path, clock: FakeTime) -> None:
    outbox = await open_outbox(tmp_path, clock)
    await outbox.pauses.put(pause(note="ticket"))
    await outbox.close()
    (tmp_path / "outbox.db.damaged").touch()
    again = await open_outbox(tmp_path, clock)
    assert again.notice() is not None
    assert again.pauses.all() == {"meta": pause(note="ticket")}
    await again.close()
