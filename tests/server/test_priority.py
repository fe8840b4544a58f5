"""A tag with a priority sends first when many deliveries wait."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from .conftest import CONTAINER, ENVIRON, GRANTED, Running, Start, purchase


async def test_a_tag_with_a_priority_has_its_deliveries_in_the_fast_lane(start: Start) -> None:
    """Only that tag; the destination is paused, so that they lie there."""
    container = CONTAINER.replace("triggers: [purchase]}", "triggers: [purchase], priority: 5}")
    keys = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
    server: Running = await start(container=container, environ=keys)
    lead = {"event": "generate_lead", "user_data": {"email": "erika@example.com"}, "consent": GRANTED}
    assert (await server.collect([lead, purchase(), lead])).status_code == 202
    with closing(sqlite3.connect(f"file:{server.data / 'outbox.db'}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT name FROM delivery JOIN urgent USING (id)").fetchall()
        assert (found, database.execute("SELECT count(*) FROM delivery").fetchone()) == ([("Purchase",)], (3,))
