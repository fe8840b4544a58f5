"""Addresses of pages as a vendor may have them: without credentials, and without keys that hold personal data."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import unquote_plus

from tagserver.kit.plain import is_text

PERSONAL_KEYS = (
    *("email", "e-mail", "mail", "phone", "tel", "mobile", "first_name", "firstname", "last_name", "lastname"),
    *("name", "address", "password", "token", "auth", "iban", "ssn"),
)
"""Keys of a query that usually hold who the visitor is, or let others in."""

LONGEST_REMEMBERED = 2000
_web = re.compile(r"(https?://)([^/?#\\\s]+)(?=[/?#\\]|\Z)", re.IGNORECASE).match
"""Scheme and authority of RFC 3986; a backslash ends the authority too, as in browsers."""


def clean_address(address: object, strip: Collection[str] = PERSONAL_KEYS) -> str | None:
    """The address, byte for byte but for what is taken out; None for anything that is no web address.

    `strip`: keys that are taken out of the query and of what stands behind the #, in any case.
    """
    if not isinstance(address, str) or not is_text(address):
        return None
    # A site has fewer pages than visitors; very long addresses are not worth their room.
    return (_remembered if len(address) <= LONGEST_REMEMBERED else _clean)(address, tuple(strip))


def _clean(address: str, strip: tuple[str, ...]) -> str | None:
    if (found := _web(address)) is None:
        return None
    scheme, authority = found.groups()
    host = authority.rpartition("@")[2]
    if not host or host[0] == ":":
        return None
    if len(host) < len(authority):
        address = f"{scheme}{host}{address[found.end() :]}"
    if "=" not in address or not strip:
        return address
    front, _, fragment = address.partition("#")
    head, _, query = front.partition("?")
    keys = _lower(strip)
    query, fragment = _without(query, keys), _without(fragment, keys)
    return head + ("?" + query if query else "") + ("#" + fragment if fragment else "")


_remembered = lru_cache(maxsize=1024)(_clean)


@lru_cache(maxsize=256)
def _lower(keys: tuple[str, ...]) -> frozenset[str]:
    """Settings change rarely, and hold what people typed."""
    return frozenset(key.strip().lower() for key in keys)


def _without(pairs: str, keys: frozenset[str]) -> str:
    """`a=1&email=x` without the pairs whose key is in `keys`, in any case or encoding; the others byte for byte."""
    if "=" not in pairs:
        return pairs
    return "&".join(pair for pair in pairs.split("&") if "=" not in pair or _key(pair) not in keys)


def _key(pair: str) -> str:
    key = pair.partition("=")[0].lstrip("?/!")
    return (unquote_plus(key).strip() if "%" in key or "+" in key else key).lower()
