"""How a backup is made: a copy of the queue and the small files of a data folder, packed into one file that is there
whole or not at all."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from tagserver.backup.archive import Manifest, in_folder, write_archive
from tagserver.backup.hold import RESTORED_FILE, read_restored
from tagserver.queue.errors import Damaged
from tagserver.queue.sqlite.snapshot import facts_of
from tagserver.system.files import sync_folder

PARTIAL = ".partial"
"""Behind the name of a file that is not whole yet."""


class NotMade(Exception):
    """There is no backup; the text says why."""


def refuse_place(file: Path, data: Path, *, force: bool) -> None:
    """Raises NotMade when a backup must not be written to `file`."""
    folder = file.absolute().parent.resolve()
    if not folder.is_dir():
        raise NotMade(f"the folder {folder} is not there: make it, or mount its disk")
    if folder.is_relative_to(data.resolve()):
        raise NotMade(f"{file} lies in the data folder, and would be lost together with it: take another place")
    if file.is_dir():
        raise NotMade(f"{file} is a folder: name the file")
    if file.exists() and not file.is_file():
        raise NotMade(f"{file} is no ordinary file: a backup cannot be piped, it is written and then takes its name")
    if file.exists() and not force:
        raise NotMade(f"{file} is there already: take another name, or --force to replace it")


def partial_of(file: Path, part: str = "") -> Path:
    """Where something is written that becomes the file, or a `part` of it. What killed processes have left under such a
    name is removed."""
    for left in file.parent.glob(f"{glob.escape(file.name)}.*{PARTIAL}"):
        number = left.name.removesuffix(PARTIAL).rpartition(".")[2]
        if number.isascii() and number.isdecimal() and not Path(f"/proc/{number}").exists():
            left.unlink(missing_ok=True)
    return file.with_name(f"{file.name}{part}.{os.getpid()}{PARTIAL}")


def pack(data: Path, queue: str, copy: Path, time: int, file: Path, *, force: bool) -> tuple[Manifest, int]:
    """Write the backup of a data folder: `copy` is that of its queue, which is called `queue` there, made at `time`
    (ms). The manifest and the bytes of the file. Raises NotMade, OutboxStartError for a copy that cannot be read; then
    no file is left."""
    try:
        return _packed(data, queue, copy, time, file, force=force)
    except (Damaged, FileNotFoundError):
        if copy.exists():
            raise
        raise NotMade(
            "the copy of the queue was taken away meanwhile, by another backup or by a restart of the server: run this "
            "again"
        ) from None


def _packed(data: Path, queue: str, copy: Path, time: int, file: Path, *, force: bool) -> tuple[Manifest, int]:
    facts = facts_of(copy)
    about: dict[str, object] = {
        "schema": facts.schema,
        "queue": queue,
        "counts": {name: getattr(facts, name) for name in ("pending", "dead", "keys", "withdrawn")},
    }

    def sources() -> Iterator[tuple[str, Path]]:
        yield queue, copy
        if (held := read_restored(data)) is not None and held.waits:
            yield RESTORED_FILE, data / RESTORED_FILE
        yield from in_folder(data)

    partial = partial_of(file)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            manifest = write_archive(out, sources(), time, about)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        if force:
            partial.replace(file)
        else:
            _take_free_name(partial, file)
        sync_folder(file.absolute().parent)
    except FileExistsError:
        raise NotMade(f"{file} is there already: take another name, or --force to replace it") from None
    except OSError as error:
        if error.filename == str(copy):
            raise
        raise NotMade(f"{file} cannot be written: {error.strerror or error}. Nothing is left of it") from None
    finally:
        partial.unlink(missing_ok=True)
    return manifest, size


def _take_free_name(partial: Path, file: Path) -> None:
    """Give the file its name if nothing has it. Raises FileExistsError."""
    try:
        os.link(partial, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if file.exists():
            raise FileExistsError(file) from None
        partial.rename(file)
