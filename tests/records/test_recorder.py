"""The recorder's thread: what it does when the store fails, when too much comes, and when somebody refuses a lot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from tagserver.config.records import RecordsConfig
from tagserver.delivery.attempts import Attempt, Ended
from tagserver.ingest.answer import Answer
from tagserver.ingest.observer import Line
from tagserver.pipeline.route import route
from tagserver.plugin.destination import Response
from tagserver.queue.moves import Move
from tagserver.queue.values import DeadLettered, Row
from tagserver.records.api import Group, RecordsError
from tagserver.records.recorder import Recorder
from tagserver.records.records import Records
from tagserver.records.refusals import MOST_KINDS
from tagserver.records.values import Attempted, EventRecord, RowOutcome
from tagserver.records.writer import EVERY, MOST, MOST_MOVES
from tests.config.world import container
from tests.events import event
from tests.fake_time import FakeTime
from tests.records.memory.engine import MemoryRecords

KEY = bytes(32)
CONTAINER = container("""
destinations: {box: {type: box}}
tags: [{name: Everything, destination: box, triggers: [all]}]
""")


class Store:
    """Keeps groups, and fails while it is told to."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.records: dict[int, EventRecord] = {}
        self.fails = self.faults = False
        self.before_second: Callable[[], object] = str

    def write(self, group: Group) -> list[EventRecord]:
        if self.fails:
            raise RecordsError("the disk is full")
        if self.faults:
            raise ZeroDivisionError
        if self.records:
            self.before_second()
        self.groups.append(group)
        kept = []
        for one in group.events:
            number = one.number or len(self.records) + 1
            self.records[number] = one = _numbered(one, number)
            kept.append(one)
        return kept

    def limit(self, keep: float, max_size: int) -> None:
        raise AssertionError("nobody asked for it")

    def close(self) -> None:
        pass


def _numbered(record: EventRecord, number: int) -> EventRecord:
    return EventRecord(number, *(getattr(record, name) for name in record.__struct_fields__[1:]))


def recorder(store: Store, time: FakeTime | None = None) -> Recorder:
    """One that writes when it is asked to."""
    made = Recorder(store, KEY, time or FakeTime(), level="summary", made=_nobody, every=60.0)
    made.start()
    return made


def _nobody(records: Sequence[EventRecord], attempts: Sequence[Attempted]) -> None:
    pass


def line(event_id: str = "e-1") -> Line:
    """One event that was taken."""
    routing = route(CONTAINER, event({"event_id": event_id}))
    return Answer(event_id, "accepted"), routing, [], ()


def test_a_store_that_fails_costs_records_which_are_counted_and_goes_on_later() -> None:
    store = Store()
    one = recorder(store)
    store.fails = True
    one.settled(CONTAINER, [line(), line("e-2")])
    one.flush()
    assert (one.lost, one.trouble) == (2, "the disk is full")
    store.fails = False
    one.settled(CONTAINER, [line("e-3")])
    one.close()
    assert [record.event_id for record in store.records.values()] == ["e-3"]
    assert one.trouble is None
    assert store.groups[0].containers, "the words of the container, which were lost with the first group"


def test_a_fault_costs_one_group_and_the_thread_goes_on() -> None:
    store = Store()
    one = recorder(store)
    store.faults = True
    one.settled(CONTAINER, [line()])
    assert one.flush()
    assert (one.lost, one.trouble) == (1, "a fault of tagserver (ZeroDivisionError)")
    store.faults = False
    one.settled(CONTAINER, [line("e-2")])
    assert one.flush()
    assert [record.event_id for record in store.records.values()] == ["e-2"]
    one.close()


def test_whoever_waits_for_the_writing_waits_for_all_that_was_told_before() -> None:
    """Also where somebody else's wait is over in this very moment: an erasure must not overtake what it is to erase."""
    seen: list[int] = []
    returned = threading.Event()

    def second() -> None:
        one.settled(CONTAINER, [line("e-2")])
        one.flush()
        seen.append(len(store.records))
        returned.set()

    class Meanwhile(FakeTime):
        """Somebody else comes after the writing, and before whoever waited is told."""

        came = False

        def monotonic(self) -> float:
            if store.records and not self.came:
                self.came = True
                waiting.start()
                waiting.join(0.3)
            return super().monotonic()

    store = Store()
    store.before_second = lambda: returned.wait(0.3)
    waiting = threading.Thread(target=second)
    one = recorder(store, Meanwhile())
    one.settled(CONTAINER, [line()])
    one.flush()
    waiting.join()
    assert seen == [2]
    one.close()


def test_what_is_beyond_the_bound_is_lost_and_counted() -> None:
    store = Store()
    one = Recorder(store, KEY, FakeTime(), level="summary", made=_nobody, every=60.0)
    for _ in range(3):
        one.settled(CONTAINER, [line()] * MOST)
    assert 0 < one.lost <= 2 * MOST


def test_equal_refused_requests_of_a_minute_are_one_record() -> None:
    store, time = Store(), FakeTime()
    one = recorder(store, time)
    for _ in range(3):
        one.refused("origin", "not here", "https://a.example")
        one.flush()
    one.refused("origin", "not here", "https://b.example")
    one.flush()
    assert {(record.origin, record.count) for record in store.records.values()} == {
        ("https://a.example", 3),
        ("https://b.example", 1),
    }
    time.advance(61)
    one.refused("origin", "not here", "https://a.example")
    one.close()
    assert [record.count for record in store.records.values()] == [3, 1, 1]


def test_refused_requests_of_ever_new_origins_are_bounded() -> None:
    store = Store()
    one = recorder(store)
    for number in range(5 * MOST_KINDS):
        one.refused("origin", "not here", f"https://{number}.example")
    one.close()
    assert len(store.records) <= MOST_KINDS + 1
    assert sum(record.count for record in store.records.values()) == 5 * MOST_KINDS


def test_an_order_is_followed_to_its_end_also_over_a_restart() -> None:
    store = Store()
    one = Recorder(store, KEY, FakeTime(), level="summary", made=_nobody, every=60.0)
    one.start(["p-1"])
    rows = [
        Row(number, event_id, "Purchase", "Meta", "meta", frozenset(), (), None, 0, 0, None, "i", b"{}")
        for number, event_id in enumerate(("p-1", "no-order"))
    ]
    one.attempted("meta", [Attempt(5, 20, rows, (Ended("delivered"),))])
    one.close()
    (fate,) = store.groups[0].fates
    assert (fate.event_id, fate.destination, fate.tag, fate.fate) == ("p-1", "meta", "Meta", "delivered")


def row(number: int, event_id: str, *persons: bytes, received: int = 0) -> Row:
    """A delivery that is on its way."""
    return Row(
        number, event_id, "p", "Everything", "box", frozenset(), persons, None, received, received, None, "i", b"{}"
    )


def test_what_becomes_of_a_delivery_of_somebody_forgotten_is_not_on_record() -> None:
    """It was on its way to a vendor who took long; the others of the request, and what comes later, are."""
    store, time = Store(), FakeTime()
    one = recorder(store, time)
    erika, max_ = bytes(16), bytes([1]) * 16
    now = time.now()
    one.forget([erika], ["T-9"])
    rows = [
        row(1, "e-1", erika, received=now),
        row(2, "e-2", max_, received=now),
        row(3, "e-3", erika, received=now + 1),
        row(4, "purchase_T-9", received=now),
    ]
    for_each = [Ended("rejected", f"code {number}", f"to {number}") for number in range(1, 5)]
    words = Response(400, {}, b'{"trace_id": "e-1"}')
    one.attempted("box", [Attempt(1, 5, rows, for_each, words), Attempt(2, 5, rows[:1], [Ended("delivered")])])
    one.attempted("box", [Attempt(3, 5, rows, [Ended("retry")])])
    one.dead_lettered("box", rows, [DeadLettered(number, "expired", "") for number in range(1, 5)])
    one.close()
    told = [attempt for group in store.groups for attempt in group.attempts]
    assert [[event_id for event_id, _ in attempt.rows] for attempt in told] == [["e-2", "e-3"]] * 3
    assert told[0].status == 400
    assert [(outcome.reason, outcome.message) for outcome in told[0].outcomes] == [("code 2", ""), ("code 3", "")]


def test_events_of_preview_sessions_are_kept_in_full_within_the_budget() -> None:
    """Whoever has a preview link can send as many as they like."""
    store = Store()
    one = recorder(store)
    data = {f"field_{number}": f"value {number}" for number in range(300)}
    routing = route(CONTAINER, event({"event_id": "e-1", **data}, session="AbCdEfGhIjKl"))
    one.settled(CONTAINER, [(Answer("e-1", "accepted"), routing, [], ())] * 3000)
    one.close()
    kept_in_full = [record.full is not None for record in store.records.values()]
    assert len(kept_in_full) == 3000
    assert kept_in_full[0]
    assert not kept_in_full[-1]


def test_level_off_keeps_nothing() -> None:
    store = Store()
    one = Recorder(store, KEY, FakeTime(), level="off", made=_nobody, every=EVERY)
    one.start()
    one.settled(CONTAINER, [line()])
    one.refused("origin", "not here", None)
    one.close()
    assert store.groups == []


def move(event_id: str, person: bytes, to: str, reason: str = "", dead: str = "", received: int = 0) -> Move:
    """What the queue tells of a delivery."""
    return Move(event_id, "Everything", "box", (person,), received, to, reason, dead)  # type: ignore[arg-type]  # above


def test_what_moves_in_the_queue_is_on_record_behind_the_attempts_before() -> None:
    store, time = Store(), FakeTime()
    one = recorder(store, time)
    one.attempted("box", [Attempt(1, 5, [row(1, "e-1")], [Ended("retry")])])
    one.moved([move("e-1", bytes(16), "erased", "consent"), move("e-2", bytes(16), "dead", "queue_full")])
    one.moved([move("e-3", bytes(16), "queue", dead="rejected")])
    one.close()
    told = [attempt for group in store.groups for attempt in group.attempts]
    assert [attempt.rows for attempt in told] == [
        (("e-1", "Everything"),),
        (("e-1", "Everything"), ("e-2", "Everything"), ("e-3", "Everything")),
    ]
    assert told[1].outcomes == (
        RowOutcome("", "consent", "", "", "erased"),
        RowOutcome("", "queue_full", "", "queue_full"),
        RowOutcome("", "", "", "", "queue"),
    )
    assert told[1].at == time.now()


def test_too_many_moves_are_lost_and_counted() -> None:
    """Somebody drops a million dead letters at once, and the disk stands still."""
    store = Store()
    one = Recorder(store, KEY, FakeTime(), level="summary", made=_nobody, every=60.0)  # nobody takes them
    one.moved([move("e", bytes(16), "erased", "dropped")] * (MOST_MOVES + 1))
    one.moved([move("e", bytes(16), "erased", "dropped")] * 5)
    assert one.lost == 5


async def test_a_record_that_knows_no_person_says_that_its_delivery_was_erased() -> None:
    """Consent denied analytics and ads, so the record does not tell whose it is, and `forget` cannot find it; the
    delivery relied on no purpose, and it could. Of an event that is not on record nothing is written."""
    time = FakeTime()
    store = MemoryRecords(time, keep=86400.0)
    records = Records(store, RecordsConfig(), KEY, time)
    await records.start()
    erika, max_ = bytes(16), bytes([1]) * 16
    kept = EventRecord(0, time.now(), "e-1", "p", "browser", "datalayer", "accepted", "c1")
    store.write(Group([kept]))
    known = bytes([2]) * 16
    store.write(Group([EventRecord(0, time.now(), "e-3", "p", "b", "d", "accepted", "c1", persons=(known,))]))
    records.recorder.moved(
        [
            *(move(name, erika, "erased", "forgotten", received=time.now()) for name in ("e-1", "e-2")),
            move("e-3", known, "erased", "forgotten", received=time.now()),
            move("e-4", max_, "erased", "consent", received=time.now()),
        ]
    )
    assert await records.erase([erika, known], []) == 1
    told = store.attempts(["e-1", "e-2", "e-3", "e-4"], 0)
    assert sorted((attempt.rows[0][0], attempt.outcomes[0].reason) for attempt in told) == [
        ("e-1", "forgotten"),
        ("e-4", "consent"),
    ]
    await records.close()
