"""Notices when the contents of the configuration have changed, and waits until nobody writes the files any more."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from tagserver.config.yaml.folder import is_unread, read_test_files, read_texts, unread_files

EVERY = 1.0
"""Seconds between two looks. A change is reported at the second look that sees it unchanged."""

Picture = dict[str, tuple[int, int, int, int]]


def picture(folder: Path) -> Picture:
    """Times, size and number of each YAML file, those with a wrong name too: a cheap sign that something may have
    changed. Files that come and go meanwhile are left out."""
    seen: Picture = {}
    for path in folder.rglob("*"):
        if path.suffix != ".yaml" and not is_unread(path.relative_to(folder)):
            continue
        try:
            found = path.stat()
        except OSError:
            continue
        seen[str(path)] = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return seen


def contents(folder: Path) -> str:
    """A hash of all that the files say, cases too: a file that was only touched, or copied anew, says the same. One
    that cannot be read says something else, and one that is not read its name."""
    digest = hashlib.sha256(repr(unread_files(folder)).encode(errors="surrogateescape"))
    for name, content in sorted({**read_texts(folder), **read_test_files(folder)}.items()):
        digest.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


async def watch(
    folder: Path,
    said: str,
    changed: Callable[[], Awaitable[object]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Call `changed` after each change, until cancelled. `said` are the contents that were read already."""
    known: Picture | None = None
    looked_at: Picture | None = None
    while True:
        await sleep(EVERY)
        now = await asyncio.to_thread(picture, folder)
        if now == known and now != looked_at:
            looked_at = now
            before, said = said, await asyncio.to_thread(contents, folder)
            if said != before:
                await changed()
        known = now
