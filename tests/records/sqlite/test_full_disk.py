"""A real disk without a byte left: records are lost, that is said, and later ones are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tagserver.records.api import Group, RecordsError
from tests.records.made import FULL, attempt, event, events
from tests.records.sqlite.conftest import Open
from tests.small_disk import fill, make_room, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB."""
    with small_disk(tmp_path / "disk", 32) as made:
        yield made


def test_records_go_on_when_there_is_room_again(opened: Open, disk: Path) -> None:
    """What was written before is there; nothing of a group that failed is."""
    store = opened(disk)
    store.write(events(event("before")))
    fill(disk)
    failed: list[str] = []
    written = ["before"]
    for number in range(40):
        large = replace(FULL, event={"text": os.urandom(100_000).hex()})
        group = Group(
            events=[event(f"f-{number}"), event(f"g-{number}", full=large)], attempts=[attempt((f"f-{number}", "T"))]
        )
        try:
            written += [one.event_id or "" for one in store.write(group)]
        except RecordsError as error:
            failed.append(str(error))
    assert len(failed) > 30
    assert all("no room on the disk" in one for one in failed)
    assert [one.event_id for one in store.newest()] == written[::-1]
    make_room(disk)
    (last,) = store.write(events(event("after")))
    assert last.number == len(written) + 1, "numbers of what failed are given again"
    assert [one.event_id for one in store.newest()] == ["after", *written[::-1]]
    store.close()
    assert [one.event_id for one in opened(disk).newest()] == ["after", *written[::-1]]


def test_a_start_without_room(opened: Open, disk: Path) -> None:
    fill(disk)
    with pytest.raises(RecordsError, match=r"cannot be opened|no room"):
        opened(disk)
    make_room(disk)
    opened(disk).write(events(event()))


def test_a_full_disk_is_no_damage(opened: Open, disk: Path) -> None:
    store = opened(disk)
    for number in range(50):
        store.write(events(*(event(f"{number}-{one}") for one in range(100))))
    store.close()
    fill(disk)
    try:
        store = opened(disk)
    except RecordsError:
        make_room(disk)
        store = opened(disk)
    assert sum(1 for _ in store.newest()) == 5000
    assert list(disk.glob("*damaged*")) == []
