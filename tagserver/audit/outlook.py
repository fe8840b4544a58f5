"""Whether the audit that lies in a data folder lasts for as long as it is to be kept: what the doctor, `check` and a
server say of it is the same sentence of the same numbers."""

from __future__ import annotations

from pathlib import Path

from tagserver.audit.files import FOLDER, written_in
from tagserver.audit.forecast import room_for, said

WHAT_TO_DO = "raise audit.max_size, or lower audit.keep to what you need"


def shortage(data: Path, max_size: int | None, keep: float) -> str | None:
    """The sentence for a data folder (`max_size` in bytes or by the disk, `keep` in seconds); None when all is well, or
    nobody can tell: there is no audit, too little of it, or it cannot be read by this user."""
    try:
        found = written_in(data / FOLDER)
    except OSError:
        return None
    room = room_for(max_size, data)
    return None if found is None else said(found.lasts(room), keep, room)
