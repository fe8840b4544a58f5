"""What is stored of an event for each tag that sends it: the finished payload, and by what a repeat is known."""

from __future__ import annotations

import math

from tagserver.config.model import ConfiguredDestination, Container, Tag
from tagserver.config.server import ServerConfig
from tagserver.event.event import Event
from tagserver.event.person_keys import person_keys
from tagserver.pipeline.route import Decision, Routing
from tagserver.plugin.destination import Built
from tagserver.plugin.plain import identifier, number
from tagserver.queue.dedup import SHARED, delivery_key, mark, once_key, order_key, sender_part
from tagserver.queue.values import DEDUP_TTL, Delivery

DAY = 86400.0
AGELESS = 7 * DAY
"""Seconds in which an order counts once where the destination takes events of any age."""


class EventDeliveries:
    """The deliveries of one event: what all of its tags have in common is worked out once.

    `install_key` (32 bytes of this installation) keys what tells of the order.
    """

    def __init__(self, container: Container, server: ServerConfig, routing: Routing, install_key: bytes) -> None:
        event = routing.event
        self._container = container
        self._routing = routing
        self._install_key = install_key
        self._sender = sender_part(event.source) if server.collect.dedup == "per_source" else SHARED
        self._persons: dict[str | None, tuple[bytes, ...]] = {}
        said = identifier(event.ecommerce.get("transaction_id"))
        value = number(event.ecommerce.get("value"))
        self._mark = mark(said, None if value is None else float(value), install_key)
        self._order = said if server.collect.dedup_orders else None

    def _person(self, destination: ConfiguredDestination) -> tuple[bytes, ...]:
        """The keyed hashes of whom the event is about, as a destination reads telephone numbers."""
        country = destination.phone_country
        if (found := self._persons.get(country)) is None:
            found = self._persons[country] = person_keys(self._routing.event.identity, self._install_key, country)
        return found

    def of(self, decision: Decision) -> Delivery:
        """What is stored of the event for one tag that sends."""
        event, built, tag = self._routing.event, decision.built, decision.tag
        assert built is not None
        assert decision.decision in ("send", "restrict")
        expires = built.expires
        if expires is None:
            expires = _oldest(tag.destination.plugin.limits.age, built.time)
        return Delivery(
            key=delivery_key(tag.name, built.name, event.event_id, self._sender),
            event_id=event.event_id,
            name=built.name,
            tag=tag.name,
            destination=tag.destination.name,
            container=self._container.version,
            mode="send" if decision.decision == "send" else "restrict",
            purposes=self._routing.consent.granted,
            person=self._person(tag.destination),
            group=built.group,
            time=built.time,
            received=event.received,
            expires=expires,
            identity=tag.destination.identity,
            body=decision.body,
            order=None if self._order is None else self._order_of(event, tag, built, expires),
            once=_once(self._routing, tag, self._sender),
            mark=self._mark,
            urgent=tag.priority > 0,
        )

    def _order_of(self, event: Event, tag: Tag, built: Built, expires: int | None) -> tuple[bytes, float] | None:
        """The key of the order that a purchase is, and for how many seconds the order counts once: as long as the
        vendor takes the event, in whole days (what a plugin leaves for the queue is none of the vendor's)."""
        if not tag.destination.is_purchase(event.name, built.name):
            return None
        assert self._order is not None
        age = AGELESS if expires is None else math.ceil((expires - built.time) / 1000 / DAY) * DAY
        key = order_key(tag.name, built.name, self._order, self._install_key, self._sender)
        return key, max(age, DEDUP_TTL)


def _once(routing: Routing, tag: Tag, sender: str) -> tuple[bytes, float] | None:
    """What a tag sends only once within a time: its key, and the time in seconds."""
    once = tag.limits.once
    text = once.text(routing.scope) if once is not None else None
    if once is None or text is None:
        return None
    return once_key(tag.name, text, sender), once.within


def _oldest(age: float | None, time: int) -> int | None:
    """When a vendor that takes events up to an age (seconds) takes this one no more."""
    return None if age is None else time + int(age * 1000)
