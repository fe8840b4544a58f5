"""Everything that is kept of one person is erased, and counted by destination.

The order matters: first a tombstone, so that nothing of the person is sent any more and nothing new is stored; then
what lies here; at last the files, in which removed rows would otherwise be found for a while. What is on its way to a
vendor is waited for, and erased when its outcome is known.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tagserver.config.model import Container
from tagserver.erasure.observer import ErasureObserver
from tagserver.event.event import Event, Facts
from tagserver.event.identity import Identity
from tagserver.event.person_keys import KINDS, all_keys
from tagserver.expressions.scope import Scope
from tagserver.queue.api import Suppressions, erase_all
from tagserver.queue.dedup import SHARED, once_key, sender_part
from tagserver.queue.moves import FORGOTTEN
from tagserver.queue.values import EVERYTHING, Tombstone, Trace
from tagserver.system.time import Time

PATIENCE = 20.0
"""Seconds that vendors have to answer for what is on its way."""
LOOK_EVERY = 0.2
LEAST = 86400.0
"""Seconds that a tombstone is kept at least: for what was on its way."""
SOON = 3.0
"""Seconds that a platform waits for its answer: Shopify gives five."""
MOST = 5
"""Identifiers of one kind."""


class Unknown(ValueError):
    """Nobody can be found by this; the text says why, and names no identifier."""


class DataSubject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a person is known: each a text or several. E-mail and phone may be SHA-256 hashes as vendors get them.
    `order`: numbers of orders, by which records alone are found."""

    email: str | tuple[str, ...] = ()
    phone: str | tuple[str, ...] = ()
    user_id: str | tuple[str, ...] = ()
    client_id: str | tuple[str, ...] = ()
    order: str | tuple[str, ...] = ()

    def texts(self, kind: str) -> tuple[str, ...]:
        """The identifiers of one kind."""
        said = getattr(self, kind)
        return (said,) if isinstance(said, str) else said

    def keys(self, install_key: bytes, container: Container) -> frozenset[bytes]:
        """The keyed hashes by which the person's rows are found. Raises Unknown."""
        found: set[bytes] = set()
        for kind in KINDS:
            if len(self.texts(kind)) > MOST:
                raise Unknown(f"{kind}: at most {MOST} at once")
            for text in self.texts(kind):
                keys = all_keys(Identity(_pushed({kind: text})), install_key, container.phone_countries)
                if not keys:
                    raise Unknown(f"{kind}: this is none; write it as the shop sends it")
                found.update(keys)
        if len(self.texts("order")) > MOST:
            raise Unknown(f"order: at most {MOST} at once")
        if not found and not self.texts("order"):
            raise Unknown("say who: email, phone, user_id or client_id, or an order")
        return frozenset(found)

    def events(self) -> Iterator[Event]:
        """Events that know of the person no more than this, to find keys that are made of identifiers."""
        kinds = [kind for kind in KINDS if self.texts(kind)]
        for texts in itertools.product(*(self.texts(kind) for kind in kinds)):
            yield Event("", "", 0, _pushed(dict(zip(kinds, texts, strict=True))), Facts("", 0))


def _pushed(known: Mapping[str, str]) -> dict[str, Any]:
    """As a page would push it."""
    names = {"email": "email", "phone": "phone_number"}
    ids = {kind: text for kind, text in known.items() if kind not in names}
    return ids | {"user_data": {names[kind]: text for kind, text in known.items() if kind in names}}


class Erasures(msgspec.Struct, frozen=True):
    """What was erased, by destination: `queue` and `dead`; `left` is still on its way to the vendor. `held`: events
    that waited for consent; `once_per`: keys of tags; `clean`: whether the files hold nothing of it any more;
    `refused_until`: ms, until when events of the person are not sent, or None. `records`: how many of what happened to
    events; None where they could not be erased."""

    destinations: Mapping[str, Mapping[str, int]]
    held: int
    once_per: int
    clean: bool
    refused_until: int | None
    records: int | None = 0


class Erasure:
    """`sources`: who may have sent. `destinations`: the names of all that anything was ever queued for. `refuse`:
    seconds for which events of somebody forgotten are not sent.
    `sweep_soon` is asked when something is left. `forget_records` erases what is kept of persons and orders
    afterwards."""

    def __init__(
        self,
        outbox: Suppressions,
        install_key: bytes,
        container: Callable[[], Container],
        forget_waiting: Callable[[Callable[[Event], bool]], int],
        *,
        sources: Callable[[], Iterable[str]],
        destinations: Callable[[], Iterable[str]],
        refuse: Callable[[], float],
        sweep_soon: Callable[[], None],
        forget_records: Callable[[Collection[bytes], Collection[str]], Awaitable[int | None]],
        observer: ErasureObserver,
        time: Time,
    ) -> None:
        self._outbox = outbox
        self._install_key = install_key
        self._container = container
        self._forget_waiting = forget_waiting
        self._sources = sources
        self._destinations = destinations
        self._refuse = refuse
        self._sweep_soon = sweep_soon
        self._forget_records = forget_records
        self._observer = observer
        self._time = time
        self._one_at_a_time = asyncio.Lock()
        self._going_on: set[asyncio.Task[Erasures]] = set()

    async def forget(self, who: DataSubject, by: str = "") -> Erasures:
        """Erase everything of a person; `by`: who ordered it, for the record. Raises Unknown before anything is done,
        and OutboxError."""
        container = self._container()
        return await self._forget(container, who, who.keys(self._install_key, container), who.texts("order"), by)

    async def forget_for(self, who: DataSubject, orders: Collection[str], by: str, soon: float = SOON) -> None:
        """The same for a platform that asks for it, by as much of `who` as can be known, and any number of `orders`.
        Nothing of the person is sent any more when this returns. What takes longer than `soon` seconds goes on behind
        it; who asks again begins it anew. Raises OutboxError."""
        container = self._container()
        who = _as_far_as_known(who, self._install_key, container)
        persons = who.keys(self._install_key, container) if any(map(who.texts, KINDS)) else frozenset()
        if not persons and not orders:
            return
        await self._lay(persons)
        task = asyncio.create_task(self._forget(container, who, persons, orders, by), name="an erasure")
        self._going_on.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=soon)
        if task.done():
            task.result()

    def _ended(self, task: asyncio.Task[Erasures]) -> None:
        self._going_on.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._sweep_soon()  # the tombstones are there

    async def _lay(self, persons: Collection[bytes]) -> int:
        """Write tombstones; until when (ms) they refuse."""
        now, refuse = self._time.now(), self._refuse()
        until = now + 1 + int(refuse * 1000)
        stones = [Tombstone(person, EVERYTHING, now, until) for person in persons]
        await self._outbox.withdraw(stones, max(refuse, LEAST))
        return until

    async def _forget(
        self, container: Container, who: DataSubject, persons: frozenset[bytes], orders: Collection[str], by: str
    ) -> Erasures:
        async with self._one_at_a_time:
            refuse, until = self._refuse(), await self._lay(persons)
            held = self._forget_waiting(lambda event: not persons.isdisjoint(self._keys_of(event)))
            once_per = await self._outbox.forget_keys(_once_keys(container, who, self._sources()))
            erased, left = await self._erase(persons)
            clean = await self._outbox.scrub()
            records = await self._forget_records(persons, orders)
        destinations = {
            name: {"queue": erased[name, "queue"], "dead": erased[name, "dead"], "left": left.get(name, 0)}
            for name in dict.fromkeys((*container.destinations, *self._destinations()))
        }
        clean = clean and not left and records is not None
        done = Erasures(destinations, held, once_per, clean, until if refuse and persons else None, records)
        self._observer.forgotten(len(persons), destinations, held, by)
        return done

    def _keys_of(self, event: Event) -> tuple[bytes, ...]:
        return all_keys(event.identity, self._install_key, self._container().phone_countries)

    async def _erase(self, persons: frozenset[bytes]) -> tuple[Counter[tuple[str, str]], Mapping[str, int]]:
        """Walk until a whole walk finds nothing: that is the proof. What was erased, and what is still on its way."""
        erased: Counter[tuple[str, str]] = Counter()
        end = self._time.monotonic() + PATIENCE

        def doomed(row: Trace) -> bool:
            return not persons.isdisjoint(row.person)

        while True:
            found = await erase_all(self._outbox, doomed, FORGOTTEN)
            for place, numbers in (("queue", found.queue), ("dead", found.dead)):
                erased.update({(name, place): number for name, number in numbers.items()})
            if found.in_flight:
                if self._time.monotonic() >= end:
                    self._sweep_soon()
                    return erased, found.in_flight
                await self._time.sleep(LOOK_EVERY)
            elif not found.queue and not found.dead:
                return erased, {}


def _as_far_as_known(who: DataSubject, install_key: bytes, container: Container) -> DataSubject:
    """Without what is no identifier of its kind."""
    known: dict[str, tuple[str, ...]] = {}
    for kind in KINDS:
        for text in who.texts(kind)[:MOST]:
            with contextlib.suppress(Unknown):
                DataSubject(**{kind: text}).keys(install_key, container)
                known[kind] = (*known.get(kind, ()), text)
    return DataSubject(**known)


def _once_keys(container: Container, who: DataSubject, sources: Iterable[str]) -> Sequence[bytes]:
    """The keys of `once_per` that are made of nothing but the identifiers, whoever sent them."""
    scopes = [Scope(event) for event in who.events()]
    senders = (SHARED, *map(sender_part, sources))
    keys = {
        once_key(tag.name, text, sender)
        for tag in container.tags
        if tag.limits.once is not None
        for scope in scopes
        if (text := tag.limits.once.text(scope)) is not None
        for sender in senders
    }
    return list(keys)
