"""Keyed hashes of persons: they find somebody's deliveries again, and tell nothing to who lacks the installation's
key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b

from tagserver.event.identity import Identity

KINDS = ("email", "phone", "user_id", "client_id")


def person_key(kind: str, text: str, install_key: bytes) -> bytes:
    """The keyed hash of one identifier (16 bytes). `kind`: `email`, `phone`, `user_id` or `client_id`."""
    keyed = person_hash(kind, install_key)
    keyed.update(text.encode(errors="surrogatepass"))
    return keyed.digest()


def person_hash(kind: str, install_key: bytes) -> blake2b:
    """The hash that has taken in the key and the kind; a copy of it costs less than a new one."""
    return blake2b(f"{kind}:".encode(), digest_size=16, key=install_key)


@lru_cache(maxsize=4)
def _begun(install_key: bytes) -> Mapping[str, blake2b]:
    return {kind: person_hash(kind, install_key) for kind in KINDS}


def person_keys(identity: Identity, install_key: bytes, default_country: str | None = None) -> tuple[bytes, ...]:
    """The keyed hashes of e-mail, phone, user_id and client_id as one destination's deliveries carry them."""
    begun = _begun(install_key)
    made = []
    for kind, text in identity.identifiers(default_country):
        keyed = begun[kind].copy()
        keyed.update(text.encode())
        made.append(keyed.digest())
    return tuple(made)


def all_keys(
    identity: Identity, install_key: bytes, countries: Iterable[str | None], kinds: Iterable[str] | None = None
) -> tuple[bytes, ...]:
    """The keyed hashes as any destination's deliveries may carry them; of some `kinds` alone, if wanted."""
    found = dict.fromkeys(one for country in countries for one in identity.identifiers(country))
    return tuple(person_key(kind, text, install_key) for kind, text in found if kinds is None or kind in kinds)
