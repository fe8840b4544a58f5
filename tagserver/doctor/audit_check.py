"""What the doctor says of the audit: how large it is, how long its room lasts, whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tagserver.audit.chain import Check
from tagserver.audit.files import FOLDER, files_of, rows_of, size_of
from tagserver.audit.forecast import room_for
from tagserver.audit.outlook import WHAT_TO_DO, shortage
from tagserver.system.amounts import size
from tagserver.system.finding import Finding
from tagserver.system.os_fault import os_fault
from tagserver.system.this_user import this_user


def check_audit(data: Path, max_size: int | None, keep: float) -> Iterator[Finding]:
    """How large the audit is, how long its room lasts (`max_size` in bytes or by the disk, `keep` in seconds), and
    whether its newest file holds together; of all files `tagserver audit --verify` knows."""
    try:
        yield from _checked(data, max_size, keep)
    except OSError as error:
        yield Finding("error", "audit", f"{os_fault(error)} (as {this_user()})", "run this as the user of the server")


def _checked(data: Path, max_size: int | None, keep: float) -> Iterator[Finding]:
    folder = data / FOLDER
    files = files_of(folder)
    if not files:
        return
    room = room_for(max_size, data)
    check = Check()
    broken = next(check.follow(rows_of(files[-1])), None)
    if broken is not None:
        yield Finding("error", "audit", str(broken), "see tagserver audit --verify: rows were altered or are missing")
    elif check.end is not None:
        message = (
            f"{check.end.number} rows so far, {size(size_of(folder))} of {size(room)}, and the newest file is whole"
        )
        yield Finding("ok", "audit", message)
    if (short := shortage(data, max_size, keep)) is not None:
        yield Finding("warning", "audit", short, WHAT_TO_DO)
