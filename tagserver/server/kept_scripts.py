"""Versions of the page's script that were served: a page that names one by its hash must find it after an upgrade."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from tagserver.server.page_script import ENDINGS, IDENTITY, PageScript
from tagserver.system.whole_file import write_whole

KEPT = 400 * 86_400_000
"""Milliseconds since a version was last current or asked for. Caches may hold one for a year, and then ask."""
NOTED = 86_400_000
"""That it was asked for is written down once a day."""


class KeptScripts:
    """A folder with a file for each version and coding; the times of the plain ones say when each was last of use.
    `clock`: ms since 1970 UTC. All methods read or write the disk; they raise OSError."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        self._folder = folder
        self._clock = clock

    def keep(self, script: PageScript) -> None:
        """This version is current: it is kept, and those go that nobody has wanted for too long."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._purge(script.version)
        # The plain one comes last: where it is, the others are.
        for coding, body in script.bodies.items():
            path = self._path(script.version, coding)
            if not path.exists():
                write_whole(path, body)
        self._note(self._path(script.version))

    def find(self, version: str, codings: Sequence[str]) -> tuple[str, bytes] | None:
        """The first of the codings in which a version is kept, and its bytes; None when it is not."""
        plain = self._path(version)
        try:
            used = plain.stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None
        if abs(self._clock() - used) > NOTED:
            self._note(plain)
        for coding in codings:
            with contextlib.suppress(FileNotFoundError):
                return coding, self._path(version, coding).read_bytes()
        return None

    def _path(self, version: str, coding: str = IDENTITY) -> Path:
        return self._folder / f"{version}.js{ENDINGS[coding]}"

    def _note(self, plain: Path) -> None:
        now = self._clock() * 1_000_000
        os.utime(plain, ns=(now, now))

    def _purge(self, current: str) -> None:
        """Ages are counted from the last use of any version, not from now: one start under a wrong clock must not break
        pages."""
        now = self._clock()
        used = {path.stem: path.stat().st_mtime_ns // 1_000_000 for path in self._folder.glob("*.js")}
        latest = max((at for at in used.values() if at <= now), default=now)
        for version, at in used.items():
            if latest - at > KEPT and version != current:
                for coding in reversed(ENDINGS):  # the plain one first: without it the others do not count
                    self._path(version, coding).unlink(missing_ok=True)
