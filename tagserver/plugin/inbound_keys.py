"""Keys that stand in a request as they are, beside signatures: which sender of a client has shown his. Authors import
this from `tagserver.plugin.inbound`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from tagserver.plugin.client import KeyedSource, Refuse

UNKNOWN_KEY = "unknown_key"
"""The code of a key that is nobody's: a client that has keys names it in `refuses`."""
LONGEST = 4096
"""Characters of a key that are looked at."""


def bearer(headers: Mapping[str, str]) -> str | None:
    """The key of `Authorization: Bearer KEY`; None where there is none."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    return rest.strip() or None if scheme.lower() == "bearer" else None


def basic_user(headers: Mapping[str, str]) -> str | None:
    """The user name of `Authorization: Basic …`, in which many libraries send a key; None where there is none."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "basic" or len(rest) > LONGEST:
        return None
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0] or None
    except ValueError:  # no base64, no ASCII in it, no UTF-8 behind it
        return None


def sender_of(sources: Mapping[str, KeyedSource], given: str | None) -> str:
    """The name of the sender whose secret this is. Raises Refuse: 401 for none of them, 503 while a secret is not there
    yet, for it may be that one.

    What is compared are hashes: how long it takes tells nothing of how much was right.
    """
    shown = _digest(given[:LONGEST]) if given else None
    found: str | None = None
    lacking = False
    for name, source in sources.items():
        texts = [one.reveal() for one in source.secrets]
        lacking = lacking or not all(texts)
        if shown in {_digest(text) for text in texts if text}:
            found = found or name
    if shown is not None and found is not None:
        return found
    if lacking and shown is not None:
        raise Refuse(503, "no_secret", "a secret of this address is not there yet", retry_after=60)
    raise Refuse(401, UNKNOWN_KEY, "this key is not known here" if given else "there is no key with this request")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()
