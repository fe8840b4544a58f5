"""The way back: what waited is held, and what persons took back since holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tagserver.backup.hold import RESTORED_FILE, DeliveryHold
from tagserver.backup.journal import BadJournal
from tagserver.backup.making import pack
from tagserver.backup.restoring import MARK, deliver, play
from tagserver.queue.dead_letters import RESTORED, Account, Choice
from tagserver.queue.values import EVERYTHING, Settlement, Tombstone
from tests.backup.test_upgrade import PERSON, SOON_AFTER, first_folder
from tests.backup.world import ERIKA, FRANK, Folder, restored
from tests.delivery.support import assert_adds_up, claim, delivery
from tests.fake_time import FakeTime

HOURS = 3600.0


async def test_what_waited_is_held_and_nothing_is_given_out(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """As dead letters, so the account holds; keys and what was taken back come along."""
    await shop.outbox.withdraw([Tombstone(FRANK, "analytics_storage", clock.now())], 30 * 86400.0)
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    clock.advance(HOURS)
    done = restored(tmp_path / "b.tar", tmp_path / "new", clock)
    assert (done.held, done.erased) == (2, 0)
    again = await Folder(tmp_path / "new", clock).open()
    counts = again.outbox.counts()["meta"]
    assert (counts.accepted, counts.pending, counts.dead_by_reason) == (3, 0, {"rejected": 1, RESTORED: 2})
    assert await again.outbox.claim("meta", max_items=10, max_bytes=1 << 20) is None
    assert [one.duplicate for one in await again.outbox.append([delivery("erika")])] == ["event"]
    assert again.outbox.withdrawn([FRANK], clock.now() - 1) == {"analytics_storage"}
    assert again.key == shop.key
    await again.close()


async def test_a_resend_counts_the_vendors_window_from_the_backup(
    shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    """The vendor may have got it right after the backup was made: that is when its outcome became unknown."""
    made = clock.now()
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    clock.advance(HOURS)
    restored(tmp_path / "b.tar", tmp_path / "new", clock)
    again = await Folder(tmp_path / "new", clock).open()
    done = await again.outbox.retry_dead(Choice(reasons=(RESTORED,)), {"meta": Account("account-1", 47 * HOURS)}, 10)
    assert done.moved == {"meta": 2}
    batch = await claim(again.outbox)
    assert {row.unknown_since for row in batch.rows} == {made}
    await again.outbox.settle(batch, Settlement(delivered=[row.id for row in batch.rows]))
    assert_adds_up(again.outbox, again.data)
    await again.close()


async def test_what_the_vendor_would_count_twice_stays_held(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """47 hours after the backup Meta does not know a repeat any more; for another vendor it goes out."""
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    clock.advance(48 * HOURS)
    restored(tmp_path / "b.tar", tmp_path / "new", clock)
    again = await Folder(tmp_path / "new", clock).open()
    held = Choice(reasons=(RESTORED,))
    done = await again.outbox.retry_dead(held, {"meta": Account("account-1", 47 * HOURS)}, 10)
    assert (done.moved, done.too_old) == ({}, 2)
    assert (await again.outbox.retry_dead(held, {"meta": Account("account-1")}, 10)).moved == {"meta": 2}
    await again.close()


async def test_an_order_for_everything_leaves_what_is_held(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """Held means held: who mends a vendor's outage has not thought of what may have been sent since the backup."""
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    restored(tmp_path / "b.tar", tmp_path / "new", clock)
    again = await Folder(tmp_path / "new", clock).open()
    accounts = {"meta": Account("account-1")}
    for choice in (Choice(), Choice(destinations=("meta",)), Choice(event_ids=("erika", "frank", "dead"))):
        done = await again.outbox.retry_dead(choice, accounts, 10, dry_run=True)
        assert (done.moved, done.refused) == ({"meta": 1}, {RESTORED: 2})
    assert (await again.outbox.retry_dead(Choice(reasons=("rejected",)), accounts, 10)).moved == {"meta": 1}
    done = await again.outbox.retry_dead(Choice(reasons=(RESTORED, "expired")), accounts, 10)
    assert (done.moved, done.refused) == ({"meta": 2}, {})
    assert_adds_up(again.outbox, again.data)
    await again.close()


async def test_a_drop_counts_as_erased(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    restored(tmp_path / "b.tar", tmp_path / "new", clock)
    again = await Folder(tmp_path / "new", clock).open()
    dropped = await again.outbox.drop_dead(Choice(reasons=(RESTORED,), destinations=("meta",)), 10)
    assert dropped.count == 2
    assert again.outbox.counts()["meta"].erased == 2
    await again.close()


async def test_who_was_forgotten_since_is_erased_and_stays_forgotten(
    shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    """Also when the queue that came with the backup would have let the tombstone go by now."""
    shop.backup(tmp_path / "b.tar")
    clock.advance(60)
    await shop.outbox.withdraw(shop.forget([ERIKA]), 86400.0)
    forgotten = clock.now()
    await shop.close()
    clock.advance(72 * HOURS)
    done = restored(tmp_path / "b.tar", tmp_path / "new", clock, tmp_path / "journal")
    assert (done.held, done.erased, done.waits) == (2, 1, "")
    again = await Folder(tmp_path / "new", clock).open()
    letters = await again.outbox.dead(Choice(), 10)
    assert {one.event_id for one in letters} == {"frank", "dead"}
    assert again.outbox.withdrawn([ERIKA], forgotten) == {EVERYTHING}
    assert_adds_up(again.outbox, again.data)
    await again.close()
    assert b'{"id":"erika"}' not in (tmp_path / "new" / "outbox.db").read_bytes()


async def test_what_was_granted_again_since_is_granted(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    shop.backup(tmp_path / "b.tar")
    clock.advance(60)
    await shop.outbox.withdraw([Tombstone(FRANK, "ad_storage", clock.now())], 30 * 86400.0)
    clock.advance(60)
    await shop.outbox.lift([FRANK], frozenset({"ad_storage"}), clock.now())
    granted = clock.now()
    await shop.close()
    restored(tmp_path / "b.tar", tmp_path / "new", clock, tmp_path / "journal")
    again = await Folder(tmp_path / "new", clock).open()
    assert again.outbox.withdrawn([FRANK], granted - 1) == {"ad_storage"}
    assert again.outbox.withdrawn([FRANK], granted) == frozenset()
    await again.close()


async def test_without_a_journal_nothing_is_delivered_until_somebody_decides(
    shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    done = restored(tmp_path / "b.tar", tmp_path / "new", clock)
    assert "without a journal" in done.waits
    why = DeliveryHold(tmp_path / "new").why
    assert why is not None
    assert "--without-journal" in why
    assert deliver(tmp_path / "new")
    assert DeliveryHold(tmp_path / "new").why is None
    assert not deliver(tmp_path / "new")


@pytest.mark.parametrize("said", [b"{", b"", b'{"format":2,"backup":1,"restored":1,"waits":""}'])
async def test_a_note_of_a_restore_that_cannot_be_read_holds(said: bytes, tmp_path: Path) -> None:
    (tmp_path / RESTORED_FILE).write_bytes(said)
    assert DeliveryHold(tmp_path).why is not None


async def test_a_journal_may_come_later(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    shop.backup(tmp_path / "b.tar")
    clock.advance(60)
    await shop.outbox.withdraw(shop.forget([ERIKA]), 30 * 86400.0)
    await shop.close()
    restored(tmp_path / "b.tar", tmp_path / "new", clock)
    done = play(tmp_path / "new", tmp_path / "journal", clock)
    assert done is not None
    assert (done.erased, done.waits) == (1, "")
    assert DeliveryHold(tmp_path / "new").why is None
    assert play(shop.data, tmp_path / "journal", clock) is None, "this one comes from no backup"


async def test_a_journal_that_does_not_reach_beyond_the_backup_is_not_enough(
    shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    early = tmp_path / "early"
    early.write_bytes((tmp_path / "journal").read_bytes())
    clock.advance(HOURS)
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    done = restored(tmp_path / "b.tar", tmp_path / "new", clock, early)
    assert "ends" in done.waits
    assert "before the backup" in done.waits


async def test_a_journal_that_begins_after_the_backup_is_not_enough(
    shop: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    clock.advance(HOURS)
    later = await Folder(shop.data, clock).open(tmp_path / "another")
    await later.close()
    done = restored(tmp_path / "b.tar", tmp_path / "new", clock, tmp_path / "another")
    assert "after the backup" in done.waits
    assert "--without-journal" in (DeliveryHold(tmp_path / "new").why or "")
    assert restored(tmp_path / "b.tar", tmp_path / "two", clock, tmp_path / "another", without=True).waits == ""


async def test_the_journal_of_another_installation_is_refused(shop: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """Its hashes are those of another key: all persons would seem unknown."""
    shop.backup(tmp_path / "b.tar")
    await shop.close()
    other = await Folder(tmp_path / "other", clock).open(tmp_path / "others")
    await other.close()
    with pytest.raises(BadJournal, match="another installation"):
        restored(tmp_path / "b.tar", tmp_path / "new", clock, tmp_path / "others")
    assert not (tmp_path / "new" / MARK).exists()


async def test_a_backup_of_the_first_format_comes_back_in_todays(tmp_path: Path, clock: FakeTime) -> None:
    """A backup is kept for longer than a version: what waited is held, what was dead stays so, tombstones hold."""
    data = first_folder(tmp_path / "data")
    clock.set(SOON_AFTER)
    shutil.copy(data / "outbox.db", tmp_path / "copy")
    pack(data, "outbox.db", tmp_path / "copy", clock.now(), tmp_path / "b.tar", force=False)
    assert restored(tmp_path / "b.tar", tmp_path / "new", clock).held == 3
    again = await Folder(tmp_path / "new", clock).open()
    counts = again.outbox.counts()["meta"]
    assert (counts.accepted, counts.delivered, counts.pending) == (6, 2, 0)
    assert counts.dead_by_reason == {"rejected": 1, RESTORED: 3}
    assert again.outbox.withdrawn([PERSON], clock.now()) == {EVERYTHING}
    assert {one.event_id for one in await again.outbox.dead(Choice(reasons=(RESTORED,)), 10)} == {
        *("wait-1", "wait-2", "wait-3"),
    }
    await again.close()


async def test_held_deliveries_are_listed_under_their_causes(tmp_path: Path, clock: FakeTime) -> None:
    """What waits by several tags and destinations is held under the causes that those have."""
    folder = await Folder(tmp_path / "data", clock).open()
    for number in range(4):
        await folder.outbox.append(
            [delivery(f"e{number}-{one}", tag=f"T{number % 2}", destination=f"d{one}") for one in range(3)]
        )
    folder.backup(tmp_path / "b.tar")
    await folder.close()
    restored(tmp_path / "b.tar", tmp_path / "new", clock)
    again = await Folder(tmp_path / "new", clock).open()
    groups = await again.outbox.dead_groups(Choice())
    found = {(group.cause.destination, group.cause.tag): group.count for group in groups}
    assert found == {(f"d{one}", f"T{tag}"): 2 for one in range(3) for tag in range(2)}
    for one in range(3):
        assert again.outbox.counts()[f"d{one}"].dead_by_reason == {RESTORED: 4}
    await again.close()
