"""The last hour by event, on Home."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.records.values import Attempted, EventRecord, RowOutcome, TagDecision
from tagserver.records.view import Tries, tries
from tagserver.server.pages.last_hour import HOUR, LOOKED_AT, NAMES, count
from tests.server.conftest import BEARER, SERVER, Running, Start, purchase

NOW = 1_800_000_000_000
MINUTE = 60_000
SEND = TagDecision("A", "meta", "send", "send", "fired")
LIMITED = TagDecision("B", "meta", "restrict", "restrict", "fired")
BLOCK = TagDecision("C", "meta", "block", "block", "consent")
ERROR = TagDecision("D", "meta", "send", "error", "plugin_error")
SKIP = TagDecision("E", "meta", None, "skip", "no_trigger")
DEAD = tries([Attempted("meta", NOW, 1, 400, (("e", "A"),), (RowOutcome("rejected", dead="rejected"),))])


def record(name: str | None, ago: int, *tags: TagDecision, **fields: Any) -> EventRecord:
    """An event that came so many minutes ago."""
    given: dict[str, Any] = {"status": "accepted", **fields}
    return EventRecord(1, NOW - ago * MINUTE, "e", name, "browser", "datalayer", version="v", tags=tags, **given)


def counted(*records: EventRecord, of: Tries | None = None) -> dict[str | None, tuple[int, int, int, int]]:
    """Events, sent, blocked, failed by name."""
    found = count(((one, of or {}) for one in records), NOW)
    return {one.name: (one.events, one.sent, one.blocked, one.failed) for one in found.events}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([record("a", 1, SEND, LIMITED, BLOCK, SKIP)], {"a": (1, 2, 1, 0)}),
        ([record("a", 1, ERROR)], {"a": (1, 0, 0, 1)}),
        ([record("a", 1, SEND, status="duplicate")], {"a": (1, 0, 0, 0)}),
        ([record("a", 1, SEND, dry=True)], {"a": (1, 0, 0, 0)}),
        ([record("a", 59), record("b", 60), record("b", 61)], {"a": (1, 0, 0, 0), "b": (1, 0, 0, 0)}),
        ([record(None, 1, status="refused", count=7), record("x", 1, status="rejected")], {None: (8, 0, 0, 0)}),
        ([], {}),
    ],
    ids=("decisions", "error", "duplicate", "dry", "an-hour", "not-taken", "nothing"),
)
def test_what_is_counted(records: list[EventRecord], expected: dict[str, Any]) -> None:
    assert counted(*records) == expected


def test_what_was_given_up_failed() -> None:
    assert counted(record("a", 1, SEND), of=DEAD) == {"a": (1, 1, 0, 1)}


def test_the_newest_five_minutes_come_last() -> None:
    (row,) = count(((one, {}) for one in (record("a", 0), record("a", 1), record("a", 58))), NOW).events
    assert list(row.buckets) == [1, *[0] * 10, 2]


def test_many_names_are_one_row_in_the_end() -> None:
    found = counted(*(record(f"name {number}", 1) for number in range(NAMES + 30)))
    assert len(found) == NAMES + 1
    assert found[""][0] == 30


def test_a_busy_hour_is_not_read_to_its_end() -> None:
    newest = record("a", 1)
    found = count(((newest, {}) for _ in range(LOOKED_AT + 5)), NOW)
    assert found.events[0].events == LOOKED_AT
    assert found.since == newest.received > NOW - HOUR


async def home(server: Running) -> Any:
    await server.runtime.records.flush()
    return (await server.http.get("/-/home.json", headers=BEARER)).json()["last_hour"]


async def test_home_has_it_with_ways_into_preview(server: Running) -> None:
    await server.collect(purchase())
    (row,) = (await home(server))["events"]
    assert (row["name"], row["events"], row["sent"]) == ("purchase", 1, 1)
    html = (await server.http.get("/-/", headers={**BEARER, "accept": "text/html"})).text
    assert 'href="/-/preview?name=purchase"' in html


async def test_without_records_home_leaves_it_out(start: Start) -> None:
    assert await home(await start(server=SERVER + "records: {level: off}\n")) is None
