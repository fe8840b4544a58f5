"""Keys of the queue: what a secret must be to encrypt payloads at rest."""

from __future__ import annotations

import base64
import binascii
import re
from importlib.util import find_spec

KEY_BYTES = 32
_hex = re.compile(r"[0-9a-fA-F]{64}").fullmatch


def key_of(text: str) -> bytes | None:
    """The key that a text stands for: 32 bytes in base64 (`openssl rand -base64 32`) or 64 hex digits; None for
    anything else."""
    text = text.strip()
    if _hex(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def is_installed() -> bool:
    """Whether the library is there."""
    return find_spec("cryptography") is not None
