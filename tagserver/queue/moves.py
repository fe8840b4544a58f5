"""Deliveries that change their place though nobody has tried to send them: erased, given up on arrival, or put back.

The worker that settles a batch tells itself what became of it. All else is done to rows by the engine, at the word of
somebody who knows no row: so the engine tells of each of them, once that is on disk, or records would have it wait for
ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

Place = Literal["erased", "dead", "queue"]
WITHDRAWN = "consent"
FORGOTTEN = "forgotten"
DROPPED = "dropped"
TOO_OLD = "too_old"
ANOTHER_COPY = "another_copy"
UNTRUSTED_COPY = "untrusted_copy"
ERASED_FOR: dict[str, str] = {
    WITHDRAWN: "consent for it was withdrawn",
    FORGOTTEN: "the person asked to be forgotten",
    DROPPED: "somebody dropped it from the dead letters",
    TOO_OLD: "it was among the dead letters for longer than `queue.keep_dead`",
    ANOTHER_COPY: "another copy of its order came first, while this one waited",
    UNTRUSTED_COPY: "a browser's copy of its order came first, while this one waited, and says otherwise",
    "queue_full": "its destination was paused, and the queue had no room for more",
}
"""Why a delivery was erased, in words; every reason of a move to `erased` is one of these."""


class Move(msgspec.Struct, frozen=True, gc=False):
    """One delivery. `to`: where it went; `queue` from the dead letters. `reason`: of `ERASED_FOR`, or of a dead letter;
    empty for `queue`. `dead`: the reason of the dead letter that it was, empty where it was none. `person` and
    `received` as in `Delivery`."""

    event_id: str
    tag: str
    destination: str
    person: tuple[bytes, ...]
    received: int
    to: Place
    reason: str = ""
    dead: str = ""


Hear = Callable[[Sequence[Move]], None]


class Moves:
    """Gathered inside a transaction and told after it, both in the thread that writes. `hear` may be set at any time,
    and must neither wait nor raise."""

    def __init__(self) -> None:
        self.hear: Hear | None = None
        self._pending: list[Move] = []

    def add(self, move: Move) -> None:
        """One more in the present transaction."""
        self._pending.append(move)

    def committed(self, ok: bool) -> None:
        """After a group: tell of its moves, or forget them."""
        if not self._pending:
            return
        moved, self._pending = self._pending, []
        if ok and self.hear is not None:
            self.hear(moved)
