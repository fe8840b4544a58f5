"""The end of what was opened: all of it is closed, whatever one of them says to it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

log = logging.getLogger("tagserver.end")


class Closing:
    """`async with Closing() as closing:` runs what was added when the block ends, in the order in which it was added:
    what is opened later hears of what came before, and so ends behind it.

    A step that fails, or is cancelled, keeps no other from its turn. What was raised first comes out of the block: by
    the block itself, else by a step; the others are in the log. (`contextlib.AsyncExitStack` goes the other way round,
    and raises what came last.)
    """

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], Awaitable[object] | None]]] = []

    def add(self, what: str, close: Callable[[], Awaitable[object] | None]) -> None:
        """One more step; `what` it ends, for the log."""
        self._steps.append((what, close))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        first = error
        for what, close in self._steps:
            try:
                if (waits := close()) is not None:
                    await waits
            except BaseException as fault:
                log.error("at the end %s failed (%s)", what, type(fault).__name__, exc_info=fault)
                first = first or fault
        if error is None and first is not None:
            raise first
