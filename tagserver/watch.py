"""Notices when the files of the configuration have changed, and waits until nobody writes them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

EVERY = 1.0
"""Seconds between two looks. A change is reported at the second look that sees it unchanged."""

Picture = dict[str, tuple[int, int, int, int]]


def picture(folder: Path) -> Picture:
    """Times, size and number of each YAML file; files that come and go meanwhile are left out. Rights count: a file
    that could not be read and now can has changed."""
    seen: Picture = {}
    for path in folder.rglob("*.yaml"):
        try:
            found = path.stat()
        except OSError:
            continue
        seen[str(path)] = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return seen


async def watch(
    folder: Path, changed: Callable[[], Awaitable[object]], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Call `changed` after each change, until cancelled."""
    known = reported = await asyncio.to_thread(picture, folder)
    while True:
        await sleep(EVERY)
        now = await asyncio.to_thread(picture, folder)
        if now == known and now != reported:
            reported = now
            await changed()
        known = now
