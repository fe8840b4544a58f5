"""Values as hits write them, and what is told of those that are left out."""

from __future__ import annotations

import math
import re

from tagserver.plugin.inbound import Note

MOST_NOTES = 100
"""Of one request; the host tells fewer."""
_NUMERAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?\Z")
_WHOLE = 10**15


class Notes:
    """What was left out of a request, each place once, within bounds."""

    def __init__(self) -> None:
        self.all: list[Note] = []
        self._known: set[tuple[str, str]] = set()

    def add(self, note: Note) -> None:
        """One more, unless it is told already."""
        key = (note.path, note.code)
        if len(self.all) < MOST_NOTES and key not in self._known:
            self._known.add(key)
            self.all.append(note)


def numeral(text: str) -> int | float | None:
    """A number as JavaScript writes it: `59.9`, `1e+21`. None for all else, and for `NaN` and `Infinity`."""
    if not _NUMERAL.match(text):
        return None
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _WHOLE else value
