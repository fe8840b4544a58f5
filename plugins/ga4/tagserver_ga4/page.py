"""Addresses of pages as Google may have them: without credentials, and without query keys that hold personal
data, which Google's terms forbid."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote_plus

from tagserver_ga4.values import is_text

_web = re.compile(r"(https?://)([^/?#\\\s]+)(?=[/?#\\]|\Z)", re.IGNORECASE).match


def clean_address(address: object, strip: Collection[str]) -> str | None:
    """The address, byte for byte but for what is taken out; None for anything that is no web address."""
    if not isinstance(address, str) or not is_text(address) or (found := _web(address)) is None:
        return None
    scheme, authority = found.groups()
    host = authority.rpartition("@")[2]
    if not host or host[0] == ":":
        return None
    front, _, fragment = f"{scheme}{host}{address[found.end() :]}".partition("#")
    head, _, query = front.partition("?")
    query, fragment = _without(query, strip), _without(fragment, strip)
    return head + ("?" + query if query else "") + ("#" + fragment if fragment else "")


def _without(pairs: str, strip: Collection[str]) -> str:
    if "=" not in pairs:
        return pairs
    return "&".join(pair for pair in pairs.split("&") if "=" not in pair or _key(pair) not in strip)


def _key(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0].lstrip("?/!")).strip().lower()
