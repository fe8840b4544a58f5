"""The SQLite engine beside the one in memory: whatever the order of calls, both say the same, to the last field."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tagserver.records.api import Group, RecordStore
from tagserver.records.sqlite.engine import SqliteRecords
from tagserver.records.values import EventRecord, RowOutcome, TagDecision
from tests.examples import examples
from tests.fake_time import FakeTime
from tests.records.made import FULL, TAGS, attempt, container, event, fate, order, person, refused, share
from tests.records.memory.engine import MemoryRecords

KEEP = 3600.0 * 6
PERSONS = [person(name) for name in ("erika", "max", "eve")]
ORDERS = [None, "1", "2", "e-3"]
IDS = [*(f"e-{number}" for number in range(8)), "purchase_1", "1"]
OUTCOMES = [RowOutcome("delivered"), RowOutcome("retry", "503", "e-1 and 1 failed"), RowOutcome("", "expired", "", "x")]

ids = st.sampled_from(IDS)
persons = st.lists(st.sampled_from(PERSONS), max_size=2, unique=True).map(tuple)
texts = st.sampled_from(["", "a", "b", "käse"])
tags = st.lists(
    st.sampled_from(TAGS) | st.builds(TagDecision, texts, texts, st.none() | texts, texts, texts, texts), max_size=3
).map(tuple)
numbers = st.none() | st.integers(-5, 5).map(float)


@st.composite
def records(draw: st.DrawFn) -> tuple[dict[str, Any], bool]:
    """The fields of an event, or of a refused request."""
    if draw(st.booleans()) and draw(st.booleans()):
        return {"count": draw(st.integers(1, 300)), "reason": draw(texts), "number": draw(st.integers(0, 12))}, True
    return {
        "event_id": draw(ids),
        "name": draw(st.none() | texts),
        "source": draw(texts),
        "status": draw(st.sampled_from(["accepted", "duplicate", "held", "rejected"])),
        "version": draw(texts),
        "tags": draw(tags),
        "order": draw(st.sampled_from(ORDERS)),
        "value": draw(numbers),
        "currency": draw(st.none() | texts),
        "persons": draw(persons),
        "repeated": draw(st.lists(st.tuples(texts, texts), max_size=2).map(tuple)),
        "session": draw(texts),
        "dry": draw(st.booleans()),
        "full": draw(st.sampled_from([None, None, FULL])),
    }, False


class EnginesMachine(RuleBasedStateMachine):
    """Both, side by side."""

    @initialize()
    def begin(self) -> None:
        """Nothing is stored."""
        self.folder = tempfile.TemporaryDirectory(prefix="records-")
        self.clock = FakeTime()
        self.memory = MemoryRecords(self.clock, keep=KEEP)
        self.sqlite = self._opened()

    def _opened(self) -> SqliteRecords:
        path = Path(self.folder.name) / "records.db"
        return SqliteRecords.open(path, keep=KEEP, max_size=64 << 20, time=self.clock)

    def teardown(self) -> None:
        """Close what was opened."""
        if hasattr(self, "sqlite"):
            self.sqlite.close()
            self.folder.cleanup()

    def both(self, call: Callable[[RecordStore], Any]) -> Any:
        """The answer of both."""
        one, other = call(self.sqlite), call(self.memory)
        assert one == other
        return one

    @rule(
        found=st.lists(records(), max_size=6),
        rows=st.lists(st.tuples(ids, texts), max_size=4, unique=True),
        outcome=st.sampled_from(OUTCOMES),
        each=st.booleans(),
        ordered=st.lists(st.tuples(ids, st.sampled_from(ORDERS[1:]), persons), max_size=3),
        ended=st.lists(st.tuples(ids, texts), max_size=3),
        version=st.none() | texts,
        late=st.integers(-2000, 2000),
    )
    def write(
        self,
        found: list[tuple[dict[str, Any], bool]],
        rows: list[tuple[str, str]],
        outcome: RowOutcome,
        each: bool,
        ordered: list[tuple[str, str, tuple[bytes, ...]]],
        ended: list[tuple[str, str]],
        version: str | None,
        late: int,
    ) -> None:
        """A group; of the numbers that come with it each is there, gone, an event's, or none."""
        now = self.clock.now() + late
        seen: set[int] = set()
        events: list[EventRecord] = []
        for fields, is_refused in found:
            number = fields.get("number", 0)
            if number and number in seen:
                continue
            seen.add(number)
            events.append(refused(now, **fields) if is_refused else event(received=now, **fields))
        outcomes = (outcome,) * len(rows) if each else (outcome,)
        group = Group(
            events=events,
            attempts=[attempt(*rows, at=now, outcomes=outcomes)] if rows else [],
            orders=[order(number or "", one, now, persons=whose) for one, number, whose in ordered],
            fates=[fate(one, now, tag=tag) for one, tag in ended],
            containers=[container(version)] if version is not None else [],
        )
        self.both(lambda store: store.write(group))

    @rule(number=st.integers(20, 300), full=st.booleans())
    def write_many(self, number: int, full: bool) -> None:
        """Several blocks at once."""
        now = self.clock.now()
        group = Group(
            events=[
                event(
                    IDS[one % 10], now + one, persons=(PERSONS[one % 3],), full=FULL if full and one % 9 == 0 else None
                )
                for one in range(number)
            ],
            attempts=[attempt(*((IDS[one % 10], f"T{one}") for one in range(number)), at=now)],
        )
        self.both(lambda store: len(store.write(group)))

    @rule(seconds=st.sampled_from([1, 60, 1800, 7200, 90 * 86_400 - 7200]))
    def later(self, seconds: int) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule(whose=persons, of=st.lists(st.sampled_from(["1", "2", "e-3"]), max_size=1))
    def erase(self, whose: tuple[bytes, ...], of: list[str]) -> None:
        """Somebody is erased."""
        self.both(lambda store: store.erase(whose, of))

    @rule(name=texts, one=ids, hours=st.sampled_from([1, 24, 24 * 100]))
    def share(self, name: str, one: str, hours: int) -> None:
        """Somebody shares something."""
        made = share(name, one, self.clock.now(), self.clock.now() + hours * 3_600_000)
        self.both(lambda store: store.share(made))

    @rule(name=texts)
    def revoke(self, name: str) -> None:
        """A share is taken back."""
        self.both(lambda store: store.revoke(name))

    @rule()
    def restart(self) -> None:
        """The file is closed and opened again."""
        self.sqlite.close()
        self.sqlite = self._opened()

    @rule(before=st.integers(-1, 400), number=st.integers(-1, 400), since=st.integers(-7_200_000, 1000))
    def ask(self, before: int, number: int, since: int) -> None:
        """Questions with numbers and times."""
        at = self.clock.now() + since
        self.both(lambda store: list(islice(store.newest(before), 5)))
        self.both(lambda store: store.numbered(number))
        self.both(lambda store: store.attempts(IDS[:3], at))
        self.both(lambda store: list(store.orders(since=at)))
        self.both(lambda store: list(store.orders("1", at)))
        self.both(lambda store: store.fates(IDS, at))

    @invariant()
    def the_same(self) -> None:
        """Every question gets one answer."""
        if not hasattr(self, "sqlite"):
            return
        now = self.clock.now()
        self.both(lambda store: list(store.newest()))
        self.both(lambda store: (store.kept().events, store.kept().since))
        self.both(lambda store: [store.of_event(one) for one in IDS[-3:]])
        self.both(lambda store: [store.of_order(one) for one in ("1", "2")])
        self.both(lambda store: store.of_person(PERSONS[:2]))
        self.both(lambda store: store.attempts(IDS, 0))
        self.both(lambda store: (list(store.orders()), store.fates(IDS)))
        self.both(lambda store: [store.shared(name, now) for name in ("", "a")])
        self.both(lambda store: store.shares(now))
        self.both(lambda store: [store.container(name) for name in ("", "a", "b")])


TestEnginesAgree = EnginesMachine.TestCase
TestEnginesAgree.settings = settings(
    max_examples=examples(40),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
