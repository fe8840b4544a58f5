"""What could hold for an event, found without trying each: an index by what conditions ask first.

Many triggers ask first whether one path has one text (`page.path: /thanks`). What hangs on them is found by that text,
so that one more of them costs the events of the others nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from tagserver.event.values import js_text
from tagserver.expressions.conditions import Ask
from tagserver.expressions.scope import Scope, Value

T = TypeVar("T")


class ByAsk(Generic[T]):
    """Things in their order, each with what its alternatives ask first (None: nothing that an index could know)."""

    def __init__(self, things: Iterable[tuple[T, Sequence[Ask | None]]]) -> None:
        self._all: list[T] = []
        self._always: list[int] = []
        self._by_left: dict[str, tuple[Value, dict[str, list[int]]]] = {}
        for number, (thing, asks) in enumerate(things):
            self._all.append(thing)
            if None in asks:
                self._always.append(number)
                continue
            for name, left, text in filter(None, asks):
                _, by_text = self._by_left.setdefault(name, (left, {}))
                by_text.setdefault(text, []).append(number)

    def __iter__(self) -> Iterator[T]:
        return iter(self._all)

    def worth_trying(self, scope: Scope) -> list[T]:
        """Those that may hold; of the others it is known that none of their alternatives does."""
        numbers = set(self._always)
        for left, by_text in self._by_left.values():
            numbers.update(by_text.get(js_text(left(scope)), ()))
        return [self._all[number] for number in sorted(numbers)]
