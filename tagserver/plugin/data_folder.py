"""Where a sink may write: a folder of its own, a relative one below the server's data folder."""

from __future__ import annotations

from pathlib import Path

OWN_FILES = frozenset(
    {
        *("address", "admin-token", "audit", "install-key", "last-good.json", "pinned.json", "serving.json", "t"),
        *("restore-unfinished", "restored.json", "versions", ".restoring"),
    }
)
"""What the server itself keeps in its data folder, beside the queue."""
OWN_BEGINNINGS = ("outbox.db", "before-restore-")
"""What the names of the queue's files begin with, and of the folders that a restore has moved aside."""


def folder_fault(value: str) -> str | None:
    """A check for the folder of a sink: what is wrong with it, or None. A relative one lies below the server's data
    folder (`data_folder / value`), and is none of the server's own."""
    if not value.strip() or not value.isprintable():
        return "write a folder, such as events, or /srv/events"
    path = Path(value)
    if "{" in value or "%" in value or ".." in path.parts:
        return "write one plain folder: there are no templates and no .. in it"
    if not path.is_absolute() and path.parts and is_own(path.parts[0]):
        return f"{path.parts[0]} is the server's own in its data folder; write another name"
    return None


def is_own(name: str) -> bool:
    """Whether a name in the data folder is the server's own."""
    return name in OWN_FILES or name.startswith(OWN_BEGINNINGS)
