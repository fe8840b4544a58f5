"""The door: the events of one request are made, decided, stored, and answered.

An event is answered `accepted` only after its deliveries are on disk. The answer says what became of the event,
never what was decided about it: a browser must not learn a visitor's consent from it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

import msgspec

from tagserver.consent.state import Reading
from tagserver.container.model import Container, Tag
from tagserver.container.server import ServerConfig
from tagserver.datalayer import Context, Refused, read_event
from tagserver.delivery.outbox import Delivery, Outbox
from tagserver.delivery.seal import OPEN, Seal
from tagserver.event import Event, Facts, Note
from tagserver.pipeline import Decision, Routing, route

Status = Literal["accepted", "duplicate", "held", "rejected"]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The line of one event in the answer of `/collect`."""

    event_id: str | None
    status: Status
    problems: tuple[Note, ...] = ()


TURN = 100
"""Events of one request that are decided before others have their turn."""
Observe = Callable[[Routing], None]
"""Told about every routed event, for metrics and previews; must not raise."""


class Door:
    """Takes events in for one outbox. `install_key` (32 bytes of this installation) keys the hashes of persons; `seal`
    closes what rests."""

    def __init__(self, outbox: Outbox, install_key: bytes, observe: Observe, seal: Seal = OPEN) -> None:
        self._outbox = outbox
        self._install_key = install_key
        self._observe = observe
        self._seal = seal

    async def accept(
        self,
        container: Container,
        server: ServerConfig,
        raws: list[Any],
        facts: Facts,
        context: Context,
    ) -> list[Answer]:
        """One answer per event, in their order. Raises `OutboxError` when nothing could be stored; then nothing
        was.

        `raws` is emptied: many requests wait for the disk at a time, and what was decided is all they need to keep.
        """
        granted = server.consent_of(facts.source)
        answers: list[tuple[Answer, int]] = []
        deliveries: list[Delivery] = []
        raws.reverse()
        while raws:
            answer, built = self._decide(container, server, raws.pop(), facts, context, granted)
            answers.append((answer, len(built)))
            deliveries += map(self._seal.close, built)
            if len(answers) % TURN == 0:
                await asyncio.sleep(0)
        stored = iter(await self._outbox.append(deliveries) if deliveries else ())
        return [_stored(answer, [next(stored) for _ in range(number)]) for answer, number in answers]

    def _decide(
        self,
        container: Container,
        server: ServerConfig,
        raw: Any,
        facts: Facts,
        context: Context,
        granted: Reading | None,
    ) -> tuple[Answer, list[Delivery]]:
        """One event: the answer if all of it is stored, and what is to be stored."""
        try:
            if isinstance(raw, Refused):
                raise raw
            event = read_event(raw, facts, context)
        except Refused as refused:
            return Answer(refused.event_id, "rejected", refused.notes), []
        routing = route(container, event, granted)
        self._observe(routing)
        return Answer(event.event_id, "accepted", event.notes), self._deliveries(container, server, routing)

    def _deliveries(self, container: Container, server: ServerConfig, routing: Routing) -> list[Delivery]:
        sending = [decision for decision in routing.decisions if decision.built is not None]
        if not sending:
            return []
        event = routing.event
        persons: dict[str | None, tuple[bytes, ...]] = {}
        for decision in sending:
            country = phone_country(decision)
            if country not in persons:
                persons[country] = person_keys(event, self._install_key, country)
        sender = f"\0{event.source}" if server.collect.dedup == "per_source" else ""
        return [
            _delivery(container, routing, decision, persons[phone_country(decision)], sender) for decision in sending
        ]


def _stored(answer: Answer, stored: Sequence[bool]) -> Answer:
    """The answer once it is known what was new: an event all of whose deliveries were known is a duplicate."""
    if stored and not any(stored):
        return Answer(answer.event_id, "duplicate", answer.problems)
    return answer


def _delivery(
    container: Container, routing: Routing, decision: Decision, person: tuple[bytes, ...], sender: str
) -> Delivery:
    event, built, tag = routing.event, decision.built, decision.tag
    assert built is not None
    assert decision.decision in ("send", "restrict")
    return Delivery(
        key=delivery_key(tag.name, built.name, event.event_id, sender),
        event_id=event.event_id,
        name=built.name,
        tag=tag.name,
        destination=tag.destination.name,
        container=container.version,
        mode="send" if decision.decision == "send" else "restrict",
        purposes=routing.consent.granted,
        person=person,
        group=built.group,
        time=built.time,
        received=event.received,
        expires=built.expires if built.expires is not None else _oldest(tag.destination.plugin.limits.age, built.time),
        identity=tag.destination.identity,
        body=decision.body,
        once=_once(routing, tag),
        urgent=tag.priority > 0,
    )


def _once(routing: Routing, tag: Tag) -> tuple[bytes, float] | None:
    """What a tag sends only once within a time: its key, and the time in seconds."""
    once = tag.limits.once
    text = once.text(routing.scope) if once is not None else None
    if once is None or text is None:
        return None
    return delivery_key(f"once\0{tag.name}", "", text), once.within


def _oldest(age: float | None, time: int) -> int | None:
    """When a vendor that takes events up to an age (seconds) takes this one no more."""
    return None if age is None else time + int(age * 1000)


def delivery_key(tag: str, name: str, event_id: str, sender: str = "") -> bytes:
    """What makes a delivery the same as another: its tag, the vendor's event name and the event_id (16 bytes)."""
    text = f"{tag}\0{name}\0{event_id}{sender}"
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def person_key(kind: str, text: str, install_key: bytes) -> bytes:
    """A keyed hash of one identifier (16 bytes): finds a person's rows again, tells nothing to who lacks the key."""
    keyed = _keyed(install_key).copy()
    keyed.update(f"{kind}:{text}".encode(errors="surrogatepass"))
    return keyed.digest()


@lru_cache(maxsize=4)
def _keyed(install_key: bytes) -> hashlib.blake2b:
    """The hash that has taken in the key and nothing else; a copy of it costs less than a new one."""
    return hashlib.blake2b(digest_size=16, key=install_key)


def phone_country(decision: Decision) -> str | None:
    """Where the decision's destination takes numbers without an international prefix to be: its setting
    `default_country`, if it has one."""
    country = getattr(decision.tag.destination.settings, "default_country", None)
    return country if isinstance(country, str) else None


def person_keys(event: Event, install_key: bytes, default_country: str | None = None) -> tuple[bytes, ...]:
    """The keyed hashes of an event's e-mail, phone, user_id and client_id, for erasure and withdrawal."""
    return tuple(person_key(kind, text, install_key) for kind, text in event.identity.identifiers(default_country))
