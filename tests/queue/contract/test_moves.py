"""Whatever becomes of a row beside what is settled, whoever hears of moves is told: no record may say for ever that a
delivery is on its way."""

from __future__ import annotations

import pytest

from tagserver.queue.api import erase_all
from tagserver.queue.dead_letters import Choice
from tagserver.queue.moves import DROPPED, FORGOTTEN, WITHDRAWN, Move
from tagserver.queue.pauses import Pause
from tagserver.queue.values import ROW_BYTES, DeadLettered, Settlement, Trace
from tests.delivery.support import claim, delivery, key
from tests.fake_time import START
from tests.queue.contract.conftest import Engine, Storage, assert_adds_up

ERIKA, MAX = key("erika"), key("max")


def of_erika(row: Trace) -> bool:
    return ERIKA in row.person


def heard(outbox: Engine) -> list[Move]:
    """What is told from now on."""
    moves: list[Move] = []
    outbox.hear(moves.extend)
    return moves


async def die(outbox: Engine) -> None:
    """All that waits becomes dead letters."""
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))


def moved(event_id: str, to: str, reason: str = "", dead: str = "", person: bytes = ERIKA) -> Move:
    return Move(event_id, "Tag", "meta", (person,), START, to, reason, dead)  # type: ignore[arg-type]  # by the tests


@pytest.mark.parametrize("why", [WITHDRAWN, FORGOTTEN])
async def test_what_is_erased_of_queue_and_dead_letters(outbox: Engine, why: str) -> None:
    moves = heard(outbox)
    await outbox.append([delivery("d", person=(ERIKA,)), delivery("e", person=(MAX,))])
    await die(outbox)
    await outbox.append([delivery("q", person=(ERIKA,)), delivery("r", person=(MAX,))])
    assert moves == [], "what is taken in and what is settled is told elsewhere"
    await erase_all(outbox, of_erika, why)
    assert sorted(moves, key=lambda one: one.event_id) == [
        moved("d", "erased", why, "rejected"),
        moved("q", "erased", why),
    ]


async def test_dead_letters_that_are_tried_again_or_dropped(outbox: Engine) -> None:
    await outbox.append([delivery(name, person=(ERIKA,)) for name in ("a", "b")])
    await die(outbox)
    moves = heard(outbox)
    await outbox.retry_dead(Choice(event_ids=["a"]), {}, 10, dry_run=True)
    assert moves == []
    await outbox.retry_dead(Choice(event_ids=["a"]), {}, 10)
    await outbox.drop_dead(Choice(), 10)
    assert moves == [moved("a", "queue", "", "rejected"), moved("b", "erased", DROPPED, "rejected")]


async def test_what_a_paused_destination_has_no_room_for(storage: Storage) -> None:
    """It dies on arrival, and is not even kept where the queue is nearly full."""
    room = ROW_BYTES + len(delivery("a").body)
    outbox = await storage.open(max_size=1 << 30, share=room)
    moves = heard(outbox)
    await outbox.pauses.put(Pause(destination="meta", names=("meta",), by="anna", since=START))
    await outbox.append([delivery("a", person=(ERIKA,)), delivery("b", person=(ERIKA,))])
    assert moves == [moved("b", "dead", "queue_full")]
    await assert_adds_up(outbox)
