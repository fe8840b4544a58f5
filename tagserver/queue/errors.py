"""What a queue refuses and why: an operation (`OutboxError`), a start (`OutboxStartError`), or everything for a while
(`Trouble`). Each is a sentence for the operator."""

from __future__ import annotations

from typing import Literal


class OutboxError(Exception):
    """Nothing was stored. `retry_after`: seconds after which it is worth trying again."""

    def __init__(self, message: str, retry_after: float = 2.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Full(OutboxError):
    """No room: the size limit, the free space of the disk, or the queue before the writer is exhausted."""


class Unavailable(OutboxError):
    """The engine cannot promise anything now (closing, or its storage fails)."""


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


TroubleKind = Literal["closed", "files_lost", "storage_failed", "disk_full", "queue_full", "disk_slow", "crowded"]
"""Why nothing can be promised: the queue is closed; its files are gone; its storage cannot be trusted; the disk has too
little room left; the queue's own limit is reached; the disk takes too long; too many requests wait for the disk."""


class Trouble(str):
    """A sentence that says why nothing can be promised now, and its kind for machines."""

    __slots__ = ("kind",)
    kind: TroubleKind

    def __new__(cls, kind: TroubleKind, sentence: str) -> Trouble:
        made = super().__new__(cls, sentence)
        made.kind = kind
        return made
