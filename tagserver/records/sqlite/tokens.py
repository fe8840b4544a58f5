"""Tokens: four bytes for each thing that can be looked up. Those of a block lie together in its `filter`, so that a
search reads no block without a match.

A token is found now and then where it does not belong (two things may share one, and it may begin in the midst of
another): whoever finds one looks into the block.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from zlib import crc32

TOKEN = 4
PERSON = 16
"""Bytes of a person's keyed hash."""
_ORDER = crc32(b"order ")
"""An order and an event of the same name have different tokens."""


def of_event(event_id: str) -> bytes:
    """The token of an event_id."""
    return crc32(event_id.encode(errors="surrogatepass")).to_bytes(TOKEN, "little")


def of_order(order: str) -> bytes:
    """The token of an order."""
    return crc32(order.encode(errors="surrogatepass"), _ORDER).to_bytes(TOKEN, "little")


def of_person(person: bytes) -> bytes:
    """The token of a keyed hash: of a hash any part is as good as chance."""
    return person[:TOKEN].ljust(TOKEN, b"\0")


def filter_of(events: Collection[str], orders: Collection[str] = (), persons: Sequence[bytes] = ()) -> bytes:
    """The tokens of all of them, one behind another."""
    numbers = [*map(crc32, map(str.encode, events)), *(crc32(one.encode(), _ORDER) for one in orders)]
    found = struct.pack(f"<{len(numbers)}I", *numbers)
    if not persons:
        return found
    joined = b"".join(persons)
    if len(joined) == PERSON * len(persons):
        return found + memoryview(joined).cast("I")[:: PERSON // TOKEN].tobytes()
    return found + b"".join(map(of_person, persons))
