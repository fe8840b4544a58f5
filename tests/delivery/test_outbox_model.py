"""The outbox against a model of a few dictionaries: whatever the order of calls, both say the same.

Each rule is one call; `reopen` is a restart, with or without a clean end of what was in flight.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tagserver.queue.api import erase_all
from tagserver.queue.crash_suspects import company
from tagserver.queue.dead_letters import Choice, Position
from tagserver.queue.dedup import mark
from tagserver.queue.pauses import Pause
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.queue.values import ROW_BYTES, Batch, DeadLettered, Receipt, Settlement
from tests.delivery.support import Clock, cared_for, delivery, in_hand, key, lying, open_outbox

DESTINATIONS = ("meta", "ga4")
WINDOW = 48 * 3600 * 1000
ORDER_WINDOW = 7 * 24 * 3600 * 1000
ORDERS = (None, "A", "B")
KEEP_DEAD = 100.0
SHARE = 3200
"""Bytes that may wait for one that is stopped by hand: half a dozen rows."""

FATES = ("delivered", "attempted", "unknown", "buried", "untouched")


def whose(number: int) -> bytes:
    """The person of an event: there are three."""
    return key(f"person {number % 3}")


GONE = whose(0)


def is_gone(event_id: str) -> bool:
    """Whether an event is of the person who asks to be forgotten."""
    return whose(int(event_id.rpartition("-")[2])) == GONE


@dataclass
class Waiting:
    """A row as the model sees it."""

    event_id: str
    group: str | None
    attempts: int = 0
    unknown_since: int | None = None
    crashes: int = 0

    @property
    def size(self) -> int:
        """Bytes, as the queue counts them."""
        return len(delivery(self.event_id).body) + ROW_BYTES


class Died(NamedTuple):
    """A dead letter as the model sees it."""

    event_id: str
    buried: int
    id: int
    group: str | None


@dataclass
class Side:
    """One destination of the model. `waiting` in the order of arrival."""

    waiting: list[Waiting] = field(default_factory=list)
    dead: list[Died] = field(default_factory=list)
    accepted: int = 0
    delivered: int = 0
    erased: int = 0
    stopped: bool = False

    @property
    def bytes(self) -> int:
        """That wait."""
        return sum(one.size for one in self.waiting)


class OutboxMachine(RuleBasedStateMachine):
    """The engine and the model, side by side."""

    @initialize()
    def begin(self) -> None:
        """An empty folder."""
        self.folder = tempfile.TemporaryDirectory(prefix="outbox-model-")
        self.path = Path(self.folder.name)
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.known: dict[str, tuple[int, str | None]] = {}
        self.sides = {name: Side() for name in DESTINATIONS}
        self.flights: list[tuple[str, Batch, list[Waiting]]] = []
        self.outbox: SqliteOutbox = self.runner.run(
            open_outbox(self.path, self.clock, keep_dead=KEEP_DEAD, share=SHARE)
        )

    def teardown(self) -> None:
        """Close what was opened."""
        if hasattr(self, "outbox"):
            self.runner.run(self.outbox.close())
            self.runner.close()
            self.folder.cleanup()

    @rule(
        events=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(ORDERS)), max_size=8),
        destination=st.sampled_from(DESTINATIONS),
        group=st.sampled_from([None, None, "a", "b"]),
    )
    def append(self, events: list[tuple[int, str | None]], destination: str, group: str | None) -> None:
        """A request; ids and orders repeat within it and between requests."""
        items = [
            delivery(
                f"{destination}-{number}",
                destination=destination,
                group=group,
                person=(whose(number),),
                order=order and (key(f"{destination} {order}"), ORDER_WINDOW / 1000),
                mark=mark(order, None, b"k" * 32),
            )
            for number, order in events
        ]
        expected = []
        died: list[Waiting] = []
        side = self.sides[destination]
        for item, (_, order) in zip(items, events, strict=True):
            receipt = self._receipt(item.event_id, order, f"{destination} {order}")
            expected.append(receipt)
            if receipt.stored:
                self.known[item.event_id] = self.clock.now + WINDOW, order
                if order:
                    self.known[f"{destination} {order}"] = self.clock.now + ORDER_WINDOW, order
                row = Waiting(item.event_id, group)
                side.accepted += 1
                if side.stopped and side.bytes + row.size > SHARE:
                    died.append(row)
                else:
                    side.waiting.append(row)
        assert list(self.runner.run(self.outbox.append(items))) == expected
        for row in died:
            side.dead.append(Died(row.event_id, self.clock.now, self._id_of_letter(row.event_id), group))

    def _id_of_letter(self, event_id: str) -> int:
        """Of the newest: one that has died, was erased and came again has another."""
        with closing(sqlite3.connect(f"file:{self.path / 'outbox.db'}?mode=ro", uri=True)) as database:
            found: int = database.execute("SELECT max(id) FROM dead WHERE event_id = ?", (event_id,)).fetchone()[0]
            return found

    def _receipt(self, event_id: str, order: str | None, name: str) -> Receipt:
        """What is to become of an event, by what is known."""
        until, first = self.known.get(event_id, (0, None))
        if until > self.clock.now:
            return Receipt("event", "order" if first and order and first != order else "")
        if order and self.known.get(name, (0, None))[0] > self.clock.now:
            return Receipt("order")
        return Receipt()

    @rule(
        destination=st.sampled_from(DESTINATIONS),
        most=st.integers(1, 12),
        newest=st.booleans(),
        untried=st.booleans(),
    )
    def claim(self, destination: str, most: int, newest: bool, untried: bool) -> None:
        """A batch is one group, in order, without what is in flight, in no larger company than its rows may be."""
        batch = self.runner.run(
            self.outbox.claim(destination, max_items=most, max_bytes=1 << 20, newest=newest, untried=untried)
        )
        flying = {id(row) for _, _, rows in self.flights for row in rows}
        free = [row for row in self.sides[destination].waiting if id(row) not in flying]
        if newest:
            free.reverse()
        if untried:
            free = [row for row in free if not row.attempts]
        expected: list[Waiting] = []
        for row in free:
            if expected and row.group != expected[0].group:
                continue
            together = company(row.crashes) or most
            if expected and len(expected) >= together:
                break
            most = min(most, together)
            expected.append(row)
            if len(expected) == most:
                break
        if batch is None:
            assert expected == []
            return
        shown = [Waiting(row.event_id, row.group, row.attempts, row.unknown_since, row.crashes) for row in batch.rows]
        assert shown == expected
        assert len({row.id for row in batch.rows}) == len(batch.rows)
        self.flights.append((destination, batch, expected))

    @precondition(lambda self: self.flights)
    @rule(data=st.data(), again=st.booleans())
    def settle(self, data: st.DataObject, again: bool) -> None:
        """Any mix of fates, perhaps told twice."""
        destination, batch, rows = self.flights.pop(data.draw(st.integers(0, len(self.flights) - 1), label="flight"))
        one_fate = data.draw(st.sampled_from([None, *FATES]), label="all of them")
        side = self.sides[destination]
        fates: dict[str, list[int]] = {fate: [] for fate in FATES}
        for row, claimed in zip(rows, batch.rows, strict=True):
            fate = one_fate or data.draw(st.sampled_from(FATES), label=row.event_id)
            fates[fate].append(claimed.id)
            if fate == "delivered":
                side.delivered += 1
            if fate == "buried":
                side.dead.append(Died(row.event_id, self.clock.now, claimed.id, row.group))
            if fate in ("delivered", "buried"):
                side.waiting = [one for one in side.waiting if one is not row]
            if fate in ("attempted", "unknown"):
                row.attempts += 1
                row.crashes = 0
            if fate == "unknown" and row.unknown_since is None:
                row.unknown_since = self.clock.now
        settlement = Settlement(
            delivered=fates["delivered"],
            attempted=fates["attempted"],
            unknown=fates["unknown"],
            dead=[DeadLettered(one, "rejected", "100") for one in fates["buried"]],
        )
        for _ in range(2 if again else 1):
            self.runner.run(self.outbox.settle(batch, settlement))

    @rule(seconds=st.sampled_from([1, 60, 3600, 24 * 3600]))
    def later(self, seconds: int) -> None:
        """Time passes."""
        self.clock.jump(seconds)  # the writer's care has a rule of its own

    @rule(destination=st.sampled_from(DESTINATIONS))
    def stop_or_let_go(self, destination: str) -> None:
        """Somebody stops a destination by hand, or lets it go on."""
        side = self.sides[destination]
        side.stopped = not side.stopped
        if side.stopped:
            made = Pause(destination=destination, names=(destination,), by="anna", since=self.clock.now)
            self.runner.run(self.outbox.pauses.put(made))
        else:
            assert len(self.runner.run(self.outbox.pauses.end([destination]))) == 1

    @rule(held=st.sets(st.integers(0, 5)))
    def reopen(self, held: set[int]) -> None:
        """A restart: what was in flight is ready again, and what a plugin had in hand has one crash more."""
        for number in held:
            if number < len(self.flights):
                _, batch, rows = self.flights[number]
                in_hand(self.outbox, batch)
                for row in rows:
                    row.crashes += 1
        self.runner.run(self.outbox.close())
        self.flights.clear()
        self.outbox = self.runner.run(open_outbox(self.path, self.clock, keep_dead=KEEP_DEAD, share=SHARE))

    @rule()
    def forget(self) -> None:
        """Somebody's rows are erased, but for those in flight; nobody else's."""
        erased = self.runner.run(erase_all(self.outbox, lambda row: GONE in row.person))
        flying = {id(row) for _, _, rows in self.flights for row in rows}
        for name, side in self.sides.items():
            left = [row for row in side.waiting if id(row) in flying or not is_gone(row.event_id)]
            dead = [one for one in side.dead if not is_gone(one.event_id)]
            gone = (len(side.waiting) - len(left), len(side.dead) - len(dead))
            assert (erased.queue.get(name, 0), erased.dead.get(name, 0)) == gone
            held_up = sum(is_gone(row.event_id) for row in left)
            assert erased.in_flight.get(name, 0) == held_up
            side.waiting, side.dead, side.erased = left, dead, side.erased + sum(gone)

    @precondition(lambda self: any(side.dead for side in self.sides.values()))
    @rule()
    def care(self) -> None:
        """Retention: dead letters past their time are erased, and only those."""
        self.runner.run(cared_for(self.outbox, self.clock, self.path))
        limit = self.clock.now - int(KEEP_DEAD * 1000)
        for side in self.sides.values():
            old = [one for one in side.dead if one.buried <= limit]
            side.dead = [one for one in side.dead if one.buried > limit]
            side.erased += len(old)

    @precondition(lambda self: any(side.dead for side in self.sides.values()))
    @rule(
        order=st.sampled_from(["retry", "drop"]),
        destination=st.sampled_from([None, *DESTINATIONS]),
        ago=st.sampled_from([None, 60, 3600]),
        at_once=st.integers(1, 3),
        interrupted=st.booleans(),
    )
    def letters(self, order: str, destination: str | None, ago: int | None, at_once: int, interrupted: bool) -> None:
        """An order for dead letters, in slices, perhaps not to its end."""
        since = None if ago is None else self.clock.now - ago * 1000
        choice = Choice(destinations=[destination] if destination else (), since=since)
        chosen = sorted(
            (one.buried, one.id, name, one)
            for name, side in self.sides.items()
            for one in side.dead
            if destination in (None, name) and (since is None or one.buried >= since)
        )
        if interrupted:
            chosen = chosen[:at_once]
        assert self.runner.run(self._order(order, choice, at_once, interrupted)) == len(chosen)
        for _, _, name, one in chosen:
            side = self.sides[name]
            side.dead.remove(one)
            if order == "drop":
                side.erased += 1
            else:
                side.waiting.append(Waiting(one.event_id, one.group))
        for name, side in self.sides.items():
            assert self.runner.run(self.outbox.count_dead(Choice(destinations=[name]))) == len(side.dead)

    async def _order(self, order: str, choice: Choice, at_once: int, interrupted: bool) -> int:
        bound = await self.outbox.dead_bound()
        after: Position | None = Position(0, 0)
        number = 0
        while after is not None:
            if order == "drop":
                dropped = await self.outbox.drop_dead(choice, at_once, after, bound=bound)
                number, after = number + dropped.count, dropped.after
            else:
                done = await self.outbox.retry_dead(choice, {}, at_once, after, bound=bound)
                number, after = number + sum(done.moved.values()), done.after
            if interrupted:
                break
        return number

    @invariant()
    def the_same(self) -> None:
        """Counters, tables and model agree, and nothing is in two states or none."""
        if not hasattr(self, "outbox"):
            return
        rows = lying(self.path)
        for name, side in self.sides.items():
            counts = self.outbox.counts().get(name)
            if counts is None:
                assert side.accepted == 0
                continue
            assert (counts.accepted, counts.delivered, counts.pending, counts.dead, counts.erased) == (
                side.accepted,
                side.delivered,
                len(side.waiting),
                len(side.dead),
                side.erased,
            )
            assert counts.accepted == counts.delivered + counts.pending + counts.dead + counts.erased
            assert rows.get(name, (0, 0)) == (counts.pending, counts.dead)
            assert self.outbox.ready(name) == counts.pending
            assert self.outbox.quotas.of((name,)) == side.bytes
            assert (name in self.outbox.pauses.all()) is side.stopped


TestOutboxModel = OutboxMachine.TestCase
TestOutboxModel.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
