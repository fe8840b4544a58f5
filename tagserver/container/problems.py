"""One thing that is wrong with the configuration, and how it is shown to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "pause", "warning"]
"""`error`: the configuration cannot be used. `pause`: it can, but one destination stands still. `warning`: it works."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in the configuration: file as the user named it, line and column from 1, and how many characters."""

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One diagnostic. `code` is stable (`E112`), `path` the keys that lead there, `hint` the fix as a sentence or ""."""

    severity: Severity
    code: str
    place: Place
    path: str
    message: str
    hint: str = ""
