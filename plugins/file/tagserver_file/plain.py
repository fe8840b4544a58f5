"""Plain data that JSON can hold, without what is empty; and page addresses without personal data."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote_plus

DEEPEST = 12
LARGEST = 1 << 63
_web = re.compile(r"(https?://)([^/?#\\\s]+)(?=[/?#\\]|\Z)", re.IGNORECASE).match


def is_text(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair it cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """The value without nulls, empty texts, lists and maps, and without what JSON cannot hold; None when nothing is
    left. Whole numbers beyond 64 bits become text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if value and is_text(value) else None
    if isinstance(value, int):
        if -LARGEST <= value < LARGEST:
            return value
        return str(value) if abs(value) < 10**40 else None
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if depth and isinstance(value, Mapping):
        made = {
            key: kept
            for key, one in value.items()
            if isinstance(key, str) and is_text(key) and (kept := plain(one, depth - 1)) is not None
        }
        return made or None
    if depth and isinstance(value, list | tuple):
        return [kept for one in value if (kept := plain(one, depth - 1)) is not None] or None
    return None


def clean_address(address: object, strip: Collection[str]) -> str | None:
    """A page's address without credentials and without the query keys in `strip`, byte for byte otherwise; None for
    anything that is no web address."""
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
