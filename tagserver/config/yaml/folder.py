"""Which files of a folder are the configuration's, and what they hold, as bytes; and which look like it and are not
read."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path, PurePath

LARGEST = 1 << 20
UNREADABLE = b"\xff"
"""Stands for the content of a file that cannot be read: no text in UTF-8 has this byte."""
_MEANT = re.compile(r".+\.(?:ya?ml(?:\.txt)?)\Z", re.IGNORECASE)
"""How a file is called that was meant to be read: with the other ending, in capitals, or as an editor of texts saves
it."""
MOST_UNREAD = 20


def read_texts(folder: Path) -> dict[str, bytes]:
    """The configuration's files below a folder, by their path in it: every `*.yaml` but tests, locks and dot-folders.

    Raises OSError when the folder cannot be listed; a file that cannot be read is a problem of its own (`parse`).
    """
    texts: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*.yaml")):
        name = path.relative_to(folder)
        if is_configuration(name) and path.is_file():
            texts[name.as_posix()] = read_content(path)
    return texts


def read_test_files(folder: Path) -> dict[str, bytes]:
    """The `*.test.yaml` files below a configuration folder, by their path in it."""
    found = sorted(folder.rglob("*.test.yaml"))
    names = {path.relative_to(folder): path for path in found}
    return {
        name.as_posix(): read_content(path)
        for name, path in names.items()
        if path.is_file() and not any(part.startswith(".") for part in name.parts)
    }


def is_configuration(name: PurePath) -> bool:
    """Whether a file, by its path in the folder, is one of the configuration's: no test, no lock, in no dot-folder."""
    rest = name.name.endswith((".test.yaml", ".lock.yaml")) or any(part.startswith(".") for part in name.parts)
    return name.suffix == ".yaml" and not rest


def unread_files(folder: Path) -> list[str]:
    """Files below a folder that look like the configuration's and are not read, by their path in it: `tags.yml`,
    `TAGS.YAML`, `tags.yaml.txt`; no more than `MOST_UNREAD`. Copies that editors keep (`tags.yaml.bak`, `tags.yaml~`)
    are not meant, nor is anything in a dot-folder. And links with the right ending that lead nowhere: what stood there
    does not count any more, and somebody should know."""
    names = ((path, path.relative_to(folder)) for path in folder.rglob("*"))
    found = (name.as_posix() for path, name in names if (is_unread(name) and path.is_file()) or _is_lost(path, name))
    return sorted(islice(found, MOST_UNREAD))


def _is_lost(path: Path, name: PurePath) -> bool:
    hidden = any(part.startswith(".") for part in name.parts)
    return name.suffix == ".yaml" and not hidden and path.is_symlink() and not path.exists()


def is_unread(name: PurePath) -> bool:
    """Whether a file, by its path in the folder, was meant to be read and has the wrong ending."""
    hidden = any(part.startswith(".") for part in name.parts)
    return name.suffix != ".yaml" and not hidden and _MEANT.match(name.name) is not None


def read_content(path: Path) -> bytes:
    """A file's content, of a larger one no more than makes it too large; `UNREADABLE` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError:
        return UNREADABLE
