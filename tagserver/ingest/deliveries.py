"""What is stored of an event for each tag that sends it: the finished payload, and by what a repeat is known."""

from __future__ import annotations

import math
from functools import lru_cache
from operator import attrgetter

import msgspec

from tagserver.config.model import Container, Tag
from tagserver.config.server import ServerConfig
from tagserver.delivery.send_policy import trace, why
from tagserver.erasure.opt_outs import OptOuts
from tagserver.event.event import BROWSER, Event
from tagserver.event.order_ids import GLOBAL_ID, OF_ORDER, order_id
from tagserver.event.person_keys import person_keys
from tagserver.inbound.clients.datalayer import CLIENT
from tagserver.ingest.copies import carried
from tagserver.pipeline.route import Decision, Routing
from tagserver.plugin.plain import identifier, number
from tagserver.queue.copy_marks import SHORT
from tagserver.queue.dedup import SHARED, OrderKeys, delivery_key, once_key, sender_part
from tagserver.queue.values import DEDUP_TTL, Delivery

HOUR_MS, DAY = 3_600_000, 86400.0
AGELESS = 7 * DAY
"""Seconds in which an order counts once where the destination takes events of any age."""
LONGEST = 400 * DAY
"""Seconds for which a refusal is remembered at most."""


_sends = attrgetter("built")


class Deliveries:
    """Makes the deliveries of events under one configuration.

    `install_key` (32 bytes of this installation) keys what tells of persons and orders.
    """

    def __init__(self, container: Container, server: ServerConfig, install_key: bytes) -> None:
        self.container = container
        self.server = server
        self._install_key = install_key
        self._order_keys = OrderKeys(install_key)
        self._counts_orders = server.collect.dedup_orders
        self._per_source = server.collect.dedup == "per_source"
        self.orders_meet = server.orders_meet
        """Whether copies of an order may come whose consent is not the visitor's own word."""
        self.said_for = said_for(container)
        """Seconds for which it is remembered what a visitor has refused with an order."""
        self._countries = {tag.name: tag.destination.phone_country for tag in container.tags}

    def of(self, routing: Routing) -> list[Delivery]:
        """What is stored of an event: one for each decision that sends, in their order."""
        decisions = [*filter(_sends, routing.decisions)]
        if not decisions:
            return []
        event = routing.event
        event_id, received, shop = event.event_id, event.facts.received, event.data.get("ecommerce") or {}
        told_again = event.facts.source != BROWSER and may_be_told_again(event)
        sender = sender_part(event.facts.source) if self._per_source else SHARED
        order, value = identifier(shop.get("transaction_id")), number(shop.get("value"))
        if order is not None and order.startswith(GLOBAL_ID):
            order = order_id(order)
        mark = self._order_keys.mark(order, None if value is None else float(value))
        # An id that is made of an order keeps its other copies from being sent, whether the order is named or not.
        if self.orders_meet and (order is not None or event_id.startswith(OF_ORDER)):
            mark = (mark or bytes(SHORT)) + carried(event)
        who = event.derived.identity or event.identity
        persons: dict[str | None, tuple[bytes, ...]] = {}
        made: list[Delivery] = []
        for decision in decisions:
            tag, built, mode = decision.tag, decision.built, decision.decision
            assert built is not None
            assert mode == "send" or mode == "restrict"
            destination = tag.destination
            country = self._countries[tag.name]  # as the destination reads telephone numbers
            if (person := persons.get(country)) is None:
                person = person_keys(who, self._install_key, country)
                if order is not None and self.orders_meet:
                    person = (*person, self._order_keys.said(order))
                persons[country] = person
            expires = built.expires
            if expires is None and (age := destination.plugin.limits.age) is not None:
                expires = built.time + int(age * 1000)  # a vendor that takes events up to an age takes it no more
            own_key, order_key = delivery_key(tag.name, built.name, event_id, sender), None
            if order is not None and self._counts_orders and destination.is_purchase(event.name, built.name):
                key = self._order_keys.key(tag.name, built.name, order, sender)
                order_key = key, _order_counts_for(None if expires is None else expires - built.time)
            elif told_again:
                order_key = own_key, _order_counts_for(None if expires is None else expires - built.time)
            made.append(
                Delivery(  # by place: names of so many fields cost more than all the rest
                    own_key,
                    event_id,
                    built.name,
                    tag.name,
                    destination.name,
                    self.container.version,
                    mode,
                    routing.consent.granted,
                    person,
                    built.group,
                    built.time,
                    received,
                    expires,
                    destination.identity,
                    decision.body,
                    order_key,
                    None if tag.limits.once is None else _once(routing, tag, sender),
                    mark,
                    tag.priority > 0,
                )
            )
        return made


def may_be_told_again(event: Event) -> bool:
    """Whether whoever has a secret may tell an event again after days, so that its id is known for as long as its
    vendor takes it: platforms send a webhook again on demand, and somebody uploads the file of last week twice. What a
    backend tells as it happens is repeated at once, if at all."""
    return event.client != CLIENT or event.facts.received - event.time > HOUR_MS


def without_lost(routing: Routing, made: list[Delivery], opt_outs: OptOuts) -> tuple[Routing, list[Delivery]]:
    """Without the deliveries that somebody has opted out of: their tags count as blocked."""
    each = iter(made)
    decisions, kept = [], []
    for decision in routing.decisions:
        if decision.built is not None:
            delivery = next(each)
            if lost := opt_outs.lost(trace(delivery)):
                decision = Decision(decision.tag, "block", "consent", why(lost), decision.consent)
            else:
                kept.append(delivery)
        decisions.append(decision)
    return msgspec.structs.replace(routing, decisions=tuple(decisions)), kept


def said_for(container: Container) -> float:
    """For how many seconds a refusal is remembered: as long as any of its destinations may take a copy of the order."""
    limits = [one.plugin.limits for one in container.destinations.values()]
    return min(max([AGELESS, *(one.oldest or one.age or 0.0 for one in limits)]), LONGEST)


@lru_cache(maxsize=1024)
def _order_counts_for(left: int | None) -> float:
    """For how many seconds an order counts once: as long as the vendor takes the event, in whole days (what a plugin
    leaves for the queue is none of the vendor's). `left`: milliseconds until it expires, mostly the same for all events
    of a vendor."""
    age = AGELESS if left is None else math.ceil(left / 1000 / DAY) * DAY
    return max(age, DEDUP_TTL)


def _once(routing: Routing, tag: Tag, sender: str) -> tuple[bytes, float] | None:
    """What a tag sends only once within a time: its key, and the time in seconds."""
    once = tag.limits.once
    text = once.text(routing.scope) if once is not None else None
    if once is None or text is None:
        return None
    return once_key(tag.name, text, sender), once.within
