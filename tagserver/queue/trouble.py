"""Why an engine can promise nothing now: a sentence for people, and its kind for machines."""

from __future__ import annotations

from typing import Literal

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
