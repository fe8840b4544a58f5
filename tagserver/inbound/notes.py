"""What the sender of an event is told of it, within bounds: a few bytes of a stranger must not make a long answer."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.event.event import Note
from tagserver.event.placeholder import WHY

MOST = 20
"""Notes of one event, or of one `ctx`; of the others the number is told."""
LONGEST = 200
"""Characters of a note's path and of its message, which may hold a key of the sender's."""


def wrong(notes: list[Note], path: str, wanted: str) -> None:
    """A field is not of its type."""
    notes.append(Note(path, "wrong_type", f"{path} is not {wanted}; left out"))


def missing(notes: list[Note], path: str) -> None:
    """A field holds a placeholder."""
    notes.append(Note(path, "placeholder", f"{path} {WHY}; taken as missing"))


def bounded(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The first of the notes, each cut where it is too long, and how many more there are."""
    if not notes:
        return ()
    shown = [_cut(note) for note in notes[:MOST]]
    if (more := len(notes) - MOST) > 0:
        shown.append(Note("", "more", f"and {more} more problem{'s' if more > 1 else ''}"))
    return tuple(shown)


def _cut(note: Note) -> Note:
    if len(note.path) <= LONGEST and len(note.message) <= LONGEST:
        return note
    return Note(_short(note.path), note.code, _short(note.message.replace(note.path, _short(note.path))))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
