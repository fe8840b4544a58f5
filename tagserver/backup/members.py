"""What of a data folder is in a backup, by name; all else in a file that is to be restored is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tagserver.backup.hold import FILE

MANIFEST = "manifest.json"
KEY = "install-key"
_STATE = ("serving.json", "last-good.json", KEY)
_FOLDERS = {
    "versions": re.compile(r"[0-9]{1,15}\.json"),
    "audit": re.compile(r"[0-9]{1,15}\.jsonl(\.gz)?"),
    "t": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"),
}
OURS = frozenset(_FOLDERS)
"""The folders that a server makes in its data folder; any other is a destination's or somebody else's."""
_QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.(db|sqlite)")
MOST = 200_000
"""Files in one backup."""


def is_known(name: str) -> bool:
    """Whether a backup may hold a file of this name: no other has a place in a data folder. That of a restore is in the
    backup of a folder whose delivery waits for a decision."""
    folder, slash, rest = name.partition("/")
    if slash:
        pattern = _FOLDERS.get(folder)
        return pattern is not None and pattern.fullmatch(rest) is not None
    return name in (*_STATE, FILE) or is_queue(name)


def is_queue(name: str) -> bool:
    """Whether it is the name of a queue's file."""
    return _QUEUE.fullmatch(name) is not None


def in_folder(data: Path) -> Iterator[tuple[str, Path]]:
    """The small files of a data folder, without its queue: (name, path). What says which version serves comes before
    the versions, because it is written after them: so nothing that it names is missing. Folders are listed when they
    are reached."""
    for name in _STATE:
        if (data / name).is_file():
            yield name, data / name
    for folder in _FOLDERS:
        for path in sorted((data / folder).glob("*")):
            if is_known(f"{folder}/{path.name}") and path.is_file() and not path.is_symlink():
                yield f"{folder}/{path.name}", path
