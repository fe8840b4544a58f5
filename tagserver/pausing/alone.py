"""Pausing where no server runs: on the data folder itself, so that a server can be started that sends nothing to a
vendor. For that moment this process owns the folder, as a server does."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tagserver.audit.files import FOLDER, AuditFiles
from tagserver.backup.keeping import require_whole
from tagserver.config.configuration import ConfigurationFolder
from tagserver.pausing.pausing import Pausing
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration
from tagserver.publishing.store import Store
from tagserver.queue.data_folder import usable
from tagserver.queue.sqlite.engine import SqliteOutbox
from tagserver.system.time import Time

Act = Callable[[Pausing], Awaitable[dict[str, Any]]]

_silent = logging.getLogger("tagserver.pausing.alone")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class OfAnother(Exception):
    """The data folder belongs to another user, who could not use what this one would make there."""


def act_alone(folder: ConfigurationFolder, data: Path, time: Time, act: Act) -> dict[str, Any]:
    """What `act` gives, done on the data folder; it is on record when this returns.

    Raises NoConfiguration, OutboxStartError (InUse: a server has just begun), OfAnother, and what `act` raises.
    """
    _only_its_owner(data)
    with usable(data):
        require_whole(data)
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = Publishing(folder, Store(data), time).start()
    return asyncio.run(_acted(configuration, data, time, act))


def _only_its_owner(data: Path) -> None:
    """The superuser can write everywhere, and what it makes is out of the server's reach."""
    if os.geteuid() != 0 or not data.exists() or (owner := data.stat().st_uid) == 0:
        return
    name, asked = str(owner), f"'#{owner}'"
    with suppress(KeyError):
        name = asked = pwd.getpwuid(owner).pw_name
    raise OfAnother(f"the data folder {data} is the user {name}'s: run this as that user (sudo -u {asked} …)")


async def _acted(configuration: Configuration, data: Path, time: Time, act: Act) -> dict[str, Any]:
    queue = configuration.server.queue
    noted: list[Mapping[str, Any]] = []

    def note(kind: str, **facts: Any) -> None:
        noted.append({"t": time.now(), "kind": kind, **facts})

    with usable(data):
        outbox = await SqliteOutbox.open(
            data / queue.file,
            time=time,
            max_size=queue.max_size,
            min_free=queue.min_free,
            keep_dead=queue.keep_dead,
            any_disk=queue.network_disk,
        )
    try:
        pausing = Pausing(outbox, lambda: configuration.container, lambda: None, note, time, log=_silent)
        await pausing.end_the_over()
        done = await act(pausing)
        done["recorded"] = _put_on_record(configuration, data, time, noted)
        return done
    finally:
        await outbox.close()


def _put_on_record(configuration: Configuration, data: Path, time: Time, noted: list[Mapping[str, Any]]) -> bool:
    """Whether the audit has it; a disk that is full must not keep anybody from pausing."""
    if not noted:
        return True
    kept = configuration.server.audit
    try:
        files = AuditFiles(
            data / FOLDER,
            keep=kept.keep,
            max_size=kept.max_size,
            min_free=configuration.server.queue.min_free,
            time=time,
        )
        files.append(noted)
        files.sync()
    except OSError:
        return False
    return True
