"""The header of a request's cookies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import unquote

COOKIE_HEADER_LIMIT = 16384
"""Characters of the header beyond which it is not read."""


def read_cookies(header: str | None) -> Mapping[str, str]:
    """Cookie name → value, percent-decoded once, as is a name beyond ASCII; of two with one name the first stands
    (RFC 6265 sends the closer path first). Of a header that is too long the last cookie is not whole, and not read."""
    if not header:
        return {}
    if len(header) > COOKIE_HEADER_LIMIT:
        header = header[: COOKIE_HEADER_LIMIT + 1].rpartition(";")[0]
    if not header.isascii():
        with suppress(UnicodeError):
            header = header.encode("latin-1").decode()  # a header's bytes come as Latin-1, and browsers write UTF-8
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip()
        if "%" in name and not (plain := unquote(name)).isascii():
            name = plain
        if equals and name and name not in cookies:
            value = value.strip().strip('"')
            cookies[name] = unquote(value) if "%" in value else value
    return cookies
