"""Who an event is about: each identifier parsed once, hashed at most once. (Interface stub; see the identity work.)"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def sha256_hex(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, 64 lower-case hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


class Identity:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
