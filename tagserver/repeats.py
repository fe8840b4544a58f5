"""What makes a delivery the same as another: keys of 16 bytes that the queue knows for a while."""

from __future__ import annotations

import hashlib


def delivery_key(tag: str, name: str, event_id: str, sender: str = "") -> bytes:
    """Of one event for one tag: the tag, the vendor's event name and the event_id. `sender`: whose repeats count, where
    the site wants to tell senders apart."""
    return _key(f"{tag}\0{name}\0{event_id}{sender}")


def once_key(tag: str, text: str) -> bytes:
    """Of what a tag sends once for a text (`once_per`)."""
    return _key(f"once\0{tag}\0\0{text}")


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
