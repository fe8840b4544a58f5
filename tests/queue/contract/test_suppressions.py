"""What persons have taken back, how far it reaches and what lifts it; and how their rows are erased."""

from __future__ import annotations

import pytest

from tagserver.queue.api import erase_all
from tagserver.queue.dead_letters import Choice
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.values import (
    EVERYTHING,
    DeadLettered,
    Settlement,
    Tombstone,
    Trace,
)
from tests.delivery.support import claim, claimed_ids, delivery, key, meta, stored
from tests.fake_time import START, FakeTime
from tests.queue.contract.conftest import Engine, Storage, assert_adds_up

ERIKA, MAX = key("erika"), key("max")


ADS = frozenset({"ad_storage"})


async def test_one_of_a_browser_reaches_back_alone(outbox: Engine) -> None:
    await outbox.withdraw([Tombstone(ERIKA, "ad_storage", START, START + 1)], 60)
    assert [bool(outbox.withdrawn([ERIKA], START + at)) for at in (-1, 0, 1)] == [True, True, False]


async def test_one_that_stands_is_lifted_by_a_later_grant_for_new_events_alone(
    outbox: Engine, storage: Storage
) -> None:
    """Also after a kill."""
    await outbox.withdraw([Tombstone(ERIKA, one, START) for one in ("ad_storage", "ad_user_data")], 60)
    await outbox.lift([ERIKA, MAX], ADS, START + 10)
    for one in (outbox, await storage.open_as_killed()) if storage.keeps else (outbox,):
        assert one.withdrawn([ERIKA], START + 9) == {"ad_storage", "ad_user_data"}
        assert one.withdrawn([ERIKA], START + 10) == {"ad_user_data"}


@pytest.mark.parametrize("at", [START - 1, START])
async def test_a_grant_of_before_lifts_nothing(outbox: Engine, at: int) -> None:
    await outbox.withdraw([Tombstone(ERIKA, "ad_storage", START)], 60)
    await outbox.lift([ERIKA], ADS, at)
    assert outbox.withdrawn([ERIKA], START + 1000) == ADS


async def test_no_grant_brings_back_who_asked_to_be_forgotten(outbox: Engine) -> None:
    await outbox.withdraw([Tombstone(ERIKA, EVERYTHING, START, START + 50)], 60)
    await outbox.lift([ERIKA], ADS, START + 10)
    assert outbox.withdrawn([ERIKA], START + 49) == {EVERYTHING}
    assert not outbox.withdrawn([ERIKA], START + 50)


async def test_a_second_withdrawal_never_makes_the_first_one_shorter(outbox: Engine) -> None:
    await outbox.withdraw([Tombstone(ERIKA, "ad_storage", START)], 60)
    await outbox.withdraw([Tombstone(ERIKA, "ad_storage", START + 5, START + 6)], 1)
    assert outbox.withdrawn([ERIKA], START + 1000) == ADS


async def test_tombstones_hold_after_a_restart_and_end(outbox: Engine, clock: FakeTime, storage: Storage) -> None:
    await outbox.withdraw([Tombstone(key("erika"), "ad_storage", START)], 60)
    assert outbox.withdrawn([key("max"), key("erika")], START) == {"ad_storage"}
    assert not outbox.withdrawn([key("max")], START)
    if storage.keeps:
        await outbox.close()
        outbox = await storage.open()
        assert outbox.withdrawn([key("erika")], START) == {"ad_storage"}
    assert outbox.tombstones() == 1
    clock.advance(60)
    assert not outbox.withdrawn([key("erika")], START)


def of_erika(row: Trace) -> bool:
    return ERIKA in row.person


async def test_queue_and_dead_letters_are_erased_and_counted(outbox: Engine) -> None:
    """By destination; rows of others stay."""
    await outbox.append([delivery(f"d{n}", person=((ERIKA, MAX)[n % 2],)) for n in range(4)])
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    await outbox.append([delivery("m", person=(MAX,)), delivery("e", person=(MAX, ERIKA), urgent=True)])
    await outbox.append([delivery("g", person=(ERIKA,), destination="ga4")])
    erased = await erase_all(outbox, of_erika, FORGOTTEN)
    assert (dict(erased.queue), dict(erased.dead), erased.in_flight) == ({"meta": 1, "ga4": 1}, {"meta": 2}, {})
    assert (meta(outbox).erased, meta(outbox).pending, meta(outbox).dead_by_reason) == (3, 1, {"rejected": 2})
    assert await claimed_ids(outbox) == ["m"]
    assert await claimed_ids(outbox, "ga4") == []
    await assert_adds_up(outbox)


async def test_what_is_under_way_is_left_until_it_has_landed(outbox: Engine) -> None:
    """Whatever the outcome: what was not delivered is erased by the next walk."""
    await outbox.append([delivery(f"e{n}", person=(ERIKA,)) for n in range(3)])
    batch = await claim(outbox)
    erased = await erase_all(outbox, of_erika, FORGOTTEN)
    assert (dict(erased.queue), erased.in_flight) == ({}, {"meta": 3})
    one, two, _ = (row.id for row in batch.rows)
    await outbox.settle(batch, Settlement(delivered=[one], dead=[DeadLettered(two, "rejected")]))
    erased = await erase_all(outbox, of_erika, FORGOTTEN)
    assert (dict(erased.queue), dict(erased.dead), erased.in_flight) == ({"meta": 1}, {"meta": 1}, {})
    assert (meta(outbox).delivered, meta(outbox).erased) == (1, 2)
    await assert_adds_up(outbox)


async def everything(outbox: Engine) -> list[Trace]:
    """All rows there are, told by a walk that erases none."""
    found: list[Trace] = []

    def keep(row: Trace) -> bool:
        found.append(row)
        return False

    await erase_all(outbox, keep, FORGOTTEN)
    return found


async def test_a_row_tells_what_it_relied_on(outbox: Engine) -> None:
    """And when it happened or was received, the earlier of the two."""
    await outbox.append([delivery("a", time=START - 5), delivery("b", received=START - 7)])
    assert [(row.tag, row.at) for row in await everything(outbox)] == [("Tag", START - 5), ("Tag", START - 7)]


async def test_keys_can_be_forgotten(outbox: Engine) -> None:
    once = [delivery(f"e{name}", once=(key(name), 60.0)) for name in ("a", "b")]
    await outbox.append(once)
    assert await outbox.forget_keys([key("a"), key("c")]) == 1
    again = [delivery(f"f{name}", once=(key(name), 60.0)) for name in ("a", "b")]
    assert stored(await outbox.append(again)) == [True, False]


async def test_a_look_through_the_queue_tells_who_is_there(outbox: Engine) -> None:
    """Who was delivered long ago is not, who was put back from the dead letters is."""
    await outbox.append([delivery("e", person=(ERIKA,)), delivery("m", person=(MAX,))])
    batch = await claim(outbox, max_items=1)
    await outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    await erase_all(outbox, lambda row: False, FORGOTTEN)
    assert (outbox.may_have([ERIKA]), outbox.may_have([MAX])) == (False, True)
    batch = await claim(outbox)
    await outbox.settle(batch, Settlement(dead=[DeadLettered(row.id, "rejected") for row in batch.rows]))
    await outbox.retry_dead(Choice(), {}, 10)
    await erase_all(outbox, lambda row: False, FORGOTTEN)
    assert (outbox.may_have([ERIKA]), outbox.may_have([MAX])) == (False, True)
