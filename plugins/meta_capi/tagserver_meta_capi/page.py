"""Addresses of pages as Meta may have them: without credentials and without query keys that hold personal data."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import unquote_plus, urlsplit


def clean_address(address: object, strip: Collection[str], *, origin_only: bool) -> str | None:
    """The address, byte for byte but for what is taken out; None for anything that is no web address."""
    if not isinstance(address, str) or not address:
        return None
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    if origin_only:
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
    if parts.username is not None or parts.password is not None:
        address = address.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
    head, question, rest = address.partition("?")
    if not question or not strip:
        return address
    query, hash_sign, fragment = rest.partition("#")
    kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]).strip().lower() not in strip]
    return head + ("?" + "&".join(kept) if kept else "") + hash_sign + fragment
