"""What is said before and after a pause: how much of what waits is too old, will be, or may not be sent any more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tagserver.pausing.outlook import Outlook, Rates, outlook
from tagserver.pausing.sentences import when_pausing, when_resuming
from tagserver.queue.sqlite.claims import LOOKED
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import Row, Settlement
from tests.delivery.support import HOUR, claim, deliveries, delivery
from tests.fake_time import START, FakeTime

H = 3_600_000
REPEAT = 47 * HOUR


async def seen(outbox: SqliteOutbox, clock: FakeTime, *names: str, **options: Any) -> Outlook:
    """Now."""
    given: dict[str, Any] = {"until": None, "repeat": REPEAT}
    return await outlook(outbox, names or ("meta",), clock, **(given | options))


async def test_every_row_is_looked_at_once_and_stays(outbox: SqliteOutbox, clock: FakeTime) -> None:
    """Also those in flight, and those of a destination's earlier names; payloads are not read."""
    for _ in range(3):
        await outbox.append(deliveries(LOOKED // 2 + 1, f"{_}-"))
    await outbox.append(deliveries(7, "o", destination="old name"))
    await outbox.append(deliveries(9, "g", destination="ga4"))
    await claim(outbox)
    found = await seen(outbox, clock, "meta", "old name", "no such")
    assert (found.waiting, found.looked) == (3 * (LOOKED // 2 + 1) + 7,) * 2
    pieces = [rows async for rows in outbox.pending_rows("meta")]
    assert {row.body for rows in pieces for row in rows} == {b""}
    assert len({row.id for rows in pieces for row in rows}) == 3 * (LOOKED // 2 + 1)


async def test_what_expires_when(outbox: SqliteOutbox, clock: FakeTime) -> None:
    expires = [None, START + H, START + 2 * H, START + 3 * H, START + 30 * H]
    await outbox.append([delivery(f"e{n}", expires=end) for n, end in enumerate(expires)])
    found = await seen(outbox, clock, until=START + 3 * H)
    assert (found.expired, found.before, found.first) == (0, 2, START + H)
    assert sum(found.by_day.values()) == 4
    clock.advance(2 * HOUR)
    found = await seen(outbox, clock)
    assert (found.expired, found.unknown, found.first) == (2, 0, START + 3 * H)


async def test_what_the_vendor_may_have_expires_by_its_window(outbox: SqliteOutbox, clock: FakeTime) -> None:
    """And is told apart: too old for a repeat, not for the vendor."""
    await outbox.append([*deliveries(3), *deliveries(2, "old", expires=START + H)])
    batch = await claim(outbox)
    ids = [row.id for row in batch.rows]
    await outbox.settle(batch, Settlement(unknown=ids[:1] + ids[3:4]))
    clock.advance(REPEAT)
    found = await seen(outbox, clock)
    assert (found.expired, found.unknown) == (3, 1)
    assert (await seen(outbox, clock, repeat=None)).expired == 2


async def test_what_may_not_be_sent(outbox: SqliteOutbox, clock: FakeTime) -> None:
    await outbox.append([*deliveries(4), *deliveries(2, "old", expires=START)])

    def permits(row: Row) -> tuple[str, str] | None:
        return ("consent", "taken back") if row.event_id in ("e1", "old1") else None

    found = await seen(outbox, clock, permits=permits)
    assert (found.expired, found.refused) == (2, {"consent": 1}), "what is too old is counted once"


async def test_a_long_queue_is_looked_at_for_a_while(outbox: SqliteOutbox, clock: FakeTime) -> None:
    """The oldest rows; how many of how many is said."""
    await outbox.append(deliveries(LOOKED + 3))

    def slow(row: Row) -> None:
        clock.advance(1)

    found = await seen(outbox, clock, permits=slow)
    assert (found.waiting, found.looked) == (LOOKED + 3, LOOKED)


async def test_the_rate_is_of_the_last_hour(outbox: SqliteOutbox, clock: FakeTime) -> None:
    rates = Rates(outbox.counts, clock)
    assert rates.of(["meta"]) is None
    rates.note()
    await outbox.append(deliveries(30))
    clock.advance(59)
    assert rates.of(["meta"]) is None, "too short to say anything"
    clock.advance(1)
    assert rates.of(["meta"]) == 0.5
    assert rates.of(["no such"]) == 0
    for _ in range(200):
        clock.advance(60)
        rates.note()
    assert rates.of(["meta"]) == 0


SEEN = {
    "waiting": 1234,
    "looked": 1234,
    "expired": 0,
    "unknown": 0,
    "before": 0,
    "first": None,
    "by_day": {},
    "later": 0,
    "refused": {},
}
SHARE = {"limit": 2 << 30, "used": 3 << 20, "per_s": None, "full_in_s": None}
END = "Its share of the queue is used to 3 MiB of 2 GiB"
BEYOND = ". Beyond it new deliveries become dead letters (queue_full)."

PAUSING: list[tuple[dict[str, Any], dict[str, Any], int | None, str]] = [
    ({}, {}, None, f"1,234 deliveries wait. None of them has an age limit. {END}{BEYOND}"),
    ({"waiting": 0, "looked": 0}, {}, START, f"Nothing waits now. {END}{BEYOND}"),
    ({"first": START}, {}, START, f"1,234 deliveries wait. None of them expires before the pause ends. {END}{BEYOND}"),
    (
        {"before": 1, "waiting": 1, "looked": 1},
        {},
        START,
        f"1 delivery waits. 1 delivery expires before the pause ends, and will not be sent. {END}{BEYOND}",
    ),
    (
        {"waiting": 500_000, "looked": 200_000, "before": 2000, "expired": 1},
        {"per_s": 12.0, "full_in_s": 10_900},
        START,
        (
            "500,000 deliveries wait. Of the oldest 200,000: 1 delivery is too old already (expired). 2,000 deliveries "
            f"expire before the pause ends, and will not be sent. {END}, and at the rate of the last hour (12 a "
            f"second) full in about 3 hours{BEYOND}"
        ),
    ),
    (
        {"first": START, "by_day": {f"2027-01-{day}": day for day in range(15, 25)}, "later": 7},
        {},
        None,
        (
            "1,234 deliveries wait. The first expires on 2027-01-15 08:00:00 UTC: 15 on 2027-01-15, 16 on 2027-01-16, "
            f"17 on 2027-01-17, 18 on 2027-01-18, 19 on 2027-01-19, 117 later. {END}{BEYOND}"
        ),
    ),
]


@pytest.mark.parametrize(("changes", "share", "until", "said"), PAUSING, ids=range(len(PAUSING)))
def test_the_sentences_of_a_pause(changes: dict[str, Any], share: dict[str, Any], until: int | None, said: str) -> None:
    done = {"pause": {"until": until}, "outlook": SEEN | changes, "share": SHARE | share}
    assert " ".join(when_pausing(done)) == said


def test_a_pause_without_an_outlook_still_says_what_it_can() -> None:
    assert " ".join(when_pausing({"pause": {"until": None}, "share": SHARE})) == END + BEYOND


RESUMING: list[tuple[dict[str, Any], str]] = [
    ({}, r"1,234 deliveries wait\."),
    (
        {"expired": 12, "unknown": 3, "refused": {"tag_removed": 5, "consent": 2}},
        (
            r"1,234 deliveries wait\. 12 deliveries are too old by now: dead letters \(expired\); of 3 of them the "
            r"vendor may have a copy.* 7 deliveries may not be sent any more: dead letters "
            r"\(2 consent, 5 tag_removed\)\."
        ),
    ),
    ({"expired": 1}, r"1,234 deliveries wait\. 1 delivery is too old by now: dead letters \(expired\)\."),
]


@pytest.mark.parametrize(("changes", "said"), RESUMING, ids=range(len(RESUMING)))
def test_the_sentences_before_resuming(changes: dict[str, Any], said: str) -> None:
    assert re.fullmatch(said, " ".join(when_resuming({"outlook": SEEN | changes})))
