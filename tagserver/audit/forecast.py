"""How long the audit's room lasts, by what was written within the last day."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagserver.audit.chain import Row
from tagserver.system.text import size

DAY_MS = 86_400_000
SHORTEST_MS = 600_000
"""Of less than ten minutes nobody concludes anything."""
LEAST, MOST, SHARE = 1 << 30, 32 << 30, 10


def room_for(max_size: int | None, folder: Path) -> int:
    """Bytes that the audit in a data folder may have. Where the configuration names none: a tenth of the disk, at least
    1 GiB and at most 32."""
    if max_size is not None:
        return max_size
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return min(MOST, max(LEAST, shutil.disk_usage(folder).total // SHARE))
    except OSError:
        return LEAST


@dataclass(frozen=True, slots=True)
class Written:
    """What was packed within the last day, or since there is an audit: so many bytes in so many seconds."""

    size: int
    seconds: float

    def lasts(self, room: int) -> float:
        """Seconds that so many bytes hold at this rate."""
        return room * self.seconds / self.size


def written(files: Sequence[tuple[Path, int]], until: int) -> Written | None:
    """From packed files with their sizes, the oldest first, and the time (ms) at which the next one began. None when
    there is too little to tell."""
    size, since = 0, until
    for path, bytes_there in reversed(files):
        began = first_time(path)
        if began is None or began < until - DAY_MS:
            break
        size += bytes_there
        since = min(since, began)
    return Written(size, (until - since) / 1000) if size and until - since >= SHORTEST_MS else None


def first_time(path: Path) -> int | None:
    """When the first row of a file was written, in ms; None when nobody can say."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            row = Row.of(path.name, 1, file.readline())
    except (OSError, EOFError):
        return None
    time = row.record.get("t") if row.record else None
    return time if isinstance(time, int) else None


def shortage_of(lasts: float, keep: float, room: int) -> str | None:
    """What operations should know when the room does not last for as long as the audit is to be kept."""
    if lasts >= keep:
        return None
    return (
        f"at today's rate {size(room)} (audit.max_size) hold {_days(lasts)}, and audit.keep asks for {_days(keep)}, "
        f"which would take about {size(room * keep / lasts)}; what is beyond is removed, the oldest first"
    )


def _days(seconds: float) -> str:
    days = seconds / 86400
    if days < 2:
        return f"{seconds / 3600:.0f} hours"
    return f"{days:.1f} days" if days < 10 else f"{days:.0f} days"
