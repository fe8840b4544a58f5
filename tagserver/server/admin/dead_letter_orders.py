"""An order for many dead letters: which ones are meant, and how it is carried out in slices.

A name that no letter ever had is a slip, and a slip in an order that is carried out to the letter is an order for
something else. So it is refused with the name that was meant, before anything is done. Whatever is interrupted, nothing
is half done: each slice is a transaction, and the same order given again goes on with what is left. Letters that die
while it runs, or die again, are none of its letters."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from tagserver.delivery.send_policy import permits
from tagserver.ingest.body import BadBody
from tagserver.queue.dead_letters import LARGEST_ID, REASONS, Account, Bound, Cause, Choice, Position, Retried
from tagserver.queue.errors import OutboxError
from tagserver.queue.values import Row
from tagserver.runtime.runtime import Runtime
from tagserver.system.text import parse_time

AT_ONCE = 200
"""Letters of one slice, if they take no longer than some milliseconds."""
_START = Position(0, 0)
_WAITING = frozenset({"paused", "disabled", "failing", "open", "retrying"})

Action = Literal["retry", "drop"]


class Run:
    """One order, or what one request does of it."""

    def __init__(self, runtime: Runtime, action: Action, choice: Choice, *, dry_run: bool) -> None:
        self._runtime = runtime
        self._action = action
        self._choice = choice
        self._dry_run = dry_run
        self._moved: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._dropped = self._too_old = self._late = 0

    async def go(self, cursor: str | None, seconds: float | None) -> dict[str, Any]:
        """Do it, to the end or for about `seconds`, from where an earlier request of the run ended. The object that
        answers the order."""
        outbox = self._runtime.outbox
        after, bound = (_START, await outbox.dead_bound()) if cursor is None else run_of(cursor)
        begin = run_text(after, bound)
        began = self._runtime.time.monotonic()
        at: Position | None = after
        try:
            while at is not None:
                at = await self._slice(at, bound)
                if seconds is not None and self._runtime.time.monotonic() - began >= seconds:
                    break
        finally:
            if not self._dry_run:
                self._wake()
        if at is None and self._action == "drop" and not self._dry_run:
            with suppress(OutboxError):  # a full disk: the letters are dropped all the same
                await outbox.scrub()
        left = await outbox.count_dead(self._choice, bound)
        answer = self.counts | {"left": left - (self.counts["count"] if self._dry_run else 0)}
        if self._action == "retry":
            answer["waiting"] = self._waiting()
        answer["next"] = None if at is None else run_text(at, bound)
        return answer | ({"dry_run": True, "begin": begin} if self._dry_run else {})

    @property
    def counts(self) -> dict[str, Any]:
        """What this request has done so far, also when it could not go on."""
        counts: dict[str, Any] = {"count": self._moved.total() + self._dropped}
        if self._action == "retry":
            counts |= {"too_old": self._too_old, "late": self._late, "refused": dict(self._refused)}
        return counts

    async def _slice(self, after: Position, bound: Bound) -> Position | None:
        outbox = self._runtime.outbox
        if self._action == "retry":
            done = await outbox.retry_dead(
                self._choice,
                self._accounts(),
                AT_ONCE,
                after,
                bound=bound,
                permits=self._permits(),
                dry_run=self._dry_run,
            )
            self._add(done)
            return done.after
        if self._dry_run:
            self._dropped = await outbox.count_dead(self._choice, bound)
            return None
        dropped = await outbox.drop_dead(self._choice, AT_ONCE, after, bound=bound)
        self._dropped += dropped.count
        return dropped.after

    def _add(self, done: Retried) -> None:
        self._moved.update(done.moved)
        self._refused.update(done.refused)
        self._too_old += done.too_old
        self._late += done.late

    def _accounts(self) -> dict[str, Account]:
        return {
            name: Account(one.identity, one.plugin.limits.repeat)
            for one in self._runtime.container.destinations.values()
            for name in (one.name, *one.aliases)
        }

    def _permits(self) -> Callable[[Row], tuple[str, str] | None]:
        """Why a letter would die again at once, or wait for a destination that there is not."""
        container, withdrawn = self._runtime.container, self._runtime.outbox.withdrawn

        def no(row: Row) -> tuple[str, str] | None:
            if container.destination(row.destination) is None:
                return ("no_destination", "it is not configured")
            return permits(row, container, withdrawn)

        return no

    def _wake(self) -> None:
        for name in self._moved:
            self._runtime.wait_no_longer(name)

    def _waiting(self) -> list[dict[str, Any]]:
        """Destinations that got something and cannot send it now, with the reason."""
        waiting = []
        for name, count in sorted(self._moved.items()):
            state, reason = self._runtime.status.state(name)
            if state in _WAITING:
                waiting.append({"destination": name, "state": state, "reason": reason, "count": count})
        return waiting


# ── which letters are meant

MOST = 1000
"""Values of one key."""
LONGEST = 1000
"""Characters of a name."""
SHOWN = 20
"""Names that a refusal lists."""
NAMES = {"destination": "destination", "tag": "tag", "reason": "reason", "code": "vendor's code"}
KEYS = ("id", "event_id", *NAMES, "since", "until")


class BadChoice(BadBody):
    """What was asked for cannot be meant. `code` is the problem's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(400, code, message)


def read_choice(given: Mapping[str, Sequence[Any]], now: int) -> Choice:
    """A choice out of lists of values by key. `now` in ms. Raises BadChoice."""
    for key, values in given.items():
        if not values:
            raise BadChoice("bad_choice", f"{key} is an empty list: name some, or leave it out")
        if len(values) > MOST:
            raise BadChoice("bad_choice", f"{len(values)} values of {key}, and {MOST} are the most")
        if key != "id" and any(len(value) > LONGEST for value in values):
            raise BadChoice("bad_choice", f"a value of {key} has more than {LONGEST} characters")
    since, until = (_moment(key, given.get(key, ()), now) for key in ("since", "until"))
    if since is not None and since > now:
        raise BadChoice("bad_choice", f"since: {given['since'][0]} lies in the future, and no letter is of then")
    if since is not None and until is not None and since >= until:
        raise BadChoice("bad_choice", "since is not before until: no letter can be of between")
    return Choice(
        ids=tuple(whole_number("id", one) for one in given.get("id", ())),
        event_ids=tuple(given.get("event_id", ())),
        destinations=frozenset(given.get("destination", ())),
        tags=frozenset(given.get("tag", ())),
        reasons=frozenset(given.get("reason", ())),
        codes=frozenset(given.get("code", ())),
        since=since,
        until=until,
    )


def whole_number(key: str, given: str | int, most: int = LARGEST_ID) -> int:
    """A whole number from 1 on. Raises BadChoice."""
    text = str(given)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 1 <= number <= most:
        raise BadChoice("bad_number", f"{key} is a whole number from 1 to {most}, and {text[:20]!r} is none")
    return number


def _moment(key: str, values: Sequence[str], now: int) -> int | None:
    if not values:
        return None
    if len(values) > 1:
        raise BadChoice("bad_choice", f"{key} is given {len(values)} times, and it can be but one moment")
    try:
        return parse_time(values[0], now)
    except ValueError as error:
        raise BadChoice("bad_choice", f"{key}: {error}") from None


async def check_names(runtime: Runtime, choice: Choice) -> None:
    """Raises BadChoice for a name that neither the configuration nor any letter has, now or before."""
    if not any(choice.names):
        return
    causes = await runtime.outbox.causes()
    configured = runtime.container.destinations.values()
    known: dict[str, set[str]] = {
        "destination": {name for one in configured for name in (one.name, *one.aliases)} | {*runtime.outbox.counts()},
        "tag": {tag.name for tag in runtime.container.tags},
        "reason": {*REASONS},
        "code": set(),
    }
    for key, wanted in zip(NAMES, choice.names, strict=True):
        there = known[key] | {name for cause in causes if (name := getattr(cause, key))}
        for name in sorted(wanted):
            if name not in there:
                raise BadChoice("unknown_name", _unknown(key, name, there, causes))


def _unknown(key: str, name: str, there: Collection[str], causes: Iterable[Cause]) -> str:
    """The sentence for a name that there is not: the one that was meant, or all that letters have."""
    sentence = f"there is no {NAMES[key]} {name[:100]!r}"
    if key == "code":
        sentence = f"no dead letter has, or had, the vendor's code {name[:100]!r}"
    below = sorted(code for code in there if code.startswith(f"{name}/"))
    if near := below[:1] or difflib.get_close_matches(name[:100], there, 1):
        return f"{sentence}; did you mean {near[0]!r}?"
    with_letters = sorted({getattr(cause, key) for cause in causes} & {*there})
    if not with_letters:
        return f"{sentence}; no dead letter has any"
    more = f", and {len(with_letters) - SHOWN} more" if len(with_letters) > SHOWN else ""
    return f"{sentence}; dead letters have {', '.join(map(repr, with_letters[:SHOWN]))}{more}"


# ── cursors: where an answer ended, for the next request


def place_text(place: Position) -> str:
    """A place in a list."""
    return f"{place.buried}:{place.id}"


def place_of(text: str) -> Position:
    """Raises BadChoice."""
    return Position(*_numbers(text, 2))


def run_text(after: Position, bound: Bound) -> str:
    """A place in a run, with the run's bound."""
    return f"{place_text(after)}:{place_text(bound.end)}:{bound.last}"


def run_of(text: str) -> tuple[Position, Bound]:
    """Raises BadChoice."""
    at, one, end, end_id, last = _numbers(text, 5)
    return Position(at, one), Bound(Position(end, end_id), last)


def _numbers(text: str, count: int) -> list[int]:
    parts = text.split(":") if len(text) <= 100 else []
    if len(parts) != count or not all(part.removeprefix("-").isdecimal() and part.isascii() for part in parts):
        raise BadChoice("bad_cursor", "after is taken as it stands in `next` of the answer before")
    return [max(-LARGEST_ID, min(LARGEST_ID, int(part))) for part in parts]
