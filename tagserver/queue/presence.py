"""Who may have something in the queue: a set of keyed hashes in two MiB that forgets nobody, and is now and then wrong
about a stranger.

Most visitors who refuse have granted nothing before, so that nothing of them lies here. To know that without looking
through the queue, each stored person sets one bit. A look through the whole queue begins the set anew.
"""

from __future__ import annotations

from collections.abc import Iterable

BITS = 24
FULL = 1 << (BITS - 2)
"""Keys from which on it would be wrong too often: then everybody may be there, until the next look."""


class Presence:
    """Changed by the writer's thread; `may_have` is asked from any thread."""

    def __init__(self, *, empty: bool) -> None:
        """`empty`: whether the queue is known to hold nobody."""
        self._bits = bytearray(1 << (BITS - 3))
        self._added = 0 if empty else FULL
        self._next: Presence | None = None

    def add(self, persons: Iterable[bytes]) -> None:
        """Something of these persons was stored."""
        bits = self._bits
        for person in persons:
            number = person[0] << 16 | person[1] << 8 | person[2]  # of a hash: as good as chance
            bits[number >> 3] |= 1 << (number & 7)
            self._added += 1
        if self._next is not None:
            self._next.add(persons)

    def lose_track(self) -> None:
        """Something was moved that may not be noted: everybody may be there, until the next look."""
        self._added = FULL
        if self._next is not None:
            self._next.lose_track()

    def may_have(self, persons: Iterable[bytes]) -> bool:
        """False when nothing of these persons can be there."""
        if self._added >= FULL:
            return True
        bits = self._bits
        numbers = (person[0] << 16 | person[1] << 8 | person[2] for person in persons)
        return any(bits[number >> 3] & 1 << (number & 7) for number in numbers)

    def look_begins(self) -> None:
        """From here on everybody who is met is `met`."""
        self._next = Presence(empty=True)

    def met(self, persons: Iterable[bytes]) -> None:
        """The look has come by these persons."""
        if self._next is not None:
            self._next.add(persons)

    def look_ends(self) -> None:
        """Everybody who is there was met, or has been added meanwhile."""
        if self._next is not None:
            self._bits, self._added, self._next = self._next._bits, self._next._added, None
