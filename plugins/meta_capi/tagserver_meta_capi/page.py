"""Addresses of pages as Meta may have them: without credentials, and without keys that hold personal data in
the query and behind the #."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import unquote_plus

from tagserver_meta_capi.custom_data import is_text

_web = re.compile(r"(https?://)([^/?#\\\s]+)(?=[/?#\\]|\Z)", re.IGNORECASE).match
"""Scheme and authority of RFC 3986; a backslash ends the authority too, as in browsers."""


def clean_address(address: object, strip: Collection[str], *, origin_only: bool) -> str | None:
    """The address, byte for byte but for what is taken out; None for anything that is no web address."""
    if not isinstance(address, str) or not is_text(address):
        return None
    return _clean(address, frozenset(strip), origin_only)


@lru_cache(maxsize=1024)
def _clean(address: str, strip: frozenset[str], origin_only: bool) -> str | None:
    """Remembered: a site has fewer pages than visitors."""
    found = _web(address)
    if found is None:
        return None
    scheme, authority = found.groups()
    host = authority.rpartition("@")[2]
    if not host or host[0] == ":":
        return None
    if origin_only:
        return f"{scheme}{host}/"
    if len(host) < len(authority):
        address = f"{scheme}{host}{address[found.end() :]}"
    if "=" not in address or not strip:
        return address
    front, _, fragment = address.partition("#")
    head, _, query = front.partition("?")
    query, fragment = _without(query, strip), _without(fragment, strip)
    return head + ("?" + query if query else "") + ("#" + fragment if fragment else "")


def _without(pairs: str, strip: frozenset[str]) -> str:
    """`a=1&email=x` without the pairs whose key is in `strip`, in any case or encoding; the others byte for byte."""
    if "=" not in pairs:
        return pairs
    kept = [pair for pair in pairs.split("&") if "=" not in pair or _key(pair) not in strip]
    return "&".join(kept)


def _key(pair: str) -> str:
    key = pair.partition("=")[0].lstrip("?/!")
    return (unquote_plus(key).strip() if "%" in key or "+" in key else key).lower()
