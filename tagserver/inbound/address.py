"""The parts of a web address, as a marketing person would name them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

import msgspec


class Address(msgspec.Struct, frozen=True, gc=False):
    """`host` is lower case without port (`www.` stays); `path` as written, `/` when empty; `query` the first value
    of each name, decoded; `hash` without the sign. All are None (or empty) when the address cannot be read."""

    host: str | None = None
    path: str | None = None
    hash: str | None = None
    query: Mapping[str, str] = msgspec.field(default_factory=dict)


NOWHERE = Address()


def _parse(location: str) -> Address:
    try:
        parts = urlsplit(location)
        host = parts.hostname
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=500) if parts.query else []
    except ValueError:
        return NOWHERE
    if not host:
        return NOWHERE
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return Address(host=host, path=parts.path or "/", hash=parts.fragment or None, query=MappingProxyType(query))


_remembered = lru_cache(maxsize=1024)(_parse)
LONGEST_REMEMBERED = 2000
"""Characters. A site has fewer pages than visitors; very long addresses are not worth their room."""


def parse_address(location: object) -> Address:
    """The parts of `location`; anything unreadable gives an Address of nothing. At most 16,384 characters are
    looked at."""
    if not isinstance(location, str) or not location:
        return NOWHERE
    return _remembered(location) if len(location) <= LONGEST_REMEMBERED else _parse(location[:16384])
