"""A restore on top of a restore, one that has not ended, and a journal of which a part is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagserver.backup.hold import DeliveryHold
from tagserver.backup.keeping import require_whole
from tagserver.backup.restoring import MARK, NotRestored, deliver, play
from tagserver.queue.dead_letters import Choice
from tagserver.queue.errors import OutboxStartError
from tests.backup.world import Folder, restored
from tests.delivery.support import delivery, key
from tests.fake_time import FakeTime

ERIKA, FRANK = key("Erika"), key("Frank")
DAY = 86400.0


@pytest.fixture
async def twice(tmp_path: Path, clock: FakeTime) -> Path:
    """The backup of a folder that came from a backup without its journal, and of which nobody has decided; Erika asked
    to be forgotten in between, which the first journal alone knows."""
    first = await Folder(tmp_path / "first", clock).open(tmp_path / "journal-1")
    await first.outbox.append([delivery("erika", person=(ERIKA,))])
    first.backup(tmp_path / "1.tar")
    clock.advance(60)
    await first.outbox.withdraw(first.forget([ERIKA]), 30 * DAY)
    await first.close()
    clock.advance(60)
    restored(tmp_path / "1.tar", tmp_path / "second", clock)
    second = await Folder(tmp_path / "second", clock).open(tmp_path / "journal-2")
    clock.advance(60)
    second.backup(tmp_path / "2.tar")
    clock.advance(60)
    await second.close()
    return tmp_path / "2.tar"


async def test_what_nobody_has_decided_is_undecided_in_its_backup_as_well(
    twice: Path, tmp_path: Path, clock: FakeTime
) -> None:
    """The journal since the second restore says nothing of the time between the first backup and that."""
    done = restored(twice, tmp_path / "third", clock, tmp_path / "journal-2")
    assert "begins" in done.waits
    done = restored(twice, tmp_path / "fourth", clock)
    assert "without a journal" in done.waits
    assert restored(twice, tmp_path / "fifth", clock, without=True).waits == ""


async def test_one_of_two_journals_is_not_enough(twice: Path, tmp_path: Path, clock: FakeTime) -> None:
    """Each is played, and then somebody decides."""
    done = restored(twice, tmp_path / "third", clock, tmp_path / "journal-1")
    assert done.erased == 1
    assert "ends" in done.waits
    again = play(tmp_path / "third", tmp_path / "journal-2", clock)
    assert again is not None
    assert "begins" in again.waits
    assert deliver(tmp_path / "third")
    assert DeliveryHold(tmp_path / "third").why is None


async def test_a_decision_is_not_asked_for_again(twice: Path, tmp_path: Path, clock: FakeTime) -> None:
    """The backup of a folder of which somebody has decided is one as any other."""
    assert deliver(tmp_path / "second")
    second = await Folder(tmp_path / "second", clock).open(tmp_path / "journal-2")
    second.backup(tmp_path / "3.tar")
    clock.advance(60)
    await second.close()
    assert restored(tmp_path / "3.tar", tmp_path / "third", clock, tmp_path / "journal-2").waits == ""


async def test_two_restores_within_a_second_keep_what_was_there_apart(
    twice: Path, tmp_path: Path, clock: FakeTime
) -> None:
    data = tmp_path / "third"
    data.mkdir()
    asides = set()
    for text in ("one", "two"):
        (data / "serving.json").write_text(text)
        asides.add(restored(twice, data, clock, force=True).aside)
    assert {(data / aside / "serving.json").read_text() for aside in asides} == {"one", "two"}


async def test_half_a_restore_is_no_folder_to_work_on(twice: Path, tmp_path: Path, clock: FakeTime) -> None:
    """Whatever was done there would be gone when the restore goes on."""
    restored(twice, tmp_path / "third", clock)
    (tmp_path / "third" / MARK).write_text('{"aside":"","moved":true}')
    with pytest.raises(NotRestored, match="has not come to its end"):
        play(tmp_path / "third", tmp_path / "journal-1", clock)
    for act in (deliver, require_whole):
        with pytest.raises(OutboxStartError, match="has not come to its end"):
            act(tmp_path / "third")


async def test_of_a_journal_that_is_damaged_the_rest_holds_and_somebody_decides(
    tmp_path: Path, clock: FakeTime
) -> None:
    """What the damaged line said is lost: so nothing is delivered before somebody says so."""
    folder = await Folder(tmp_path / "data", clock).open(tmp_path / "journal")
    await folder.outbox.append([delivery("erika", person=(ERIKA,)), delivery("frank", person=(FRANK,))])
    folder.backup(tmp_path / "b.tar")
    clock.advance(60)
    for person in (ERIKA, FRANK):
        await folder.outbox.withdraw(folder.forget([person]), 30 * DAY)
    await folder.close()
    text = (tmp_path / "journal").read_bytes().replace(b'"laid"', b'"l\xffid"', 1)
    (tmp_path / "journal").write_bytes(text)
    done = restored(tmp_path / "b.tar", tmp_path / "new", clock, tmp_path / "journal")
    assert done.erased == 1
    assert "line 3 of the journal" in done.waits
    assert "the other lines" in (DeliveryHold(tmp_path / "new").why or "")
    again = await Folder(tmp_path / "new", clock).open()
    assert [one.event_id for one in await again.outbox.dead(Choice(), 10)] == ["erika"]
    await again.close()


async def test_nothing_of_who_was_forgotten_stays_in_a_page_that_nobody_uses(tmp_path: Path, clock: FakeTime) -> None:
    """A payload that is longer than a page lies in pages of its own."""
    folder = await Folder(tmp_path / "data", clock).open(tmp_path / "journal")
    body = b'{"id":"erika","x":"' + b"secret of Erika " * 2000 + b'"}'
    await folder.outbox.append([delivery("erika", person=(ERIKA,), body=body)])
    folder.backup(tmp_path / "b.tar")
    clock.advance(60)
    await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    await folder.close()
    assert restored(tmp_path / "b.tar", tmp_path / "new", clock, tmp_path / "journal").erased == 1
    for path in (tmp_path / "new").iterdir():
        assert b"secret of Erika" not in path.read_bytes(), path.name
