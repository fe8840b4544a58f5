"""Keyed hashes of persons: they find somebody's deliveries again, and tell nothing to who lacks the installation's
key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from tagserver.event.identity import Identity


def person_key(kind: str, text: str, install_key: bytes) -> bytes:
    """The keyed hash of one identifier (16 bytes). `kind`: `email`, `phone`, `user_id` or `client_id`."""
    keyed = _keyed(install_key).copy()
    keyed.update(f"{kind}:{text}".encode(errors="surrogatepass"))
    return keyed.digest()


@lru_cache(maxsize=4)
def _keyed(install_key: bytes) -> hashlib.blake2b:
    """The hash that has taken in the key and nothing else; a copy of it costs less than a new one."""
    return hashlib.blake2b(digest_size=16, key=install_key)


def person_keys(identity: Identity, install_key: bytes, default_country: str | None = None) -> tuple[bytes, ...]:
    """The keyed hashes of e-mail, phone, user_id and client_id as one destination's deliveries carry them."""
    return tuple([person_key(kind, text, install_key) for kind, text in identity.identifiers(default_country)])


def all_keys(
    identity: Identity, install_key: bytes, countries: Iterable[str | None], kinds: Iterable[str] | None = None
) -> tuple[bytes, ...]:
    """The keyed hashes as any destination's deliveries may carry them; of some `kinds` alone, if wanted."""
    found = dict.fromkeys(one for country in countries for one in identity.identifiers(country))
    return tuple(person_key(kind, text, install_key) for kind, text in found if kinds is None or kind in kinds)
