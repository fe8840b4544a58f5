"""What makes a delivery the same as another: keys of 16 bytes that the queue knows for a while, and the marks beside
them by which a repeat that says something else is noticed.

Keys of orders and marks are keyed with the installation's key: an order id is short and counted up, and a plain hash of
it would be as good as the number itself.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal

Differs = Literal["", "order", "value"]
"""What the first one had another of."""

_PART = 4
_NOTHING = bytes(_PART)


SHARED = ""
"""In the place of a sender where what one says hides what another says."""


def sender_part(source: str) -> str:
    """What keeps the keys of one source apart from those of others (`collect.dedup: per_source`)."""
    return f"\0{source}"


def delivery_key(tag: str, name: str, event_id: str, sender: str = SHARED) -> bytes:
    """Of one event for one tag: the tag, the vendor's event name and the event_id. `sender`: whose repeats count, where
    the site wants to tell senders apart."""
    return _key(f"{tag}\0{name}\0{event_id}{sender}")


def order_key(tag: str, name: str, order: str, install_key: bytes, sender: str = SHARED) -> bytes:
    """Of one order for one tag, whatever its event_id: the tag, the vendor's event name and the order's id."""
    keyed = _keyed(install_key, 16).copy()
    keyed.update(f"order\0{tag}\0{name}\0{order}{sender}".encode(errors="surrogatepass"))
    return keyed.digest()


def once_key(tag: str, text: str, sender: str = SHARED) -> bytes:
    """Of what a tag sends once for a text (`once_per`)."""
    return _key(f"once\0{tag}\0\0{text}{sender}")


def mark(order: str | None, value: float | None, install_key: bytes) -> bytes:
    """What an event says of its order and its value, as eight bytes that tell neither; empty when it says nothing."""
    if order is None and value is None:
        return b""
    return _part("order", order, install_key) + _part("value", value, install_key)


def difference(first: bytes, repeat: bytes) -> Differs:
    """What two marks differ in. What one of them does not say is no difference."""
    if first == repeat or not first or not repeat:
        return ""
    for name, start in (("order", 0), ("value", _PART)):
        before, now = first[start : start + _PART], repeat[start : start + _PART]
        if before != now and before != _NOTHING and now != _NOTHING:
            return "order" if name == "order" else "value"
    return ""


def _part(kind: str, said: str | float | None, install_key: bytes) -> bytes:
    if said is None:
        return _NOTHING
    keyed = _keyed(install_key, _PART).copy()
    keyed.update(f"{kind}:{said}".encode(errors="surrogatepass"))
    return keyed.digest()


@lru_cache(maxsize=8)
def _keyed(install_key: bytes, size: int) -> hashlib.blake2b:
    """The hash that has taken in the key and nothing else; a copy of it costs less than a new one."""
    return hashlib.blake2b(digest_size=size, key=install_key)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
