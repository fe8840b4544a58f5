"""What persons take back is written a second time, on disk before it is answered; and a journal that fails refuses
nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from tagserver.backup.journal import AGAIN, KEEP, BadJournal, Journal, JournalFile, Line, installation
from tagserver.queue.sqlite.snapshot import Laid, Lifted
from tagserver.queue.values import EVERYTHING, Tombstone
from tests.backup.world import Folder
from tests.delivery.support import key
from tests.fake_time import FakeTime

ERIKA, FRANK = key("Erika"), key("Frank")
DAY = 86400.0


def lines(path: Path) -> list[dict[str, Any]]:
    """The file as JSON."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def persons(path: Path, folder: Folder) -> list[str]:
    """Whose acts it knows, in order."""
    names = {ERIKA: "erika", FRANK: "frank"}
    read = Journal(path, installation(folder.key))
    return [names[act.stone.person] for act in read.acts() if isinstance(act, Laid)]


def trouble(folder: Folder) -> str:
    """Why the journal lacks something, or nothing."""
    journal = folder.outbox.journal
    assert journal is not None
    return journal.trouble or ""


@pytest.fixture
async def folder(tmp_path: Path, clock: FakeTime) -> Folder:
    """A data folder with a journal."""
    return await Folder(tmp_path / "data", clock).open(tmp_path / "journal")


async def test_each_act_is_a_line_before_it_is_done(folder: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """Nothing in it says who that was; the file is its owner's."""
    await folder.outbox.withdraw(folder.forget([ERIKA, FRANK]), 30 * DAY)
    assert persons(tmp_path / "journal", folder) == ["erika", "frank"]
    await folder.outbox.lift([FRANK], frozenset({"ad_storage"}), clock.now())
    acts = list(Journal(tmp_path / "journal", installation(folder.key)).acts())
    assert acts[-1] == Lifted((FRANK,), frozenset({"ad_storage"}), clock.now())
    assert isinstance(acts[0], Laid)
    assert acts[0].stone == Tombstone(ERIKA, EVERYTHING, clock.now(), clock.now() + 1)
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    await folder.close()
    assert lines(tmp_path / "journal")[-1]["mark"] == "stop"


async def test_what_waits_is_written_together_and_nothing_is_lost(folder: Folder, tmp_path: Path) -> None:
    await asyncio.gather(*(folder.outbox.withdraw(folder.forget([ERIKA]), DAY) for _ in range(50)))
    assert persons(tmp_path / "journal", folder) == ["erika"] * 50
    await folder.close()


async def test_a_journal_that_cannot_be_written_refuses_nobody_and_is_mended(
    folder: Folder, tmp_path: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """The folder is gone, as when its disk is: said once in the log, and in readiness until all is there again."""
    (tmp_path / "journal").unlink()
    (tmp_path / "elsewhere").mkdir()
    folder.outbox.journal._path = tmp_path / "gone" / "journal"  # type: ignore[union-attr] # as if its disk went
    await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    await folder.outbox.withdraw(folder.forget([FRANK]), 30 * DAY)
    assert folder.outbox.withdrawn([ERIKA], clock.now()) == {EVERYTHING}
    assert "cannot be written: No such file or directory" in trouble(folder)
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    (tmp_path / "gone").mkdir()
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) > 1:
            raise InterruptedError

    clock.sleeper = sleep
    with pytest.raises(InterruptedError):
        await folder.outbox.journal.mind()  # type: ignore[union-attr] # it has one
    assert waits == [AGAIN, AGAIN]
    assert trouble(folder) == ""
    assert sorted(persons(tmp_path / "gone" / "journal", folder)) == ["erika", "frank"]
    await folder.close()


async def test_a_disk_that_does_not_answer_holds_nobody_up_for_long(folder: Folder, tmp_path: Path) -> None:
    """The act counts; once the disk answers again, the journal is written anew."""
    answers = threading.Event()
    journal = folder.outbox.journal
    assert journal is not None
    journal.patience, journal.write = 0.05, lambda path, text: answers.wait(20)
    for _ in range(3):
        await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    assert "did not answer" in trouble(folder)
    answers.set()
    journal.patience = 20.0
    async with asyncio.timeout(20):
        while trouble(folder):  # the write that hung comes back in its own time
            await journal.mark("alive")
            await asyncio.sleep(0.01)
    await folder.close()
    assert persons(tmp_path / "journal", folder) == ["erika"]


async def test_a_line_that_was_cut_is_taken_off_and_what_it_said_comes_again(
    folder: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    """The queue has it: it was on disk there first."""
    await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    await folder.close()
    text = (tmp_path / "journal").read_bytes()
    whole = text[: text.index(b'"laid"') + 30]
    (tmp_path / "journal").write_bytes(whole)
    assert persons(tmp_path / "journal", folder) == []
    again = await Folder(folder.data, clock).open(tmp_path / "journal")
    assert persons(tmp_path / "journal", again) == ["erika"]
    await again.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "is no journal"),
        (b"a letter\n", "is no journal"),
        (b'{"journal":2,"of":"x","since":1}\n', r"newer tagserver \(format 2, this one knows 1\)"),
        (b'{"journal":1,"of":"0000000000000000","since":1}\n', "another installation"),
    ],
)
async def test_a_file_that_is_no_journal_of_ours_is_left_alone(
    text: bytes, why: str, tmp_path: Path, clock: FakeTime
) -> None:
    """The server runs, and says what to do."""
    (tmp_path / "journal").write_bytes(text)
    folder = await Folder(tmp_path / "data", clock).open(tmp_path / "journal")
    with pytest.raises(BadJournal, match=why):
        Journal(tmp_path / "journal", installation(folder.key))
    assert "Move it aside and keep it" in trouble(folder)
    await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    assert (tmp_path / "journal").read_bytes() == text
    await folder.close()


async def test_a_damaged_line_is_no_reason_to_believe_the_rest(folder: Folder, tmp_path: Path) -> None:
    await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    await folder.close()
    text = (tmp_path / "journal").read_bytes().replace(b'"laid"', b'"l\xffid"')
    (tmp_path / "journal").write_bytes(text)
    with pytest.raises(BadJournal, match=r"line 3 of the journal .* cannot be read"):
        Journal(tmp_path / "journal", installation(folder.key))


async def test_lines_past_their_time_go_and_the_journal_says_so(
    folder: Folder, tmp_path: Path, clock: FakeTime
) -> None:
    """A backup that is older than that finds a journal that does not reach back far enough."""
    begin = clock.now()
    await folder.outbox.withdraw(folder.forget([ERIKA]), DAY)
    await folder.close()
    clock.advance(KEEP / 1000 / 2)
    second = await Folder(folder.data, clock).open(tmp_path / "journal")
    await second.outbox.withdraw(second.forget([FRANK]), 30 * DAY)
    await second.close()
    assert persons(tmp_path / "journal", folder) == ["erika", "frank"]
    assert Journal(tmp_path / "journal", installation(folder.key)).covers(begin, begin)
    clock.advance(KEEP / 1000 / 2 + 60)
    third = await Folder(folder.data, clock).open(tmp_path / "journal")
    assert persons(tmp_path / "journal", folder).count("erika") <= 1
    read = Journal(tmp_path / "journal", installation(folder.key))
    assert not read.covers(begin, begin)
    assert read.covers(clock.now() - KEEP + 1, clock.now())
    await third.close()


async def test_marks_do_not_gather(folder: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """A quiet shop's journal stays as small as it is."""
    await folder.close()
    for _ in range(5):
        clock.advance(DAY)
        again = await Folder(folder.data, clock).open(tmp_path / "journal")
        await again.close()
    assert len(lines(tmp_path / "journal")) == 4


async def test_a_clock_that_is_not_believed_ages_no_line(folder: Folder, tmp_path: Path, clock: FakeTime) -> None:
    """A server that starts with the date of next year must not throw away what it was told this year."""
    await folder.outbox.withdraw(folder.forget([ERIKA]), 30 * DAY)
    await folder.close()
    right = clock.now()
    clock.advance(400 * DAY)
    stones: list[Line] = []
    clock.wrong = "it shows next year"
    kept = JournalFile(tmp_path / "journal", installation(folder.key), lambda: stones, folder.data, clock)
    await kept.mark("start")
    await kept.close()
    clock.set(right)
    clock.wrong = None
    read = Journal(tmp_path / "journal", installation(folder.key))
    assert persons(tmp_path / "journal", folder) == ["erika"]
    assert read.covers(right, right)
    later = await Folder(folder.data, clock).open(tmp_path / "journal")
    await later.close()
    assert Journal(tmp_path / "journal", installation(folder.key)).until == right, "of the last line"
