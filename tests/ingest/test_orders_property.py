"""No sequence of copies, deliveries, walks and hours sends an order whose last own word is a denial."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagserver.queue.api import Outbox
from tests.delivery.support import open_outbox
from tests.fake_time import FakeTime
from tests.ingest.orders_world import World, compiled, copy, outcome
from tests.queue.memory.engine import MemoryOutbox

CONTAINER = compiled()
"""Compiled once: it takes longer than all the rest."""

copies = st.tuples(
    st.sampled_from(["page", "own", "hook", "file", "backend"]),
    st.sampled_from(["granted", "denied", "silent", "garbled", "part"]),
    st.sampled_from(["A", "B"]),
)
steps = st.lists(
    st.one_of(copies, copies, st.lists(copies, min_size=2, max_size=4), st.sampled_from(["deliver", "walk", "day"])),
    max_size=14,
)
Step = str | tuple[str, str, str] | list[tuple[str, str, str]]


@given(steps, st.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_is_sent_against_its_visitors_last_word(plan: list[Step], on_disk: bool) -> None:
    """A list of copies comes at once, in as many requests."""
    with tempfile.TemporaryDirectory(prefix="orders-") as folder:
        asyncio.run(_played(plan, Path(folder) if on_disk else None))


async def _played(plan: list[Step], folder: Path | None) -> None:
    clock = FakeTime()
    engine: Outbox = MemoryOutbox(clock) if folder is None else await open_outbox(folder, clock)
    world = World(engine, clock, CONTAINER)
    last: dict[str, str] = {}
    for number, step in enumerate([*plan, "deliver"]):
        clock.advance(1)
        if step == "deliver":
            for sent in await world.deliver():
                # What cannot be read erases nothing of what waits: nobody has said that a grant is over.
                assert last.get(_order(sent)) not in ("denied", "part"), (sent, last)
        elif step == "walk":
            await world.walk()
        elif step == "day":
            clock.advance(86400)
        elif isinstance(step, tuple):
            await _one(world, step, number, last)
        else:
            assert isinstance(step, list)
            await asyncio.gather(*(world.post(door, _copy(door, word, order, number)) for door, word, order in step))
            for order in {order for _, _, order in step}:
                words = {word for _, word, of in step if of == order and word != "silent"}
                if words:  # of several nobody knows which was last, unless all of them deny
                    last[order] = min(words, key=["granted", "garbled", "denied", "part"].index)
    assert not world.orders.turns
    await engine.close()


async def _one(world: World, step: tuple[str, str, str], number: int, last: dict[str, str]) -> None:
    door, word, order = step
    await world.post(door, _copy(door, word, order, number))
    if word != "silent" and not (word == "garbled" and last.get(order) in ("denied", "part")):
        last[order] = word
    if last.get(order) in ("denied", "garbled", "part"):
        assert outcome(world.told[-1]) == "consent"


def _copy(door: str, word: str, order: str, number: int) -> dict[str, object]:
    named = f"{door}-{number}-{order}"
    return copy(door, word, order) | {"event_id": named, "user_data": {"email": f"{named}@example.com"}}


def _order(event_id: str) -> str:
    return event_id.rpartition("-")[2]
