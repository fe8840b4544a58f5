"""Who may have something in the queue: a set of keyed hashes in two MiB that forgets nobody, and is now and then wrong
about a stranger (a Bloom filter with one hash).

Most visitors who refuse have granted nothing before, so that nothing of them is here. To know that without walking
through the queue, each stored person sets one bit. A whole walk rebuilds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BITS = 24
FILTER_FULL = 1 << (BITS - 2)
"""Keys from which on it would be wrong too often: then everybody may be there, until the next rebuild."""


_BYTES = (1 << (BITS - 3)) - 1


def _numbers(persons: Iterable[bytes]) -> Sequence[int]:
    """A number of each: of a hash any part is as good as chance."""
    return memoryview(b"".join(persons)).cast("I")[::4]


class PersonFilter:
    """Changed by the writer's thread; `may_have` is asked from any thread."""

    def __init__(self, *, empty: bool) -> None:
        """`empty`: whether the queue is known to hold nobody."""
        self._bits = bytearray(1 << (BITS - 3))
        self._added = 0 if empty else FILTER_FULL
        self._next: PersonFilter | None = None

    def add(self, persons: Iterable[bytes]) -> None:
        """Something of these persons was stored."""
        bits = self._bits
        numbers = _numbers(persons)
        for number in numbers:
            bits[number >> 3 & _BYTES] |= 1 << (number & 7)
        self._added += len(numbers)
        if self._next is not None:
            self._next.add(persons)

    def give_up(self) -> None:
        """Something was moved that may not be noted: everybody may be there, until the next rebuild."""
        self._added = FILTER_FULL
        if self._next is not None:
            self._next.give_up()

    def may_have(self, persons: Iterable[bytes]) -> bool:
        """False when nothing of these persons can be there."""
        if self._added >= FILTER_FULL:
            return True
        bits = self._bits
        return any(bits[number >> 3 & _BYTES] & 1 << (number & 7) for number in _numbers(persons))

    def rebuild_begins(self) -> None:
        """A whole walk through the queue begins, which names everybody whom it meets."""
        self._next = PersonFilter(empty=True)

    def rebuild_adds(self, persons: Iterable[bytes]) -> None:
        """The walk has met these persons."""
        if self._next is not None:
            self._next.add(persons)

    def rebuild_ends(self) -> None:
        """Everybody who is there was met, or has been added meanwhile."""
        if self._next is not None:
            self._bits, self._added, self._next = self._next._bits, self._next._added, None
