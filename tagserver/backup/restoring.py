"""The way back: a backup becomes a data folder, whole or not at all.

Everything is made ready in a folder inside the data folder: taken out, compared with the manifest, its queue looked
through, what waits there held, what persons took back since then put in. Only then the folder that was there is moved
aside, and the new files take their places. Between those two a kill leaves a mark by which the server refuses to start
and the same command goes on; before, nothing was changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import msgspec

from tagserver.backup.archive import KEY, Archive, BadBackup, Manifest
from tagserver.backup.hold import FORMAT, DeliveryHold, Restored, read_restored, write_restored
from tagserver.backup.journal import Journal, installation
from tagserver.queue.errors import OutboxStartError
from tagserver.queue.sqlite.ownership import FolderLock, QueueLock
from tagserver.queue.sqlite.snapshot import facts_of, queue_in, require_sound, take_back
from tagserver.queue.sqlite.snapshot import hold as hold_rows
from tagserver.system.files import sync_folder, write_whole
from tagserver.system.text import readable_time, size
from tagserver.system.time import Time

STAGE = ".restoring"
"""In the data folder: where everything is made ready."""
MARK = "restore-unfinished"
"""In the data folder, while files take their places; holds the name of the folder for what was there, or nothing."""
ASIDE = "before-restore-"
_LOCK = ".lock"
_NOT_OURS = ("lost+found",)


class NotRestored(Exception):
    """Nothing was restored; the text says why and what to do."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `backup`: when that was made; `held`: deliveries that wait for a decision; `erased`: of persons
    who asked to be forgotten since; `waits`: why nothing will be delivered, or empty; `journal`: how far it reaches;
    `aside`: where in the data folder lies what was there. Times in ms."""

    backup: int
    held: int
    erased: int
    waits: str
    journal: int | None
    aside: str = ""
    manifest: Manifest | None = None


def unfinished(data: Path) -> str | None:
    """Why a server must not start on this folder, or None."""
    if not (data / MARK).exists():
        return None
    return f"a restore into the data folder {data} has not come to its end: run the same tagserver restore again"


def restore(
    file: Path,
    data: Path,
    journal: Path | None,
    time: Time,
    *,
    without: bool = False,
    force: bool = False,
    move: Callable[[Path, Path], object] = Path.rename,
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> Done:
    """Restore `file` into `data`. `journal` is played; `without` one, delivery may start. `force`: a folder that is not
    empty is moved aside. `move` gives a file its place, `free` tells the bytes left on a disk. Raises BadBackup,
    BadJournal, NotRestored, OutboxStartError, OSError; unless the mark is there then, nothing was changed."""
    with file.open("rb") as opened:
        archive = Archive(file, opened)
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(data, archive.manifest.queue):
            there = _there(data)
            if there and not force and not (data / MARK).exists():
                raise NotRestored(
                    f"the data folder {data} is not empty ({', '.join(sorted(there)[:3])} …). --force moves what is "
                    f"there aside, into {data}/{ASIDE}…, and deletes nothing"
                )
            _require_room(data, archive, free(data))
            stage = data / STAGE
            shutil.rmtree(stage, ignore_errors=True)
            try:
                archive.take_out(stage)
                done = _made_ready(stage, archive.manifest, journal, time, without=without)
            except BaseException:
                shutil.rmtree(stage, ignore_errors=True)
                raise
            aside = _take_places(data, time.now(), move)
    return msgspec.structs.replace(done, aside=aside)


def play(data: Path, journal: Path, time: Time) -> Done | None:
    """Play a journal into a folder that was restored before; None when it was not. Raises as `restore` does."""
    restored, queue = read_restored(data), queue_in(data)
    if (why := unfinished(data)) is not None:
        raise NotRestored(why)
    if restored is None or queue is None or not restored.backup:
        return None
    since = restored.backup if restored.since is None else restored.since
    with _locked(data, queue.name):
        erased, reaches, waits = _played(data, queue, journal, since, restored.backup, time)
        waits = waits if restored.waits else ""
        write_restored(data, msgspec.structs.replace(restored, format=FORMAT, journal=reaches, waits=waits))
    return Done(backup=restored.backup, held=0, erased=erased, waits=waits, journal=reaches)


def deliver(data: Path) -> bool:
    """Let a restored folder, whose server does not run, deliver without a journal. Whether anything was held. Raises
    InUse, OutboxStartError, OSError."""
    if (why := unfinished(data)) is not None:
        raise OutboxStartError(why)
    queue = queue_in(data)
    with _locked(data, queue.name if queue is not None else "outbox.db"):
        return DeliveryHold(data).release()


def _made_ready(stage: Path, manifest: Manifest, journal: Path | None, time: Time, *, without: bool) -> Done:
    queue = stage / manifest.queue
    try:
        facts_of(queue)
        require_sound(queue)
    except OutboxStartError as error:
        raise BadBackup(str(error)) from None
    held = hold_rows(queue, manifest.time, time.now())
    erased, reaches, waits = 0, None, ""
    before = read_restored(stage)  # of a folder that came from a backup itself, and of which nobody has decided
    undecided = before is not None and bool(before.waits)
    since = None
    if before is not None and undecided:
        since = before.backup if before.since is None else before.since
    if journal is not None:
        begin = manifest.time if since is None else since
        erased, reaches, waits = _played(stage, queue, journal, begin, manifest.time, time)
    elif before is not None and undecided:
        waits = before.waits
    elif not without:
        waits = (
            f"restored from a backup of {readable_time(manifest.time)}, without a journal of what was withdrawn since"
        )
    if without:
        waits = ""
    for ending in ("-wal", "-shm"):
        Path(f"{queue}{ending}").unlink(missing_ok=True)
    about = Restored(backup=manifest.time, restored=time.now(), since=since, journal=reaches, waits=waits)
    write_restored(stage, about)
    return Done(backup=manifest.time, manifest=manifest, held=held, erased=erased, waits=waits, journal=reaches)


def _played(folder: Path, queue: Path, journal: Path, since: int, backup: int, time: Time) -> tuple[int, int, str]:
    """Play a journal: how many deliveries were erased, how far it reaches (ms), and why that is not far enough, or
    empty. It has to know what came since `since`, until beyond the `backup` (ms). Raises BadJournal, OSError."""
    read = Journal(journal, installation((folder / KEY).read_bytes()), forgiving=True)
    erased = take_back(queue, read.acts(), time)
    if read.covers(since, backup):
        return erased, read.until, ""
    if read.unread is not None:
        return erased, read.until, f"{read.unread} (what the other lines say holds)"
    if read.since > since:
        why = f"begins {readable_time(read.since)}, after the backup of {readable_time(since)}"
    else:
        why = f"ends {readable_time(read.until)}, before the backup of {readable_time(backup)}"
    return erased, read.until, f"the journal {why}: what was withdrawn between is not known"


@contextmanager
def _locked(data: Path, queue: str) -> Iterator[None]:
    """While the folder is ours alone. Raises InUse."""
    names = {queue, *(path.name.removesuffix(_LOCK) for path in data.glob(f"*{_LOCK}"))}
    with ExitStack() as undo:
        for name in sorted(names):
            undo.callback(FolderLock(data / f"{name}{_LOCK}").release)
            undo.callback(QueueLock(data / name).release)
        yield


def _there(data: Path) -> list[str]:
    """What a data folder holds that would be in the way."""
    ours = (STAGE, MARK, *_NOT_OURS)
    names = [path.name for path in data.iterdir()]
    return [one for one in names if one not in ours and not one.endswith(_LOCK) and not one.startswith(ASIDE)]


def _require_room(data: Path, archive: Archive, free: int) -> None:
    """Raises NotRestored. What waits becomes dead letters, which needs the queue's size once more for a while."""
    needed = archive.size + archive.manifest.members[archive.manifest.queue].size + (16 << 20)
    if free < needed:
        raise NotRestored(
            f"the restore needs {size(needed)} on the disk of {data}, and {size(free)} are left: make room"
        )


class _Mark(msgspec.Struct, frozen=True):
    """How far the files have come: what was there goes to `aside`, and is all there when `moved`."""

    aside: str
    moved: bool = False


def _take_places(data: Path, now: int, move: Callable[[Path, Path], object]) -> str:
    """Move what is there aside, and what was made ready to its place. The name of the folder aside, or empty. Raises
    OSError; the next call goes on from there."""
    mark = _read_mark(data / MARK)
    if mark is None:
        mark = _Mark(_free_name(data, now) if _there(data) else "")
        write_whole(data / MARK, msgspec.json.encode(mark))
    if not mark.moved:
        if mark.aside:
            (data / mark.aside).mkdir(mode=0o700, exist_ok=True)
            for name in _there(data):
                move(data / name, data / mark.aside / name)
            sync_folder(data / mark.aside)
        write_whole(data / MARK, msgspec.json.encode(_Mark(mark.aside, moved=True)))
    for name in _there(data):  # of a run that ended here
        path = data / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    _own(data)
    for path in sorted((data / STAGE).iterdir()):
        move(path, data / path.name)
    sync_folder(data)
    (data / STAGE).rmdir()
    (data / MARK).unlink()
    sync_folder(data)
    return mark.aside


def _free_name(data: Path, now: int) -> str:
    """For the folder of what is there: a second restore within one second must not move its files over the first's."""
    names = (f"{ASIDE}{second}" for second in count(now // 1000))
    return next(name for name in names if not (data / name).exists())


def _read_mark(path: Path) -> _Mark | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Mark)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotRestored(
            f"{path} cannot be read ({error}): look what is in the folder, and restore into another"
        ) from None


def _own(data: Path) -> None:
    """What root restores belongs to whom the data folder belongs: the server must be able to read it."""
    if os.geteuid() == 0:
        owner = data.stat()
        made = (*data.glob(f"*{_LOCK}"), *data.glob(f"{ASIDE}*"))
        for path in (*(data / STAGE).rglob("*"), data / STAGE, *made):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
