"""What a preview session is, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from tagserver.config.model import Container

Send = Literal["dry", "test", "live"]
"""What becomes of what would be sent: nothing, the vendor gets it with its test code, or for real."""
SHORTEST, LONGEST = 1, 24 * 60
"""Minutes that a session lasts."""


class Draft(msgspec.Struct, frozen=True, eq=False):
    """Files that do not serve, compiled. `files`: their names."""

    container: Container
    files: tuple[str, ...]


class Session(msgspec.Struct, frozen=True, eq=False):
    """One session. `made` and `expires` in ms since 1970 UTC; `by`: who made it; `origin`: the only one whose pages its
    link is for. `codes`: destination → test code; `draft`: None for what serves."""

    id: str
    by: str
    made: int
    expires: int
    origin: str
    send: Send
    codes: Mapping[str, str]
    draft: Draft | None
