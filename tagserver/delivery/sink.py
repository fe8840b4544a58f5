"""A sink: a destination that writes by itself, on this machine or wherever it likes. It is opened before its first
delivery, ticked also while nothing comes, closed before it goes.

Nothing of it may hold up anybody: each call has its time, and what is not done by then is given up. None of the three
runs beside another or beside a `deliver`; the worker sees to that.

Whatever comes out of a plugin's coroutine is the plugin's, but for our own wish that it ends. A coroutine can be
cancelled from outside, by the end of the server or by a time-out; and it can raise a CancelledError, or cancel the task
it runs in, by itself. It can also hear that it should end, and go on. So it runs in a task of its own, which is watched
and not awaited: an end that nobody has asked for is the plugin's, and one that does not come keeps nobody.

What a plugin writes into an OSError may tell of a person, and so may the name of a file that it makes: said are the
error's class, the system's own words, and the place that is configured.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tagserver.delivery.observer import DeliveryObserver
from tagserver.delivery.target import Target
from tagserver.plugin.destination import Destination, call
from tagserver.plugin.fault import PluginFailed, failed
from tagserver.system.time import Time

LAST_WORD = 1.0
"""Seconds that a call has for its end after it was given up."""


async def awaited(plugin: Destination, method: str, begin: Callable[[], Awaitable[Any]], within: float) -> Any:
    """What an async method of a plugin gives. Raises TimeoutError after `within` seconds, PluginFailed, the OSError
    that the contract lets it raise, and CancelledError when we are cancelled: also of a plugin that is told to end and
    does not."""
    task = asyncio.ensure_future(guarded(plugin, method, begin))
    try:
        done, _ = await asyncio.wait({task}, timeout=within)
    except asyncio.CancelledError:
        await given_up(task)
        raise
    if not done:
        await given_up(task)
        if not task.done() or task.cancelled():
            raise TimeoutError
    try:
        return task.result()
    except asyncio.CancelledError as error:
        raise failed(error, plugin, method) from error


async def given_up(task: asyncio.Task[Any]) -> None:
    """Tell a call of a plugin to end, and wait a little for that. One that does not is left to itself."""
    task.add_done_callback(_heard)
    task.cancel()
    await asyncio.wait({task}, timeout=LAST_WORD)


def _heard(task: asyncio.Task[Any]) -> None:
    """Nobody waits for it any more; asyncio writes into the log what nobody has asked for."""
    if not task.cancelled():
        task.exception()


async def guarded(plugin: Destination, method: str, begin: Callable[[], Awaitable[Any]]) -> Any:
    """The same for a task that somebody minds already: a CancelledError comes out as it is. Out of a task a SystemExit
    would end the loop, and a GeneratorExit whoever waits for it."""
    task = _present()
    try:
        return await begin()
    except (OSError, asyncio.CancelledError):
        raise
    except GeneratorExit as error:
        if _present() is not task:
            raise  # nobody runs it any more: it is closed with the loop
        raise failed(error, plugin, method) from error
    except BaseException as error:
        raise failed(error, plugin, method) from error


def _present() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs
        return None


def sink_fault(error: OSError, target: Target) -> str:
    """`PermissionError (/srv/tagserver/data/events: Permission denied)`; without what is not known."""
    place = _place(error.filename, target)
    why = os.strerror(error.errno) if error.errno else ""
    known = ": ".join(filter(None, [place, why]))
    return f"{type(error).__name__} ({known})" if known else type(error).__name__


def _place(name: object, target: Target) -> str:
    """The configured place in which a file lies: that of the settings, or the data folder."""
    if not isinstance(name, str | bytes | os.PathLike):
        return ""
    path = Path(os.fsdecode(name))
    found = [place for place in _places(target) if path.is_relative_to(place)]
    return str(max(found, key=lambda place: len(place.parts))) if found else ""


def _places(target: Target) -> Iterator[Path]:
    yield target.data
    if dataclasses.is_dataclass(target.settings):
        for field in dataclasses.fields(target.settings):
            value = getattr(target.settings, field.name)
            if isinstance(value, str) and value.strip() and "\0" not in value:
                yield target.data / value


log = logging.getLogger("tagserver.delivery")

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
    """The sink of one destination, while there is one."""

    def __init__(
        self,
        name: str,
        time: Time,
        observer: DeliveryObserver,
    ) -> None:
        self._name = name
        self._time = time
        self._observer = observer
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
        return self._failed.get("open") or self._failed.get("tick")

    def wait(self) -> float:
        """Seconds until it has to be attended to again; infinite where only a change can bring that about."""
        if self._target is not None:
            ticks = _has(self._target, "tick")
            return max(0.0, self._tick_at - self._time.monotonic()) if ticks else float("inf")
        return max(0.0, self._retry_at - self._time.monotonic()) if "open" in self._failed else float("inf")

    def asks(self, target: Target | None) -> bool:
        """Whether it has to be attended to before anything is delivered to `target`, None for one that is gone."""
        wanted = _wanted(target)
        if wanted is None:
            return self._target is not None or bool(self._failed)
        if self._target is None:
            return self._time.monotonic() >= self._retry_at
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
            self._tick_at = (
                self._time.monotonic() + TICK
            )  # from its end on, or slow ticks would leave no time to deliver

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
            self._tick_at = self._time.monotonic()
        else:
            self._waited = min(_LAST_WAIT, self._waited * 2 or _FIRST_WAIT)
            self._retry_at = self._time.monotonic() + self._waited

    async def _call(self, method: str, target: Target, within: float) -> bool:
        """Whether one of the three has ended well and in time. What is wrong is said once, until it changes."""
        if not _has(target, method):
            return True
        why, of_plugin = await self._ended(method, target, within)
        self._observer.sink_called(self._name, why if of_plugin else None)
        if why is None:
            self._failed.pop(method, None)
        elif self._failed.get(method) != why:
            self._failed[method] = why
            # What keeps it from opening is its destination's state, and said as that.
            log.log(logging.ERROR if method == "close" else logging.DEBUG, "destination %s: %s", self._name, why)
        return why is None

    async def _ended(self, method: str, target: Target, within: float) -> Ended:
        """How it has ended."""
        known = {"now": self._time.now(), "data_folder": target.data}
        task = asyncio.create_task(_ended_by_itself(target, method, known))
        limit = asyncio.ensure_future(self._time.sleep(within))
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
    return target if target is not None and target.destination.sink and target.still is None else None
