"""`tagserver backup`: one file from which everything but configuration and secrets can come back."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from tagserver.backup.archive import Manifest
from tagserver.backup.keeping import require_whole
from tagserver.backup.making import NotMade, pack, partial_of, refuse_place
from tagserver.cli.options import PATH, json_option, server_option
from tagserver.cli.remote import call
from tagserver.cli.terminal import give_up, say, say_json, stream
from tagserver.queue.errors import OutboxStartError
from tagserver.queue.sqlite.ownership import FolderLock, QueueLock
from tagserver.queue.sqlite.snapshot import copy_queue, queue_in
from tagserver.runtime.server_files import lives
from tagserver.system.files import os_fault
from tagserver.system.machine import this_user
from tagserver.system.text import counted, readable_time
from tagserver.system.text import size as size_text
from tagserver.system.time import Time

LONGEST = 3600.0
"""Seconds that a server gets for its copy: some GiB on a slow disk."""


@click.command()
@click.argument("file", type=PATH)
@server_option
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
def backup(file: Path, data: Path, env_file: Path | None, force: bool, as_json: bool) -> None:
    """Write a backup of the data folder to FILE, while the server runs or when it does not.

    The file is a tar for its owner's eyes: it holds the queue with its payloads, the key of the installation, the audit
    and the published versions. The configuration folder and secrets are not inside.
    """
    try:
        refuse_place(file, data, force=force)
        if lives(data):
            manifest, size = _of_a_server(data, env_file, file, force=force)
        else:
            manifest, size = _at_rest(data, file, force=force)
    except (NotMade, OutboxStartError) as error:
        give_up(f"no backup was made: {error}")
    except OSError as error:
        give_up(f"no backup was made: {os_fault(error)} (as {this_user()})")
    if as_json:
        members = {name: msgspec.to_builtins(one) for name, one in manifest.members.items()}
        say_json({"file": str(file), "size": size, **msgspec.to_builtins(manifest), "members": members})
    else:
        _say(file, manifest, size)


def _of_a_server(data: Path, env_file: Path | None, file: Path, *, force: bool) -> tuple[Manifest, int]:
    _progress("the server copies its queue …")
    made = call("POST", "/-/backup", data=data, env_file=env_file, timeout=LONGEST)
    copy = data / Path(made["file"]).name
    try:
        with contextlib.suppress(FileNotFoundError):  # whether it is there is found out when it is packed
            _progress(f"packing {size_text(copy.stat().st_size)} …")
        return pack(data, made["queue"], copy, made["time"], file, force=force)
    finally:
        copy.unlink(missing_ok=True)


def _at_rest(data: Path, file: Path, *, force: bool) -> tuple[Manifest, int]:
    """No server runs, and none may start meanwhile."""
    require_whole(data)
    queue = queue_in(data)
    if queue is None:
        raise NotMade(f"the data folder {data} holds no queue of tagserver: name the right one with --data")
    copy = partial_of(file, ".queue")
    with ExitStack() as undo:
        undo.callback(FolderLock(queue.with_name(f"{queue.name}.lock")).release)
        undo.callback(QueueLock(queue).release)
        undo.callback(copy.unlink, missing_ok=True)
        _progress("copying the queue …")
        now = Time().now()
        try:
            copy_queue(queue, copy)
        except OSError as error:
            raise NotMade(f"the queue cannot be copied to {copy}: {error.strerror or error}") from None
        finally:
            as_it_was(queue)
        return pack(data, queue.name, copy, now, file, force=force)


def as_it_was(queue: Path) -> None:
    """What reading has made beside the queue goes; what stays is its owner's, also when root has made it: the server
    must be able to start."""
    log = Path(f"{queue}-wal")
    if log.exists() and log.stat().st_size == 0:
        log.unlink()
        Path(f"{queue}-shm").unlink(missing_ok=True)
    if os.geteuid() == 0:
        owner = queue.stat()
        for path in queue.parent.glob(f"{queue.name}[-.]*"):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _progress(line: str) -> None:
    if stream(err=True).isatty():
        say(line, err=True)


def _say(file: Path, manifest: Manifest, size: int) -> None:
    counts = manifest.counts
    kinds = Counter(name.partition("/")[0] for name in manifest.members)
    say(f"{file}: {size_text(size)}, the data folder as it was at {readable_time(manifest.time)}.")
    say(
        f"Inside: {counts['pending']} waiting, {counts['dead']} dead, {counted(counts['keys'], 'key')} of repeats, "
        f"{counts['withdrawn']} withdrawn; the install key; {kinds['versions']} of the versions, and of the audit's "
        f"files {kinds['audit']}."
    )
    say(
        "Not inside: the configuration folder, the env file, all secrets (also the keys of queue.encrypt), and rows of "
        "file destinations."
    )
    say("It holds personal data and the install key: keep it as closely as the data folder, on another machine.")
