"""What `tagserver doctor` says of a data folder on which no server runs: whether one would start, and deliver."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tagserver.backup.hold import WAY_OUT, read_restored
from tagserver.backup.restoring import unfinished
from tagserver.doctor.doctor import Finding
from tagserver.queue.sqlite.snapshot import newer_than_this


def check_at_rest(data: Path, queue: str) -> Iterator[Finding]:
    """`queue`: the name of its file. A folder without one is one that a server has not seen yet."""
    if os.path.lexists(data / queue):
        hint = "start it; why it has ended stands at the end of its log (journalctl -u tagserver -n 50)"
        yield Finding("warning", "server", f"none runs on the data folder {data}: nothing is taken in or sent", hint)
    else:
        yield Finding("ok", "server", f"none runs on the data folder {data}, and none has yet")
    if (why := unfinished(data)) is not None:
        yield Finding("error", "restore", why, "until then the server refuses to start")
    if (why := newer_than_this(data / queue)) is not None:
        hint = "start the newer one again, or restore the backup that was made before the upgrade"
        yield Finding("error", "queue", why, hint)
    if (known := read_restored(data)) is not None and known.waits:
        yield Finding("warning", "restore", f"a server that starts delivers nothing: {known.waits}", WAY_OUT)
