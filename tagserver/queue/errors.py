"""Why an outbox cannot be opened: sentences for the operator; and which error says that there is no room."""

from __future__ import annotations

import sqlite3


class OutboxStartError(Exception):
    """The queue cannot be used; nothing was changed."""


class InUse(OutboxStartError):
    """Another process owns the data folder."""


class ForeignFile(OutboxStartError):
    """The file is no queue of ours, or one of a newer version."""


class Damaged(OutboxStartError):
    """The file is a queue of ours that cannot be read: it is set aside, and what can be read is saved."""


class NoRoom(OutboxStartError):
    """There is no room for what opening the file needs."""


def is_full(error: sqlite3.Error) -> bool:
    """Whether an error of SQLite says that there is no room: on the disk, in the file, or for the log's index."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE
