"""Payloads encrypted at rest: closed at the door, opened just before they are sent.

A closed body is `SIGN`, four bytes that name its key, a nonce of twelve, and the AES-256-GCM text. Its row's
destination, tag and event_id are authenticated with it, so that no body can be moved to another row. JSON never begins
with `SIGN`: bodies that were stored without a key are told apart, and still sent.

`cryptography` is imported only where a key is set: it comes with the extra `tagserver[encrypt]`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import msgspec

from tagserver.queue.values import Delivery

SIGN = b"\x00tse\x01"
_NAME, _NONCE = 4, 12
_OVERHEAD = len(SIGN) + _NAME + _NONCE


class Locked(Exception):
    """A body that cannot be opened; the text says why."""


def is_closed(body: Any) -> bool:
    """Whether a stored body is encrypted."""
    return isinstance(body, bytes) and body.startswith(SIGN) and len(body) > _OVERHEAD


class Seal:
    """Closes with the first of its keys (32 bytes each), opens with all of them. Without keys everything stays as it
    is."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers: dict[bytes, Any] = {}
        if keys:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = next(iter(self._ciphers.items()), None)

    def close(self, delivery: Delivery) -> Delivery:
        """The delivery as it is stored."""
        if self._first is None:
            return delivery
        name, cipher = self._first
        nonce = os.urandom(_NONCE)
        closed = cipher.encrypt(nonce, delivery.body, _about(delivery))
        return msgspec.structs.replace(delivery, body=SIGN + name + nonce + closed)

    def open(self, delivery: Delivery) -> bytes:
        """The body as the plugin built it. Raises Locked."""
        body = delivery.body
        if not body.startswith(SIGN):
            return body
        name = body[len(SIGN) : len(SIGN) + _NAME]
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Locked(f"it is encrypted with the key {name.hex()}, which queue.encrypt does not list")
        try:
            opened: bytes = cipher.decrypt(body[_OVERHEAD - _NONCE : _OVERHEAD], body[_OVERHEAD:], _about(delivery))
        except Exception as error:  # InvalidTag, of a library that may not be there
            raise Locked(f"it is damaged: the key {name.hex()} does not open it ({type(error).__name__})") from None
        return opened


def _name(key: bytes) -> bytes:
    """What a key is called in bodies and messages; tells nothing of it."""
    return hashlib.sha256(b"tagserver queue key\0" + key).digest()[:_NAME]


def _about(delivery: Delivery) -> bytes:
    text = f"{delivery.destination}\0{delivery.tag}\0{delivery.event_id}"
    return text.encode(errors="surrogatepass")


OPEN = Seal()
"""No encryption."""
