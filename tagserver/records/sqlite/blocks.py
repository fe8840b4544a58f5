"""What all blocks have in common. A block is a row of the file that holds many records: what they share is written
once in `shared`, and each record in `body` names it by its place there.

A block that is being written keeps its records as encoded, so that each of them is encoded once, however often the row
is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

encoder = msgspec.msgpack.Encoder()
Encodes_co = TypeVar("Encodes_co", contravariant=True)
Thing = TypeVar("Thing")
Made = TypeVar("Made")


class Content(NamedTuple):
    """A block as it lies in the file: how many `records`, and their first and last time, ms."""

    since: int
    until: int
    records: int
    filter: bytes
    shared: bytes
    body: bytes


class Block(Protocol[Encodes_co]):
    """A block that is being written. `size`: about how many bytes it has so far."""

    size: int

    def add(self, records: Sequence[Encodes_co]) -> None:
        """Put these behind those that are there."""
        ...

    def content(self) -> Content:
        """As it would lie in the file now."""
        ...


class Index(dict[Hashable, int]):
    """Numbers things in the order in which they are first asked for; in that order they are its keys."""

    def __missing__(self, thing: Hashable) -> int:
        number = self[thing] = len(self)
        return number


class Alike(Generic[Thing, Made]):
    """What `make` makes of a thing, once for each object: many records hold the very same one, and to look for its id
    takes a tenth of the time that its hash takes. Things stay alive with this, so that nothing else gets their ids."""

    def __init__(self, make: Callable[[Thing], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[Thing, Made]] = {}

    def of(self, thing: Thing) -> Made:
        """What was made of it."""
        found = self._made.get(id(thing))
        if found is None:
            found = self._made[id(thing)] = (thing, self._make(thing))
        return found[1]


_ARRAY = b"\xdd"
"""MessagePack's sign of an array whose length has four bytes."""


class Encoded:
    """Records, encoded one behind another."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.count = 0

    def add(self, rows: list[tuple[Any, ...]]) -> int:
        """Put these behind those that are there; how many bytes they have."""
        piece = encoder.encode(rows)
        # It is an array of its own, whose sign and length are not wanted.
        piece = piece[1 if len(rows) < 16 else 3 if len(rows) < 1 << 16 else 5 :]
        self._pieces.append(piece)
        self.count += len(rows)
        return len(piece)

    def body(self) -> bytes:
        """All of it as one array."""
        return b"".join((_ARRAY, self.count.to_bytes(4, "big"), *self._pieces))
