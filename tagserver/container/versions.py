"""The configurations that were served: the newest twenty that were sound, to look back at and to go back to."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tagserver.whole_file import write_whole

FOLDER = "versions"
PIN = "pinned.json"
KEEP = 20


class Version(msgspec.Struct, frozen=True):
    """One of them. `number` grows from 1; `version` is the container's hash; `since` in ms since 1970 UTC."""

    number: int
    version: str
    since: int
    files: tuple[str, ...]


class Pin(msgspec.Struct, frozen=True):
    """What was gone back to. It holds while the files of the folder are those of `instead_of`."""

    number: int
    instead_of: str


def keep(texts: Mapping[str, bytes], version: str, since: int, data: Path) -> None:
    """Keep a configuration as the newest version, unless it is that already. Raises OSError."""
    known = history(data)
    if known and known[0].version == version:
        return
    number = known[0].number + 1 if known else 1
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    held = {name: base64.b64encode(text).decode() for name, text in sorted(texts.items())}
    _write(folder / f"{number:06}.json", {"version": version, "since": since, "files": held})
    for old in sorted(folder.glob("*.json"))[:-KEEP]:
        old.unlink(missing_ok=True)


def history(data: Path) -> list[Version]:
    """All that are kept, the newest first; one that cannot be read is left out."""
    found = []
    for path in sorted((data / FOLDER).glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            held = json.loads(path.read_bytes())
            found.append(Version(int(path.stem), str(held["version"]), int(held["since"]), tuple(held["files"])))
    return found


def texts_of(number: int, data: Path) -> dict[str, bytes] | None:
    """The files of a version, or None when it is not kept or cannot be read."""
    try:
        held = json.loads((data / FOLDER / f"{number:06}.json").read_bytes())
        return {str(name): base64.b64decode(text, validate=True) for name, text in held["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def pin(number: int, instead_of: str, data: Path) -> None:
    """Serve a version until the files change. Raises OSError."""
    _write(data / PIN, {"number": number, "instead_of": instead_of})


def pinned(instead_of: str, data: Path) -> Pin | None:
    """The pin, if one holds for the present files; one that does not is removed."""
    try:
        found = msgspec.json.decode((data / PIN).read_bytes(), type=Pin)
    except (OSError, msgspec.DecodeError):
        return None
    if found.instead_of == instead_of:
        return found
    unpin(data)
    return None


def unpin(data: Path) -> None:
    """Go back to the files."""
    (data / PIN).unlink(missing_ok=True)


def _write(path: Path, content: object) -> None:
    write_whole(path, json.dumps(content).encode())
