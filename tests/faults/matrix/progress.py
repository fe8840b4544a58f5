"""How far a producer has come, while it runs."""

from __future__ import annotations

from pathlib import Path


class Progress:
    """Of the file in which a producer notes each attempt."""

    def __init__(self, history: Path) -> None:
        self._history = history
        self._read = 0
        self._attempts = 0

    def attempts(self) -> int:
        """How many were noted. What was read once is not read again."""
        if self._history.exists():
            with self._history.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            self._read += len(new)
            self._attempts += new.count(b"\n")
        return self._attempts
