"""What a viewer hears of what is put on record."""

from __future__ import annotations

import pytest

from tagserver.records.live import MOST_OF_A_NAME, MOST_WAITING, Live, Message, Viewer
from tagserver.records.query import Query
from tagserver.records.values import Attempted, EventRecord, RowOutcome, TagDecision

SEND = TagDecision("A", "meta", "send", "send", "fired")
OTHER = TagDecision("B", "meta", "send", "send", "fired")
ERROR = TagDecision("A", "meta", "send", "error", "plugin_error")
SKIP = TagDecision("A", "meta", None, "skip", "no_trigger")


def record(number: int, *tags: TagDecision, name: str = "purchase") -> EventRecord:
    """An event of that number."""
    return EventRecord(number, 1, f"e-{number}", name, "browser", "datalayer", "accepted", "v", tags)


def attempt(number: int, outcome: str, tag: str = "A", dead: str = "") -> Attempted:
    """What came of one of its deliveries."""
    return Attempted("meta", 2, 30, 500, ((f"e-{number}", tag),), (RowOutcome(outcome, dead=dead),))  # type: ignore[arg-type]  # a table of words


async def heard(viewer: Viewer) -> list[Message]:
    """All that waits for a viewer."""
    found: list[Message] = []
    while (message := await viewer.next(0.01)) is not None:
        found.append(message)
    return found


def kinds(messages: list[Message]) -> list[tuple[str, object]]:
    """Each with the record's number, or the outcome."""
    return [(one.kind, one.number or one.data.get("outcome") or one.data.get("records")) for one in messages]


async def test_events_and_what_came_of_them() -> None:
    live = Live()
    viewer = live.watch(Query())
    live.tell([record(1, SEND), record(2, SKIP)], [])
    live.tell([], [attempt(1, "retry"), attempt(1, "delivered"), attempt(9, "delivered")])
    told = kinds(await heard(viewer))
    assert told == [("record", 1), ("record", 2), ("attempt", "retry"), ("attempt", "delivered")]


@pytest.mark.parametrize(
    ("tag", "records", "attempts", "expected"),
    [
        ("", [record(1, SEND)], [attempt(1, "delivered")], []),
        ("", [record(1, SEND)], [attempt(1, "retry")], [("record", 1), ("attempt", "retry")]),
        ("", [record(1, SEND)], [attempt(1, "", dead="expired")], [("record", 1), ("attempt", "dead")]),
        ("", [record(1, ERROR)], [], [("record", 1)]),
        ("", [record(1, SKIP)], [], []),
        ("A", [record(1, SEND, OTHER)], [attempt(1, "retry", "B")], []),
        ("A", [record(1, SEND, OTHER)], [attempt(1, "retry", "A")], [("record", 1), ("attempt", "retry")]),
        (
            "",
            [record(1, SEND)],
            [attempt(1, "retry"), attempt(1, "delivered")],
            [("record", 1), ("attempt", "retry"), ("attempt", "delivered")],
        ),
    ],
    ids=("delivered", "retried", "given-up", "plugin", "skipped", "another-tag", "this-tag", "and-then-delivered"),
)
async def test_whoever_asks_for_failures_hears_of_an_event_when_it_fails(
    tag: str, records: list[EventRecord], attempts: list[Attempted], expected: list[tuple[str, object]]
) -> None:
    live = Live()
    viewer = live.watch(Query(verdict="failed", tag=tag))
    live.tell(records, [])
    live.tell([], attempts)
    assert kinds(await heard(viewer)) == expected


async def test_a_busy_name_hides_no_rare_one() -> None:
    live = Live()
    viewer = live.watch(Query())
    busy = [record(number, SKIP, name="page_view") for number in range(1, 101)]
    live.tell([*busy, record(101, SEND)], [])
    told = kinds(await heard(viewer))
    assert told[-2:] == [("record", 101), ("skipped", 100 - MOST_OF_A_NAME)]
    assert len(told) == MOST_OF_A_NAME + 2


async def test_who_is_too_slow_hears_how_much_was_left_out() -> None:
    live = Live()
    viewer = live.watch(Query())
    for number in range(1, MOST_WAITING + 51):
        live.tell([record(number, SKIP)], [])
    assert len(await heard(viewer)) == MOST_WAITING
    live.tell([record(1000, SKIP)], [])
    assert kinds(await heard(viewer)) == [("record", 1000), ("skipped", 50)]


async def test_all_viewers_are_told_by_one_message() -> None:
    """What is made for each record and attempt does not grow with those who look on."""
    live = Live()
    viewers = [live.watch(Query()) for _ in range(20)]
    live.tell([record(1, SEND)], [attempt(1, "retry")])
    told = [await heard(viewer) for viewer in viewers]
    assert kinds(told[0]) == [("record", 1), ("attempt", "retry")]
    assert len({id(message) for messages in told for message in messages}) == 2
