"""After an erasure no byte of what was erased is in the files: neither on the pages of blocks, nor where rows were
moved or removed before, nor in the log."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from tagserver.records.api import Group, RecordsError
from tagserver.records.sqlite.rows import HEAD, PAGE
from tagserver.records.values import EventRecord, RowOutcome
from tests.fake_time import START, FakeTime
from tests.records.made import FULL, attempt, event, fate, order, person, refused, share
from tests.records.sqlite.conftest import MIB, Open, files

ERIKA = person("erika")


def hers(folder: Path) -> list[str]:
    """The files in which something of Erika can be found: an id, an order, a word of level full, her hash."""
    return [name for name, content in files(folder).items() if any(one in content for one in (b"erika", ERIKA))]


def made(name: str, *, full: bool) -> EventRecord:
    """Of her, if the name says so."""
    is_hers = name.startswith("erika")
    return event(
        name,
        order=f"order-{name}",
        persons=(ERIKA if is_hers else person(name),),
        full=replace(FULL, event={"order": f"order-{name}", "more": name * 100}) if full else None,
    )


@pytest.mark.parametrize("full", [False, True], ids=["summary", "full"])
def test_nothing_of_it_is_left(opened: Open, tmp_path: Path, full: bool) -> None:
    store = opened()
    for part in range(40):
        names = [f"{'erika' if (part + number) % 7 == 0 else 'max'}-{part}-{number}" for number in range(30)]
        store.write(
            Group(
                events=[*(made(one, full=full) for one in names), refused()],
                attempts=[attempt(*((one, f"T{row}") for one in names for row in range(3)))],
                orders=[
                    order(f"order-{one}", one, persons=(ERIKA if "erika" in one else person(one),)) for one in names
                ],
                fates=[fate(one) for one in names],
            )
        )
    store.share(share("s", "erika-0-0", content=b'{"order": "order-erika-0-0"}' * 1000))
    store.share(share("t", "max-0-1", content=b'{"order": "order-max-0-1"}'))
    assert hers(tmp_path)
    removed = store.erase([ERIKA])
    assert removed > 150
    assert hers(tmp_path) == []
    found = list(store.newest())
    assert len(found) == 40 * 31 - removed == store.kept().events
    assert store.shares(START)[0].id == "t"
    store.write(Group(events=[made("max-late", full=full)]))
    assert hers(tmp_path) == []
    store.close()
    assert hers(tmp_path) == []


@pytest.mark.parametrize("seed", range(4))
def test_after_any_history(opened: Open, tmp_path: Path, clock: FakeTime, seed: int) -> None:
    """Groups of all sizes, blocks that go for their age or the size, other erasures, restarts: then she is erased."""
    chance = random.Random(seed)
    store = opened(max_size=4 * MIB)
    for part in range(120):
        clock.advance(chance.choice([1, 600, 7200]))
        names = [f"{chance.choice(['erika', 'max', 'eve'])}-{part}-{one}" for one in range(chance.choice([1, 5, 60]))]
        full = chance.random() < 0.4
        group = [replace(made(one, full=full), received=clock.now()) for one in names]
        rows = [(one, f"T{row}") for one in names for row in range(2)]
        store.write(
            Group(
                events=group,
                attempts=[attempt(*rows, at=clock.now())],
                orders=[order(f"order-{one}", one, at=clock.now(), persons=(person(one),)) for one in names[:3]],
                fates=[fate(one, clock.now()) for one in names[:3]],
            )
        )
        if chance.random() < 0.1:
            store.share(share(f"s{part}", names[0], content=f'"order-{names[0]}"'.encode() * chance.choice([1, 3000])))
        if chance.random() < 0.1:
            store.erase([person(names[-1])], [f"order-{names[0]}"])
        if chance.random() < 0.05:
            store.revoke(f"s{part - 5}")
        if chance.random() < 0.05:
            store.close()
            store = opened(max_size=chance.choice([4, 6]) * MIB)
    orders = [one.order for one in store.orders() if "erika" in one.order]
    shares = [f"order-{one.event_id}" for one in store.shares(clock.now()) if "erika" in one.event_id]
    store.erase([ERIKA], [*orders, *shares])
    assert hers(tmp_path) == []
    assert not any("erika" in (one.event_id or "") for one in store.newest())


def test_her_message_is_gone_from_the_requests_of_others(opened: Open, tmp_path: Path) -> None:
    store = opened()
    wrong = RowOutcome("rejected", "rejected", "event erika-1 is wrong", "rejected")
    store.write(
        Group(
            events=[made("erika-1", full=False)],
            attempts=[attempt(("erika-1", "T"), ("max-1", "T"), outcome=wrong)],
        )
    )
    assert store.erase([ERIKA]) == 1
    assert hers(tmp_path) == []
    assert len(store.attempts(["max-1"], 0)) == 1


def test_somebody_who_reads_slowly_holds_nothing_back(opened: Open, tmp_path: Path) -> None:
    """Between two steps of a walk nothing is held, so that the log can be emptied."""
    store = opened()
    for part in range(30):
        store.write(Group(events=[made(f"{'erika' if one else 'max'}-{part}-{one}", full=True) for one in range(20)]))
    walk = store.newest()
    assert next(walk).event_id == "erika-29-19"
    store.erase([ERIKA])
    assert hers(tmp_path) == []
    assert {one.event_id for one in walk} >= {f"max-{part}-0" for part in range(29)}


def test_another_program_that_reads_is_named(opened: Open, tmp_path: Path) -> None:
    """As long as it does the log cannot be emptied; the next erasure does it."""
    store = opened()
    store.write(Group(events=[made("erika-1", full=False), made("max-1", full=False)]))
    with contextlib.closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT first FROM events").fetchall()
        with pytest.raises(RecordsError, match=r"another program reads .* records.db-wal still holds it"):
            store.erase([ERIKA])
        assert [one.event_id for one in store.newest()] == ["max-1"]
    store.erase([ERIKA])
    assert hers(tmp_path) == []


def test_a_damaged_file_goes_with_it(opened: Open, tmp_path: Path) -> None:
    store = opened()
    (tmp_path / "records.db.damaged-20261130-120000").write_bytes(b"erika")
    store.erase([ERIKA])
    assert hers(tmp_path) == []


def test_shared_pages_hold_no_text(opened: Open, tmp_path: Path) -> None:
    """Which is why nothing of a row stays behind where it was: see `rows`."""
    store = opened()
    for part in range(30):
        store.write(Group(events=[made(f"erika-{part}-{one}", full=part % 2 == 0) for one in range(part * 3 + 1)]))
    store.share(share("s", content=b"erika" * 300))
    store.share(share("t", content=b"erika" * 100_000))
    store.close()
    content = files(tmp_path)["records.db"]
    leaves = [content[at : at + PAGE] for at in range(PAGE, len(content), PAGE) if content[at] == 0x0D]
    with_blocks = [page for page in leaves if bytes(HEAD) in page]
    assert with_blocks
    assert not any(b"erika" in page or ERIKA in page or b"meta" in page for page in leaves if page in with_blocks)
