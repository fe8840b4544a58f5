"""The life of a sink: opened before its first delivery, ticked also while nothing comes, closed before it goes.

Nothing of it may hold up anybody: each call has its time, and what is not done by then is given up. None of the three
runs beside another or beside a `deliver`; the worker sees to that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tagserver.delivery.awaiting import given_up, guarded
from tagserver.delivery.sink_fault import sink_fault
from tagserver.delivery.target import Target
from tagserver.plugin import Destination
from tagserver.plugin.destination import call
from tagserver.plugin.fault import PluginFailed

log = logging.getLogger("tagserver.delivery")

Tended = Callable[[str, str | None], None]
"""Told how each call has ended: destination, and how the plugin has failed, or None. A disk that is full or a folder
that is missing is no failure of its."""
Ended = tuple[str | None, bool]
"""Why a call has not ended well, or None; and whether that is the plugin's fault."""
TICK = 10.0
"""Seconds between two ticks."""
WITHIN = 10.0
"""Seconds that an `open` or a `tick` may take."""
CLOSED_WITHIN = 5.0
"""Seconds that a `close` may take: the end of the server waits for it."""
_FIRST_WAIT, _LAST_WAIT = 1.0, 60.0


class OpenSink:
    """The sink of one destination, while there is one. `clock`: ms since 1970, `steady`: seconds that never jump."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], int],
        steady: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        tended: Tended = lambda destination, how: None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._steady = steady
        self._sleep = sleep
        self._tended = tended
        self._target: Target | None = None
        self._tick_at = 0.0
        self._retry_at = 0.0
        self._waited = 0.0
        self._failed: dict[str, str] = {}
        self._given_up: asyncio.Task[Ended] | None = None

    def of(self, target: Target) -> Target:
        """What to deliver to: the one that is open. Each load makes another object of the plugin, but a sink under the
        same settings stays the one that it was."""
        return self._target if self._target is not None and target.same(self._target) else target

    @property
    def trouble(self) -> str | None:
        """Why nothing can be delivered, or None."""
        return self._failed.get("open")

    @property
    def ails(self) -> str | None:
        """What has failed and is tried again, or None."""
        return self.trouble or self._failed.get("tick")

    def wait(self) -> float:
        """Seconds until it has to be attended to again; infinite where only a change can bring that about."""
        if self._target is not None:
            ticks = _has(self._target, "tick")
            return max(0.0, self._tick_at - self._steady()) if ticks else float("inf")
        return max(0.0, self._retry_at - self._steady()) if self.trouble else float("inf")

    def asks(self, target: Target | None) -> bool:
        """Whether it has to be attended to before anything is delivered to `target`, None for one that is gone."""
        wanted = _wanted(target)
        if wanted is None:
            return self._target is not None or bool(self._failed)
        if self._target is None:
            return self._steady() >= self._retry_at
        return not wanted.same(self._target) or self.wait() <= 0.0

    def try_again(self) -> None:
        """Somebody may have mended what kept it from being opened."""
        self._retry_at = 0.0

    async def attend(self, target: Target | None) -> None:
        """Close what is not wanted any more, open what is, or let it do what is due. No delivery may be under way."""
        wanted = _wanted(target)
        if self._target is not None and (wanted is None or not wanted.same(self._target)):
            await self.close()
        if wanted is None:
            self._failed.clear()
        elif self._target is None:
            await self._open(wanted)
        else:
            if self._given_up is None or self._given_up.done():
                await self._call("tick", self._target, WITHIN)
            self._tick_at = self._steady() + TICK  # from its end on, or slow ticks would leave no time to deliver

    async def close(self) -> None:
        """Close it, if it is open; whatever comes of that, it is not open any more."""
        target, self._target = self._target, None
        self._retry_at = self._waited = 0.0
        self._failed.pop("tick", None)
        if target is not None:
            await self._call("close", target, CLOSED_WITHIN)

    async def _open(self, target: Target) -> None:
        if await self._call("open", target, WITHIN):
            self._target, self._waited = target, 0.0
            self._tick_at = self._steady()
        else:
            self._waited = min(_LAST_WAIT, self._waited * 2 or _FIRST_WAIT)
            self._retry_at = self._steady() + self._waited

    async def _call(self, method: str, target: Target, within: float) -> bool:
        """Whether one of the three has ended well and in time. What is wrong is said once, until it changes."""
        if not _has(target, method):
            return True
        why, of_plugin = await self._ended(method, target, within)
        self._tended(self._name, why if of_plugin else None)
        if why is None:
            self._failed.pop(method, None)
        elif self._failed.get(method) != why:
            self._failed[method] = why
            # What keeps it from opening is its destination's state, and said as that.
            log.log(logging.ERROR if method == "close" else logging.DEBUG, "destination %s: %s", self._name, why)
        return why is None

    async def _ended(self, method: str, target: Target, within: float) -> Ended:
        """How it has ended."""
        known = {"now": self._clock(), "data_folder": target.data}
        task = asyncio.create_task(_ended_by_itself(target, method, known))
        limit = asyncio.ensure_future(self._sleep(within))
        try:
            await asyncio.wait({task, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await given_up(task)
                self._given_up = task
                return f"{method} has not ended after {within:.0f} s", False
        finally:
            limit.cancel()
            task.cancel()
            await asyncio.gather(limit, return_exceptions=True)
        return (f"{method} fails: it has cancelled itself", True) if task.cancelled() else task.result()


async def _ended_by_itself(target: Target, method: str, known: Mapping[str, Any]) -> Ended:
    plugin = target.destination
    try:
        await guarded(plugin, method, lambda: call(getattr(plugin, method), known, target.settings))
    except PluginFailed as failed:
        return str(failed), True
    except MemoryError as error:
        return f"{method} fails with {type(error).__name__}", False
    except OSError as error:
        return f"{method} fails with {sink_fault(error, target)}", False
    return None, False


def _has(target: Target, method: str) -> bool:
    """Whether the plugin has written this method."""
    return getattr(type(target.destination), method) is not getattr(Destination, method)


def _wanted(target: Target | None) -> Target | None:
    return target if target is not None and target.still is None and target.destination.sink else None
