"""The signature of Standard Webhooks: HMAC-SHA256 over `{id}.{timestamp}.{body}`. Source: its specification."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote

PREFIX = "whsec_"
LONGEST_ID = 200
_SAFE = "!#$&'()*+,/:;=?@[]_-~|^`{}<>\"\\"


def key_of(secret: str) -> bytes | None:
    """The bytes of a secret such as `whsec_MfKQ…`, padding or not; None when it is not base64."""
    text = secret.strip().removeprefix(PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def message_id(event_id: str) -> str:
    """The event_id as a header can hold it, the same at every attempt, and different for different ids.

    A dot would blur what is signed, so it becomes %2E; so do blanks, per cent signs and letters beyond ASCII. A very
    long id is replaced by its hash.
    """
    if len(event_id) <= LONGEST_ID:
        made = quote(event_id, safe=_SAFE).replace(".", "%2E")
        if len(made) <= LONGEST_ID:
            return made
    return "sha256_" + hashlib.sha256(event_id.encode()).hexdigest()


def sign(message: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> str:
    """The header's value: one `v1,…` for each secret, separated by blanks. Where a secret is hidden, in a preview, its
    signature is too: stars, which no header can hold, so that nothing leaves with them."""
    signatures = []
    for secret in secrets:
        key = key_of(secret)
        if not key:
            signatures.append("v1,••••")
            continue
        digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        signatures.append("v1," + base64.b64encode(digest).decode())
    return " ".join(signatures)
