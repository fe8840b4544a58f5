"""An order for many dead letters, obeyed in slices: to try them again, or to drop them.

Whatever is interrupted, nothing is half done: each slice is a transaction, and the same order given again goes on with
what is left. Letters that die while it runs, or die again, are none of its letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from tagserver.delivery.send_policy import permits
from tagserver.queue.dead_letters import Account, Bound, Choice, Position, Retried
from tagserver.queue.errors import OutboxError
from tagserver.queue.values import Row
from tagserver.runtime.runtime import Runtime
from tagserver.server.admin.dead_choice import run_of, run_text

AT_ONCE = 200
"""Letters of one slice, if they take no longer than some milliseconds."""
_START = Position(0, 0)
_WAITING = frozenset({"paused", "disabled", "failing", "open", "retrying"})

Action = Literal["retry", "drop"]


class Run:
    """One order, or what one request does of it."""

    def __init__(
        self, runtime: Runtime, action: Action, choice: Choice, *, dry_run: bool, steady: Callable[[], float]
    ) -> None:
        self._runtime = runtime
        self._action = action
        self._choice = choice
        self._dry_run = dry_run
        self._steady = steady
        self._moved: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._dropped = self._too_old = self._late = 0

    async def go(self, cursor: str | None, seconds: float | None) -> dict[str, Any]:
        """Do it, to the end or for about `seconds`, from where an earlier request of the run ended. The object that
        answers the order."""
        outbox = self._runtime.outbox
        after, bound = (_START, await outbox.dead_bound()) if cursor is None else run_of(cursor)
        begin = run_text(after, bound)
        began = self._steady()
        at: Position | None = after
        try:
            while at is not None:
                at = await self._slice(at, bound)
                if seconds is not None and self._steady() - began >= seconds:
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
