"""The SQLite engine beside the one in memory: whatever the order of calls, both say the same, to the last field.

Each rule is one call of one of the protocols; `restart` ends with or without a batch in a plugin's hands.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tagserver.queue.api import Outbox, erase_all
from tagserver.queue.dead_letters import Account, Choice, Position
from tagserver.queue.dedup import OrderKeys
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.pauses import Pause
from tagserver.queue.values import EVERYTHING, Batch, DeadLettered, Settlement, Tombstone
from tests.delivery.support import cared_for, delivery, in_hand, key, lying, open_outbox
from tests.examples import examples
from tests.fake_time import FakeTime
from tests.queue.contract.conftest import Engine
from tests.queue.memory.engine import MemoryOutbox

DESTINATIONS = ("meta", "ga4")
ORDERS = (None, "A", "B")
ORDER_SECONDS = 7 * 24 * 3600.0
KEEP_DEAD = 100.0
QUOTA = 3200
"""Bytes that may wait for one that is paused: half a dozen rows."""
PERSONS = [key(f"person {number}") for number in range(3)]
PURPOSES = ("ad_storage", "ad_user_data", EVERYTHING)
FATES = ("delivered", "attempted", "unknown", "rejected", "expired", "untouched")
ACCOUNTS = {"meta": Account("account-2", 60.0)}

destinations = st.sampled_from(DESTINATIONS)


class EnginesMachine(RuleBasedStateMachine):
    """Both, side by side."""

    @initialize()
    def begin(self) -> None:
        """Nothing is stored."""
        self.folder = tempfile.TemporaryDirectory(prefix="engines-")
        self.path = Path(self.folder.name)
        self.runner = asyncio.Runner()
        self.clock = FakeTime()
        self.batches: list[Batch] = []
        self.memory = MemoryOutbox(self.clock, share=QUOTA)
        self.sqlite: Engine = self._opened()

    def _opened(self) -> Engine:
        return self.runner.run(open_outbox(self.path, self.clock, keep_dead=KEEP_DEAD, share=QUOTA))

    def teardown(self) -> None:
        """Close what was opened."""
        if hasattr(self, "sqlite"):
            self.runner.run(self.sqlite.close())
            self.runner.close()
            self.folder.cleanup()

    def both(self, call: Callable[[Engine], Awaitable[Any]]) -> Any:
        """The answer of both."""
        one, other = self.runner.run(_result(call, self.sqlite)), self.runner.run(_result(call, self.memory))
        assert one == other
        return one

    # ── Queue

    @rule(
        events=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(ORDERS), st.booleans()), max_size=8),
        destination=destinations,
        group=st.sampled_from([None, None, "a", "b"]),
        expires=st.sampled_from([None, None, 3600]),
    )
    def append(
        self, events: list[tuple[int, str | None, bool]], destination: str, group: str | None, expires: int | None
    ) -> None:
        """A request; ids, orders and once-per keys repeat within it and between requests."""
        items = [
            delivery(
                f"{destination}-{number}",
                destination=destination,
                group=group,
                person=(PERSONS[number % 3],),
                tag=f"T{number % 2}",
                received=self.clock.now(),
                expires=None if expires is None else self.clock.now() + expires * 1000,
                order=order and (key(f"{destination} {order}"), ORDER_SECONDS),
                once=(key(f"once {number % 4}"), 60.0) if once else None,
                mark=OrderKeys(b"k" * 32).mark(order, float(number % 2)),
            )
            for number, order, once in events
        ]
        self.both(lambda outbox: outbox.append(items))

    @rule(
        destination=destinations,
        most=st.integers(1, 12),
        size=st.sampled_from([1, 40, 1 << 20]),
        newest=st.booleans(),
        untried=st.booleans(),
    )
    def claim(self, destination: str, most: int, size: int, newest: bool, untried: bool) -> None:
        """A batch, which is the same to the last byte."""
        batch: Batch | None = self.both(
            lambda outbox: outbox.claim(destination, max_items=most, max_bytes=size, newest=newest, untried=untried)
        )
        if batch is not None:
            flying = {row.id for one in self.batches for row in one.rows}
            assert flying.isdisjoint(row.id for row in batch.rows)
            self.batches.append(batch)

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), again=st.booleans())
    def settle(self, data: st.DataObject, again: bool) -> None:
        """Any mix of outcomes, perhaps told twice."""
        batch = self.batches.pop(data.draw(st.integers(0, len(self.batches) - 1), label="batch"))
        one_fate = data.draw(st.sampled_from([None, *FATES]), label="all of them")
        fates: dict[str, list[int]] = {fate: [] for fate in FATES}
        for row in batch.rows:
            fates[one_fate or data.draw(st.sampled_from(FATES), label=row.event_id)].append(row.id)
        settlement = Settlement(
            delivered=fates["delivered"],
            attempted=fates["attempted"],
            unknown=fates["unknown"],
            dead=[
                *(DeadLettered(one, "rejected", "100/28 it says no", "100/28") for one in fates["rejected"]),
                *(DeadLettered(one, "expired", "too old") for one in fates["expired"]),
            ],
        )
        for _ in range(2 if again else 1):
            self.both(lambda outbox: outbox.settle(batch, settlement))

    @rule(
        events=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(ORDERS)), max_size=4),
        destination=destinations,
        wait=st.sampled_from([0, 60]),
    )
    def hold(self, events: list[tuple[int, str | None]], destination: str, wait: int) -> None:
        """Copies that wait for others of their order."""
        items = [
            delivery(
                f"{destination}-{number}",
                destination=destination,
                person=(PERSONS[number % 3],),
                tag=f"T{number % 2}",
                received=self.clock.now(),
                order=order and (key(f"{destination} {order}"), ORDER_SECONDS),
            )
            for number, order in events
        ]
        due = self.clock.now() + wait * 1000
        self.both(lambda outbox: outbox.hold(items, due))

    @rule(destination=destinations, most=st.integers(1, 5), refused=st.booleans())
    def release(self, destination: str, most: int, refused: bool) -> None:
        """Those that are over, of one destination; the first of them was refused meanwhile, perhaps."""
        rows = [
            one
            for one in self.both(lambda outbox: outbox.due(self.clock.now(), most))
            if one.destination == destination
        ]
        dead = [DeadLettered(one.id, "consent", "refused") for one in rows[:1] if refused]
        self.both(lambda outbox: outbox.release([one.id for one in rows], dead))

    @rule(
        numbers=st.sets(st.integers(0, 5)),
        mark=st.sampled_from([b"", b"\x01", b"\x02"]),
        ttl=st.sampled_from([60.0, ORDER_SECONDS]),
    )
    def remember(self, numbers: set[int], mark: bytes, ttl: float) -> None:
        """Keys that are no delivery's."""
        self.both(lambda outbox: outbox.remember({key(f"said {number}"): mark for number in numbers}, ttl))
        self.both(lambda outbox: outbox.known([key(f"said {number}") for number in range(6)]))

    @rule(seconds=st.sampled_from([1, 60, 3600, 24 * 3600]))
    def later(self, seconds: int) -> None:
        """Time passes."""
        self.clock.jump(seconds)  # housekeeping has a rule of its own

    @rule(held=st.sets(st.integers(0, 5)))
    def restart(self, held: set[int]) -> None:
        """What was in flight is ready again, and what a plugin had in hand has one crash more."""
        batches = [batch for number, batch in enumerate(self.batches) if number in held]
        for batch in batches:
            in_hand(self.sqlite, batch)
        self.runner.run(self.sqlite.close())
        self.batches.clear()
        self.sqlite = self._opened()
        self.memory.as_after_a_restart({batch.id for batch in batches})

    @rule(destination=destinations)
    def pause_or_resume(self, destination: str) -> None:
        """Somebody stops a destination by hand, or lets it go on."""
        if destination in self.memory.pauses.all():
            self.both(lambda outbox: outbox.pauses.end([destination]))
        else:
            made = Pause(destination=destination, names=(destination,), by="anna", since=self.clock.now())
            self.both(lambda outbox: outbox.pauses.put(made))

    # ── Suppressions

    @rule(person=st.sampled_from(PERSONS))
    def erase(self, person: bytes) -> None:
        """Somebody's rows are erased, but for those in flight; nobody else's."""
        self.both(lambda outbox: erase_all(outbox, lambda row: person in row.person, FORGOTTEN))

    @rule(
        person=st.sampled_from(PERSONS),
        purpose=st.sampled_from(PURPOSES),
        until=st.sampled_from([Tombstone.STANDING, 1, 3_600_000]),
        ttl=st.sampled_from([60, 86_400]),
    )
    def withdraw(self, person: bytes, purpose: str, until: int, ttl: int) -> None:
        """Somebody takes something back."""
        now = self.clock.now()
        stone = Tombstone(person, purpose, now, until if until == Tombstone.STANDING else now + until)
        self.both(lambda outbox: outbox.withdraw([stone], ttl))

    @rule(person=st.sampled_from(PERSONS), purpose=st.sampled_from(PURPOSES[:2]), ago=st.sampled_from([0, 30_000]))
    def lift(self, person: bytes, purpose: str, ago: int) -> None:
        """Somebody grants something again."""
        self.both(lambda outbox: outbox.lift([person], frozenset({purpose}), self.clock.now() - ago))

    @rule(number=st.integers(0, 5))
    def forget_keys(self, number: int) -> None:
        """Once-per keys of somebody."""
        self.both(lambda outbox: outbox.forget_keys([key(f"once {number}")]))

    # ── DeadLetters

    @rule(
        order=st.sampled_from(["retry", "dry run", "drop"]),
        destination=st.sampled_from([None, *DESTINATIONS]),
        reason=st.sampled_from([None, "rejected", "queue_full"]),
        ago=st.sampled_from([None, 60, 3600]),
        at_once=st.integers(1, 3),
        interrupted=st.booleans(),
        allowed=st.booleans(),
    )
    def dead_letters(
        self,
        order: str,
        destination: str | None,
        reason: str | None,
        ago: int | None,
        at_once: int,
        interrupted: bool,
        allowed: bool,
    ) -> None:
        """An order for dead letters, in slices, perhaps not to its end."""
        choice = Choice(
            destinations=[destination] if destination else (),
            reasons=[reason] if reason else (),
            since=None if ago is None else self.clock.now() - ago * 1000,
        )

        async def run(outbox: Outbox) -> list[Any]:
            bound = await outbox.dead_bound()
            after: Position | None = Position(0, 0)
            done: list[Any] = [bound, await outbox.count_dead(choice, bound)]
            while after is not None:
                if order == "drop":
                    done.append(await outbox.drop_dead(choice, at_once, after, bound=bound))
                else:
                    done.append(
                        await outbox.retry_dead(
                            choice,
                            ACCOUNTS,
                            at_once,
                            after,
                            bound=bound,
                            permits=None if allowed else lambda row: ("consent", "no") if row.tag == "T0" else None,
                            dry_run=order == "dry run",
                        )
                    )
                after = done[-1].after
                if interrupted:
                    break
            return done

        self.both(run)

    @precondition(lambda self: any(counts.dead for counts in self.memory.counts().values()))
    @rule()
    def housekeeping(self) -> None:
        """Dead letters past their time are erased, and only those."""
        self.runner.run(cared_for(self.sqlite, self.clock, self.path))
        self.memory.purge(KEEP_DEAD)

    # ── always

    @invariant()
    def the_same(self) -> None:
        """Every question gets one answer, and nothing is in two states or none."""
        if not hasattr(self, "sqlite"):
            return
        rows = lying(self.path)
        counts = self.sqlite.counts()
        assert counts == self.memory.counts()
        for name, one in counts.items():
            assert one.accepted == one.delivered + one.pending + one.dead + one.erased
            assert rows.get(name, (0, 0)) == (one.pending, one.dead)
            assert self.sqlite.ready(name) == one.pending - one.waiting
            assert self.sqlite.quotas.of((name,)) == self.memory.quotas.of((name,))
            assert self.sqlite.quotas.overflow(name) == self.memory.quotas.overflow(name)
        assert self.sqlite.pauses.all() == self.memory.pauses.all()
        assert self.sqlite.dead_lettered() == self.memory.dead_lettered()
        for person in PERSONS:
            for at in (self.clock.now() - 1, self.clock.now(), self.clock.now() + 60_000):
                assert self.sqlite.withdrawn([person], at) == self.memory.withdrawn([person], at)
            assert self.sqlite.may_have([person]) >= self.memory.may_have([person])
        self.both(_seen)


async def _seen(outbox: Engine) -> Any:
    """What is pending and dead, as it is shown."""
    return (
        [[row async for rows in outbox.pending_rows(name) for row in rows] for name in DESTINATIONS],
        [await outbox.oldest(name) for name in DESTINATIONS],
        list(await outbox.dead(Choice(), 5)),
        list(await outbox.dead_groups(Choice())),
        sorted(await outbox.causes()),
    )


async def _result(call: Callable[[Engine], Awaitable[Any]], outbox: Engine) -> Any:
    return await call(outbox)


TestEnginesAgree = EnginesMachine.TestCase
TestEnginesAgree.settings = settings(
    max_examples=examples(100),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
