"""What makes a delivery the same as another: keys of 16 bytes that the queue knows for a while, and the marks beside
them by which a repeat that says something else is noticed.

Keys of orders and marks are keyed with the installation's key: an order id is short and counted up, and a plain hash of
it would be as good as the number itself.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from tagserver.queue.copy_marks import other_currency

Differs = Literal["", "order", "value"]
"""What the first one had another of."""

_event = blake2b(digest_size=16)
"""Nothing hashed so far: a copy costs less than a new one."""
_PART = 4
_NOTHING = bytes(_PART)
MOST_VALUES = 2048
"""Of which the mark is remembered: prices are few, orders are many."""


SHARED = ""
"""In the place of a sender where what one says hides what another says."""


def sender_part(source: str) -> str:
    """What keeps the keys of one source apart from those of others (`collect.dedup: per_source`)."""
    return f"\0{source}"


def delivery_key(tag: str, name: str, event_id: str, sender: str = SHARED) -> bytes:
    """Of one event for one tag: the tag, the vendor's event name and the event_id. `sender`: whose repeats count, where
    the site wants to tell senders apart."""
    hashed = _event.copy()
    hashed.update(f"{tag}\0{name}\0{event_id}{sender}".encode("utf-8", "surrogatepass"))
    return hashed.digest()


def once_key(tag: str, text: str, sender: str = SHARED) -> bytes:
    """Of what a tag sends once for a text (`once_per`)."""
    return delivery_key(f"once\0{tag}", "", text, sender)


class OrderKeys:
    """What is keyed with the installation's key: keys of orders, and marks."""

    def __init__(self, install_key: bytes) -> None:
        # Hashes that have taken in how all begin; a copy costs less than a new one.
        self._key = blake2b(b"order\0", digest_size=16, key=install_key)
        self._said = blake2b(b"said\0", digest_size=16, key=install_key)
        self._order = blake2b(b"order:", digest_size=_PART, key=install_key)
        self._value = blake2b(b"value:", digest_size=_PART, key=install_key)
        self._values: dict[float, bytes] = {}

    def key(self, tag: str, name: str, order: str, sender: str = SHARED) -> bytes:
        """Of one order for one tag, whatever its event_id: the tag, the vendor's event name and the order's id."""
        keyed = self._key.copy()
        keyed.update(f"{tag}\0{name}\0{order}{sender}".encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def said(self, order: str) -> bytes:
        """Of one order, whatever is sent of it to whom: by this is known what its visitor has refused, and what waits
        of it is found. The same for all senders, also where `collect.dedup` keeps their repeats apart."""
        keyed = self._said.copy()
        keyed.update(order.encode("utf-8", "surrogatepass"))
        return keyed.digest()

    def mark(self, order: str | None, value: float | None) -> bytes:
        """What an event says of its order and its value, as eight bytes that tell neither; empty when it says
        nothing."""
        if order is None and value is None:
            return b""
        said = _NOTHING
        if order is not None:
            keyed = self._order.copy()
            keyed.update(order.encode("utf-8", "surrogatepass"))
            said = keyed.digest()
        return said + (_NOTHING if value is None else self._values.get(value) or self._mark_of(value))

    def _mark_of(self, value: float) -> bytes:
        keyed = self._value.copy()
        keyed.update(str(value).encode())
        made = keyed.digest()
        if value:  # 0.0 and -0.0 are the same to a dict, and have two marks
            if len(self._values) >= MOST_VALUES:
                self._values.clear()
            self._values[value] = made
        return made


def difference(first: bytes, repeat: bytes) -> Differs:
    """What two marks differ in. What one of them does not say is no difference, and values in two currencies are none
    either: a shop tells its own, and its page the visitor's."""
    if first == repeat or not first or not repeat:
        return ""
    values = not other_currency(first, repeat)
    for name, start in (("order", 0), ("value", _PART)):
        before, now = first[start : start + _PART], repeat[start : start + _PART]
        if before != now and before != _NOTHING and now != _NOTHING and (name == "order" or values):
            return "order" if name == "order" else "value"
    return ""
