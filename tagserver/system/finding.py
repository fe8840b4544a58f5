"""What an examination of the machine says: one sentence about one matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one matter, and what to do."""

    level: Level
    matter: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"level": self.level, "matter": self.matter, "message": self.message, "hint": self.hint}
