"""The names of an event's fields, without their values. Sites push the same names in the same order over and over, so
what follows from the names alone is worked out once for all events that have them."""

from __future__ import annotations

MOST, MOST_NAMES, LONGEST_NAME = 256, 64, 64
"""Names come from strangers: so many shapes are remembered, none of more or longer names than events have."""
MOST_SETS = 64


class Shape(dict[frozenset[str], tuple[tuple[str, ...], tuple[str, ...]]]):
    """`shape[some]`: those of the names that are among some, and the others, each in the event's order."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, some: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if len(self) >= MOST_SETS:
            self.clear()
        among = tuple([name for name in self._names if name in some])
        made = self[some] = among, tuple([name for name in self._names if name not in some])
        return made


class _Shapes(dict[tuple[str, ...], Shape]):
    """The shape of some names."""

    def __missing__(self, names: tuple[str, ...]) -> Shape:
        made = Shape(names)
        if len(names) <= MOST_NAMES and len(max(names, key=len, default="")) <= LONGEST_NAME:
            if len(self) >= MOST:
                self.clear()
            self[names] = made
        return made


SHAPES = _Shapes()
