"""Payloads encrypted at rest: encrypted before they are stored, decrypted just before they are sent.

An encrypted body is `MAGIC`, four bytes that name its key, a nonce of twelve, and the AES-256-GCM text. Its row's
destination, tag and event_id are authenticated with it, so that no body can be moved to another row. JSON never begins
with `MAGIC`: bodies that were stored without a key are told apart, and still sent.

`cryptography` is imported only where a key is set: it comes with the extra `tagserver[encrypt]`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import msgspec

from tagserver.queue.values import Delivery, Row

MAGIC = b"\x00tse\x01"
_NAME, _NONCE = 4, 12
_OVERHEAD = len(MAGIC) + _NAME + _NONCE


class Undecryptable(Exception):
    """A body that cannot be opened; the text says why."""


def is_encrypted(body: Any) -> bool:
    """Whether a stored body is encrypted."""
    return isinstance(body, bytes) and body.startswith(MAGIC) and len(body) > _OVERHEAD


class Encryption:
    """Encrypts with the first of its keys (32 bytes each), decrypts with all of them. Without keys everything stays as
    it is."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers: dict[bytes, Any] = {}
        if keys:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = next(iter(self._ciphers.items()), None)
        self.encrypts = self._first is not None
        """Whether `encrypt` changes anything."""

    def encrypt(self, delivery: Delivery) -> Delivery:
        """The delivery as it is stored."""
        if self._first is None:
            return delivery
        name, cipher = self._first
        nonce = os.urandom(_NONCE)
        encrypted = cipher.encrypt(nonce, delivery.body, _about(delivery))
        return msgspec.structs.replace(delivery, body=MAGIC + name + nonce + encrypted)

    def decrypt(self, row: Delivery | Row) -> bytes:
        """The body as the plugin built it. Raises Undecryptable."""
        body = row.body
        if not body.startswith(MAGIC):
            return body
        name = body[len(MAGIC) : len(MAGIC) + _NAME]
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Undecryptable(f"it is encrypted with the key {name.hex()}, which queue.encrypt does not list")
        try:
            opened: bytes = cipher.decrypt(body[_OVERHEAD - _NONCE : _OVERHEAD], body[_OVERHEAD:], _about(row))
        except Exception as error:  # InvalidTag, of a library that may not be there
            why = f"it is damaged: the key {name.hex()} does not open it ({type(error).__name__})"
            raise Undecryptable(why) from None
        return opened


def _name(key: bytes) -> bytes:
    """What a key is called in bodies and messages; tells nothing of it."""
    return hashlib.sha256(b"tagserver queue key\0" + key).digest()[:_NAME]


def _about(one: Delivery | Row) -> bytes:
    text = f"{one.destination}\0{one.tag}\0{one.event_id}"
    return text.encode(errors="surrogatepass")


NO_ENCRYPTION = Encryption()
"""No encryption."""
