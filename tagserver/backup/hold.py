"""Delivery stands still after a restore, until somebody decides, where nobody can tell what persons took back since the
backup was made: `restored.json` in the data folder says so. New events are taken in meanwhile."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from tagserver.system.files import write_whole

log = logging.getLogger("tagserver")

RESTORED_FILE = "restored.json"
FORMAT = 1


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """That a data folder came from a backup. `backup`: when that was made, `restored`: when it was put back, `journal`:
    how far the journal reaches that was played, or None; `since`: from when on nobody knows what was withdrawn, if
    that is before the backup; all in ms. `waits`: why nothing is delivered, or empty."""

    format: int = FORMAT
    backup: int
    restored: int
    since: int | None = None
    journal: int | None = None
    waits: str = ""


def write_restored(data: Path, restored: Restored) -> None:
    """Write it down. Raises OSError."""
    write_whole(data / RESTORED_FILE, msgspec.json.encode(restored))


def read_restored(data: Path) -> Restored | None:
    """What a data folder says of a restore; None: nothing. What cannot be read holds delivery: the safe side."""
    try:
        found = msgspec.json.decode((data / RESTORED_FILE).read_bytes(), type=Restored)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Restored(backup=0, restored=0, waits=f"{RESTORED_FILE} in the data folder cannot be read")
    if found.format > FORMAT:
        waits = f"{RESTORED_FILE} is of a newer tagserver (format {found.format}, this one knows {FORMAT})"
        return Restored(backup=found.backup, restored=found.restored, waits=waits)
    return found


WAY_OUT = (
    "Stop the server and play the journal (tagserver restore --journal FILE), or deliver without one "
    "(tagserver restore --without-journal)"
)


class DeliveryHold:
    """Whether a running server may deliver."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known = read_restored(data)
        if (why := self.why) is not None:
            log.error("%s", why)

    @property
    def why(self) -> str | None:
        """Why nothing is delivered and what to do, or None."""
        if self._known is None or not self._known.waits:
            return None
        return f"{self._known.waits}. Nothing is delivered until somebody decides. {WAY_OUT}"

    def release(self) -> bool:
        """Somebody has decided to deliver; whether anything was held. Raises OSError, then it still is."""
        known = self._known
        if known is None or not known.waits:
            return False
        freed = msgspec.structs.replace(known, format=FORMAT, waits="")
        write_restored(self._data, freed)
        self._known = freed
        log.warning("delivery goes on without a journal: what was withdrawn since the backup is not known here")
        return True
