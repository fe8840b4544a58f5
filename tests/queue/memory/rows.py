"""What the engine in memory keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagserver.queue.dead_letters import (
    Cause,
    DeadLetter,
    Position,
)
from tagserver.queue.moves import Move, Place
from tagserver.queue.values import (
    ROW_BYTES,
    Delivery,
    Row,
)


@dataclass
class Stored:
    """A delivery that is pending, dead, or held until `due`."""

    id: int
    delivery: Delivery
    attempts: int = 0
    unknown_since: int | None = None
    crashes: int = 0
    cause: Cause | None = None
    detail: str = ""
    died: int = 0
    due: int = 0

    @property
    def size(self) -> int:
        """Bytes, as quotas count them."""
        return len(self.delivery.body) + ROW_BYTES

    @property
    def position(self) -> Position:
        """Of a dead one."""
        return Position(self.died, self.id)

    def row(self, *, bare: bool = False) -> Row:
        """As it is claimed; `bare`: without its payload."""
        one = self.delivery
        return Row(
            *(self.id, one.event_id, one.name, one.tag, one.destination, one.purposes, one.person),
            *(one.group, one.time, one.received, one.expires, one.identity, b"" if bare else one.body),
            *(self.attempts, self.unknown_since, self.crashes),
        )

    def moved(self, to: Place, reason: str = "") -> Move:
        """As it is told of."""
        one, dead = self.delivery, self.cause.reason if self.cause is not None and to != "dead" else ""
        return Move(one.event_id, one.tag, one.destination, one.person, one.received, to, reason, dead)

    def letter(self) -> DeadLetter:
        """As a dead letter is shown."""
        one, cause = self.delivery, self.cause
        assert cause is not None
        return DeadLetter(
            *(self.id, one.destination, one.tag, one.name, one.event_id, cause.reason, self.detail, self.attempts),
            *(one.received, self.died, cause.code),
        )


@dataclass
class Side:
    """One destination. `pending` in the order of their ids."""

    pending: list[Stored] = field(default_factory=list)
    dead: list[Stored] = field(default_factory=list)
    accepted: int = 0
    delivered: int = 0
    erased: int = 0
    turns: int = 0


@dataclass
class Stone:
    """A tombstone and the end of its time."""

    purpose: str
    since: int
    until: int
    expires: int
