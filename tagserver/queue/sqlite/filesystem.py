"""What kind of file system a folder lies on: SQLite's locks and shared memory hold on a local disk only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "fuse", "fuseblk")
_LOCAL_FUSE = ("fuse.fuse-overlayfs",)
"""The layers of a container without privileges: they lie on a local disk, and in one machine's hands."""
_MOUNTS = Path("/proc/self/mountinfo")


def not_local(folder: Path, mounts: Iterable[str] | None = None) -> str | None:
    """The type of the file system (`nfs4`, `fuse.sshfs`) when the folder lies on one that is not local, else None.

    `mounts`: lines in the form of Linux' /proc/self/mountinfo, which is read when none are given; None on systems
    without it.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(errors="replace").splitlines()
        except OSError:
            return None
    kind = _kind(folder.resolve(), mounts)
    if kind is None or kind in _LOCAL_FUSE:
        return None
    return kind if kind in _REMOTE or kind.startswith("fuse.") else None


def _kind(folder: Path, mounts: Iterable[str]) -> str | None:
    """Of the innermost mount; of two on the same place the later one hides the other."""
    found: tuple[int, str] | None = None
    for line in mounts:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        place = Path(_unescaped(fields[4]))
        if folder.is_relative_to(place) and (found is None or len(place.parts) >= found[0]):
            found = (len(place.parts), after.split()[0])
    return found[1] if found else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
