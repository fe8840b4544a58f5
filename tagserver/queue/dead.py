"""Dead letters as values, and what an engine can do with them: choose, count, list, try again, drop.

A letter lies under its cause (destination, tag, reason, the vendor's code). There are few causes, however many letters
there are, so that questions about many letters are questions about few names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec

LARGEST_ID = 2**63 - 1
"""Of a dead letter: what SQLite and most engines can count to."""


RESTORED = "restored"
"""The reason of a delivery that waited in a backup that was restored: it is held, and a retry that does not name the
reason leaves it (see `held`)."""


class Cause(msgspec.Struct, frozen=True, order=True, gc=False):
    """Why letters lie there. `code`: the vendor's, empty where no vendor has refused anything."""

    destination: str
    tag: str
    reason: str
    code: str = ""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A dead letter as operations see it: why, never what. Times in ms since 1970 UTC. `detail` begins with the
    `code`, where there is one."""

    id: int
    destination: str
    tag: str
    name: str
    event_id: str
    reason: str
    detail: str
    attempts: int
    received: int
    buried: int
    code: str = ""

    @property
    def place(self) -> Place:
        """Where it lies."""
        return Place(self.buried, self.id)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters are meant: those for which everything given holds, each by one of its values. What is empty
    does not matter. `since` (at or after) and `until` (before) are of the burial, in ms."""

    ids: Sequence[int] = ()
    event_ids: Sequence[str] = ()
    destinations: Collection[str] = ()
    tags: Collection[str] = ()
    reasons: Collection[str] = ()
    codes: Collection[str] = ()
    since: int | None = None
    until: int | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is asked, so that all letters are meant."""
        return not (self.ids or self.event_ids or any(self.names)) and self.since is None and self.until is None

    @property
    def names(self) -> tuple[Collection[str], ...]:
        """What is asked of a cause, in the order of its fields."""
        return (self.destinations, self.tags, self.reasons, self.codes)

    def fits(self, cause: Cause) -> bool:
        """Whether letters of this cause can be meant."""
        has = (cause.destination, cause.tag, cause.reason, cause.code)
        return all(not wanted or name in wanted for wanted, name in zip(self.names, has, strict=True))


class Place(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where a letter lies in the order of burial."""

    buried: int
    id: int


class Bound(msgspec.Struct, frozen=True, gc=False):
    """How far a run over dead letters goes, fixed at its start: up to the `end` in the order of burial, and no id
    beyond `last`. What dies later, or again, is none of its letters."""

    end: Place
    last: int


class DeadGroup(msgspec.Struct, frozen=True, gc=False):
    """Letters of one cause: how many, the burials of the oldest and the newest (ms), and an event among the newest."""

    cause: Cause
    count: int
    oldest: int
    newest: int
    event_id: str


class Account(msgspec.Struct, frozen=True, gc=False):
    """A destination as it is configured now: its fingerprint, and the seconds in which its vendor counts a repeat
    once (None: always)."""

    identity: str
    repeat: float | None = None


class Retried(msgspec.Struct, frozen=True, gc=False):
    """What came of putting some dead letters back. `moved` by destination. `too_old`: the vendor would not take them
    any more; `refused`: they may not be sent as things stand, by the reason for which they would die again, or are held
    after a restore (`restored`), and the choice does not name that reason; both stay.
    `late`: of the moved, those tried before whose vendor may count them twice by now. `after`: the letter that was
    looked at last, or None when there are no more."""

    moved: Mapping[str, int] = {}
    too_old: int = 0
    refused: Mapping[str, int] = {}
    late: int = 0
    after: Place | None = None


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """How many letters were removed; `after` as in `Retried`."""

    count: int = 0
    after: Place | None = None


class DeadLetters(Protocol):
    """What an engine does with dead letters. Nothing here holds the engine up for more than some milliseconds at a
    time, however many letters there are."""

    async def dead(self, choice: Choice, limit: int, after: Place | None = None) -> Sequence[DeadLetter]:
        """The newest letters of a choice by burial; behind `after`, when it is given."""
        ...

    async def count_dead(self, choice: Choice, bound: Bound | None = None) -> int:
        """How many letters a choice has, in all or within a bound."""
        ...

    async def dead_groups(self, choice: Choice) -> Sequence[DeadGroup]:
        """The letters of a choice by cause."""
        ...

    async def causes(self) -> Collection[Cause]:
        """Every cause that letters have, or have had in this data folder."""
        ...

    async def dead_bound(self) -> Bound:
        """The bound of a run that begins now."""
        ...

    async def retry_dead(
        self,
        choice: Choice,
        accounts: Mapping[str, Account],
        limit: int,
        after: Place | None = None,
        *,
        bound: Bound | None = None,
        permits: Callable[[Any], tuple[str, str] | None] | None = None,
        dry_run: bool = False,
    ) -> Retried:
        """Put letters back into the queue, as if never tried, for the account that is configured now. At most `limit`
        are looked at, the oldest burial first, from behind `after` on. `permits` says of a `Row` (without its payload)
        why it may not be sent; it is called in another thread. `dry_run`: the same answer, and nothing is changed."""
        ...

    async def drop_dead(
        self, choice: Choice, limit: int, after: Place | None = None, *, bound: Bound | None = None
    ) -> Dropped:
        """Remove letters; they count as erased."""
        ...
