"""How long the audit's room lasts: told in time, in status, in metrics, by the doctor and in the log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tagserver.audit.audit import Audit
from tagserver.audit.files import FOLDER, shortage
from tagserver.audit.forecast import LEAST, MOST, SHARE, room_for, shortage_of
from tagserver.doctor.doctor import check_audit
from tests.fake_time import FakeTime
from tests.warm import tagserver

from .test_files import opened, write

DAY = 86400.0


def test_without_a_size_it_is_a_tenth_of_the_disk(tmp_path: Path) -> None:
    """Within bounds; also for a folder that is not there yet."""
    total = shutil.disk_usage(tmp_path).total
    assert room_for(None, tmp_path / "data" / "audit") == min(MOST, max(LEAST, total // SHARE))
    assert room_for(5000, tmp_path) == 5000


def test_the_rate_is_that_of_the_last_day(tmp_path: Path, clock: FakeTime) -> None:
    """Ten files a day for a day, after one of long before; the one that is being written is not packed yet."""
    files = opened(tmp_path / FOLDER, clock)
    write(files, 50, at=clock.now())
    files.rotate()
    clock.advance(9 * DAY)
    for _ in range(10):
        write(files, 50, at=clock.now())
        clock.advance(DAY / 10)
        files.rotate()
    assert files.written() is None, "nobody knows when the last one ended"
    write(files, 1, at=clock.now())
    written = files.written()
    assert written is not None
    assert written.seconds == pytest.approx(DAY)
    assert written.size == sum(
        path.stat().st_size for path in (tmp_path / FOLDER).iterdir() if "00000002" <= path.name < "00000012"
    )
    assert written.lasts(written.size * 3) == pytest.approx(3 * DAY)


def test_of_a_few_minutes_nobody_concludes_anything(tmp_path: Path, clock: FakeTime) -> None:
    files = opened(tmp_path / FOLDER, clock)
    for _ in range(2):
        write(files, 50, at=clock.now())
        clock.advance(200)
        files.rotate()
    write(files, 1, at=clock.now())
    assert files.written() is None


@pytest.mark.parametrize(
    ("lasts", "keep", "room", "words"),
    [
        (400 * DAY, 395 * DAY, 1 << 30, None),
        (
            2.5 * DAY,
            395 * DAY,
            1 << 30,
            ("1 GiB", "2.5 days", "395 days", "158 GiB"),
        ),
        (
            3600 * 5,
            30 * DAY,
            100 << 20,
            ("100 MiB", "5 hours", "30 days", "14.1 GiB"),
        ),
    ],
)
def test_it_is_said_when_the_room_is_too_small(
    lasts: float, keep: float, room: int, words: tuple[str, ...] | None
) -> None:
    if words is None:
        assert shortage_of(lasts, keep, room) is None
    else:
        assert shortage_of(lasts, keep, room) == (
            "at today's rate {} (audit.max_size) hold {}, and audit.keep asks for {}, which would take about {}; "
            "what is beyond is removed, the oldest first"
        ).format(*words)


@pytest.mark.parametrize(("keep", "levels"), [(3600.0, ["ok"]), (395 * DAY, ["ok", "warning"])])
def test_the_doctor_says_it(tmp_path: Path, clock: FakeTime, keep: float, levels: list[str]) -> None:
    files = opened(tmp_path / FOLDER, clock, max_size=1 << 20)
    for _ in range(4):
        write(files, 200, at=clock.now())
        clock.advance(3600)
        files.rotate()
    write(files, 1, at=clock.now())
    findings = list(check_audit(tmp_path, 1 << 20, keep))
    assert [one.level for one in findings] == levels
    if len(findings) > 1:
        assert "raise audit.max_size" in findings[1].hint


@pytest.mark.parametrize(("keep", "said_by_check"), [("1h", False), ("395d", True)])
def test_check_says_the_same_and_exits_as_ever(tmp_path: Path, clock: FakeTime, keep: str, said_by_check: bool) -> None:
    """Before anybody starts a server with this configuration; on standard error, so that what machines read stays."""
    (tmp_path / "data").mkdir()
    files = opened(tmp_path / "data" / FOLDER, clock, max_size=2 << 20)
    for _ in range(4):
        write(files, 2000, at=clock.now())
        clock.advance(3600)
        files.rotate()
        files.index_one()
    write(files, 1, at=clock.now())
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "container.yaml").write_text("triggers: {buy: {event: purchase}}\n")
    (tmp_path / "config" / "server.yaml").write_text(f"audit: {{keep: {keep}, max_size: 2MiB}}\n")
    for words in ([], ["--json"]):
        done = tagserver("check", *words, cwd=tmp_path, env={})
        assert done.returncode == 0, done.stdout
        (_, *found) = check_audit(tmp_path / "data", 2 << 20, DAY * 395 if said_by_check else 3600.0)
        assert done.stderr.splitlines() == [f"note: the audit: {one.message}; {one.hint}" for one in found]
        assert len(found) == said_by_check
    elsewhere = tagserver("check", "--data", "elsewhere", cwd=tmp_path, env={})
    assert (elsewhere.returncode, elsewhere.stderr) == (0, "")


def test_a_server_says_it_in_its_log_and_status(
    tmp_path: Path, clock: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """Once a day, from its start on."""
    files = opened(tmp_path / FOLDER, clock, max_size=1 << 20)
    for _ in range(4):
        write(files, 200, at=clock.now())
        clock.advance(3600)
        files.rotate()
    with caplog.at_level("WARNING"):
        audit = Audit(
            tmp_path,
            bytes(32),
            keep=395 * DAY,
            max_size=1 << 20,
            min_free=0,
            time=clock,
            every=0.01,
        )
        audit.close()
    shown = audit.shown()
    assert shown["lasts_s"] is not None
    assert shown["lasts_s"] < shown["keep_s"]
    assert str(shown["notice"]).startswith("at today's rate")
    assert shown["notice"] == shortage(tmp_path, 1 << 20, 395 * DAY), "with the indexes, as the doctor reckons"
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"the audit is not kept for as long as it should be: {shown['notice']}"
