"""What one destination may take of the queue while somebody has stopped it by hand: a quarter. The others go on.

A vendor that is down is nobody's decision, and ends by itself: what waits for it may fill the queue, and at its end the
door is closed rather than that anything is thrown away. A pause is somebody's decision, who may have gone home: new
deliveries beyond the quarter are buried as `queue_full`, with their payload, so that they can be tried again. These
letters lie in the same file; when that is filled to KEEP, further ones are counted, and not kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Literal

from tagserver.queue.sqlite.volumes import ROW, Volumes
from tagserver.system.amounts import size

log = logging.getLogger("tagserver.delivery")

QUARTER = 4
KEEP = 0.7
"""Of the queue's limit: up to there letters are kept that are beyond a share."""
FULL = "queue_full"
DETAIL = "its destination was paused, and had a quarter of the queue waiting"

Fate = Literal["waits", "dies", "is not kept"]


class Shares:
    """`held`: the names under which destinations stand still by somebody's hand, each with all names of that one.
    `used`: bytes that the queue's file holds, of `max_size`; `limit`: another one than the quarter. `fate` is called by
    the writer's thread, inside its transactions; everything else by any."""

    def __init__(
        self,
        volumes: Volumes,
        held: Callable[[], Mapping[str, tuple[str, ...]]],
        max_size: int,
        used: Callable[[], int],
        limit: int | None = None,
    ) -> None:
        self._volumes = volumes
        self._held = held
        self._max_size = max_size
        self._used = used
        self.limit = max_size // QUARTER if limit is None else limit
        """Bytes that may wait for one that is stopped."""
        self._said: dict[str, Fate] = {}

    def held(self) -> Mapping[str, tuple[str, ...]]:
        """Those to which the limit applies."""
        held = self._held()
        if self._said and not (self._said.keys() & held.keys()):
            self._said = {}
        return held

    def of(self, names: tuple[str, ...]) -> int:
        """Bytes that wait for a destination, under all of its names."""
        return sum(self._volumes.of(name) for name in names)

    def fate(self, destination: str, names: tuple[str, ...], payload: int, more: int) -> Fate:
        """What becomes of a new delivery with a payload of so many bytes, of one that is stopped; `more`: bytes that
        this transaction adds beside it."""
        waiting = sum(self._volumes.now(name) for name in names) + more
        fate: Fate = "waits"
        if waiting + payload + ROW > self.limit:
            fate = "dies" if self._used() <= KEEP * self._max_size else "is not kept"
        if fate != self._said.get(destination, "waits"):
            self._say(destination, fate)
        return fate

    def _say(self, destination: str, fate: Fate) -> None:
        waiting = f"is paused, and has {size(self.limit)} waiting"
        said = {
            "waits": "has room in its share of the queue again: new deliveries wait",
            "dies": f"{waiting}, all that it may: new deliveries for it are dead letters ({FULL}), which tagserver "
            "dead retry brings back; others go on",
            "is not kept": f"{waiting}, and the queue is {KEEP:.0%} full: new deliveries for it are counted as {FULL} "
            "and lost; others go on. Let it go on, or drop dead letters",
        }
        level = logging.INFO if fate == "waits" else logging.ERROR
        log.log(level, "destination %s %s", destination, said[fate], extra={"destination": destination})
        self._said = {**self._said, destination: fate}

    def overflow(self, name: str) -> Fate:
        """What became of the last new delivery of a destination that is stopped."""
        return self._said.get(name, "waits") if name in self._held() else "waits"
