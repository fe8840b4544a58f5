"""Awaiting a plugin: whatever comes out of its coroutine is the plugin's, but for our own wish that it ends.

A coroutine can be cancelled from outside, by the end of the server or by a time-out; and it can raise a CancelledError,
or cancel the task it runs in, by itself. It can also hear that it should end, and go on. So it runs in a task of its
own, which is watched and not awaited: an end that nobody has asked for is the plugin's, and one that does not come
keeps nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tagserver.plugin.destination import Destination
from tagserver.plugin.fault import failed

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
