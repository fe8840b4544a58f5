"""Awaiting a plugin: whatever comes out of its coroutine is the plugin's, but for our own wish that it ends.

A coroutine can be cancelled from outside, by the end of the server or by a time-out; and it can raise a CancelledError,
or cancel the task it runs in, by itself. So it runs in a task of its own: whether the task that waits for it was asked
to end says whose wish it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tagserver.kit.destination import Destination
from tagserver.kit.fault import failed


async def awaited(plugin: Destination, method: str, begin: Callable[[], Awaitable[Any]]) -> Any:
    """What an async method of a plugin gives. Raises PluginFailed, the OSError that the contract lets it raise, and
    CancelledError when we are cancelled."""
    task = asyncio.ensure_future(guarded(plugin, method, begin))
    try:
        return await task
    except asyncio.CancelledError as error:
        waiting = _present()
        if waiting is None or waiting.cancelling():
            raise
        raise failed(error, plugin, method) from error


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
