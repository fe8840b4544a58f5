"""Web addresses, read: their parts as a marketing person would name them. What may leave of one: `privacy.urls`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_plus

from tagserver.event.click_ids import NAMES
from tagserver.event.placeholder import is_placeholder
from tagserver.event.spelling import nfc

LONGEST_ADDRESS = 16384
"""Characters; what is longer is cut."""
LONGEST_REMEMBERED = 2048
"""A site has fewer pages than visitors; very long addresses are not worth their room."""

_origin = re.compile(r"(?:([a-z][a-z0-9+.-]{0,30}):)?//([^/?#\\\s]*)", re.IGNORECASE).match
"""Scheme and authority of RFC 3986; a backslash ends the authority too, as in browsers."""
_LONGEST_SCHEME = 34
"""Characters of a scheme and what stands behind it."""
_label = r"[A-Za-z0-9_\-\x80-\U0010ffff]{1,63}"
_host = re.compile(rf"({_label}(?:\.{_label}){{0,30}}\.?)(?::[0-9]{{0,5}})?").fullmatch
_v6 = re.compile(r"\[([0-9a-fA-F:.]{2,45})\](?::[0-9]{0,5})?").fullmatch


class Address:
    """An address in its parts, as a marketing person would name them. Blanks around it are taken off, and of what is
    left at most 16,384 characters are looked at.

    `host` is lower case without port (`www.` stays); `path` as written, `/` when empty; `hash` what stands behind the
    sign; `query` the first value of each name, decoded. All are None (or empty) for what is no address of a host: text,
    a template that nobody filled. `is_web`: it is one of a web page.
    """

    __slots__ = (
        *("cleaned", "clicks", "fragment", "front", "host", "is_web", "path", "quiet", "raw", "raw_path", "scheme"),
        *("text", "_authority", "_keys", "_query"),
    )

    def __init__(self, text: str) -> None:
        self.text = text = text.strip()[:LONGEST_ADDRESS]
        front, sign, fragment = text.partition("#")
        self.fragment = sign + fragment
        head, sign, query = front.partition("?")
        self.raw = query if sign else None
        self.front, self._authority, self.raw_path = "", "", head
        self.host: str | None = None
        self.scheme, self.is_web = "", False
        self.cleaned: dict[Any, Any] = {}
        """What `privacy.urls` remembers of it, by the rules."""
        self._keys: tuple[tuple[str, str], ...] | None = None
        self._query: Mapping[str, str] | None = None
        self.quiet: bool | None = None
        """Whether nothing in it looks like personal data; None: nobody has looked."""
        if (found := _origin(head)) is not None:
            self._authority = found[2].rpartition("@")[2]
            self.raw_path = head[found.end() :]
            self.front = head[: found.start(2)] + self._authority
            self.scheme = (found[1] or "").lower()
            self.host = host_of(self._authority) if self.raw_path[:1] in ("", "/", "\\") else None
            self.is_web = self.host is not None and self.scheme in ("http", "https")
        self.path = None if self.host is None else self.raw_path or "/"
        self.clicks: Sequence[tuple[str, str]] = ()
        """The keys of the query that hold click ids, in lower case, each with its value, decoded; in their order, as
        often as they are there."""
        if self.raw and self.host is not None:
            pairs = self.keyed()
            self.clicks = tuple([(key, decoded(pair.partition("=")[2])) for pair, key in pairs if key in NAMES])

    @property
    def hash(self) -> str | None:
        """What stands behind the sign."""
        return None if self.host is None else self.fragment[1:] or None

    @property
    def origin(self) -> str:
        """Scheme, host and port as written."""
        return self.front

    @property
    def port(self) -> int | None:
        """The port, where it is said."""
        port = self._authority.rpartition("]")[2].partition(":")[2]
        return int(port) if port and self.host is not None else None

    @property
    def raw_query(self) -> str:
        """The query as written."""
        return self.raw or ""

    @property
    def query(self) -> Mapping[str, str]:
        """The first value of each name, decoded."""
        if self._query is None:
            made: dict[str, str] = {}
            if self.raw and self.host is not None:
                for pair in self.raw.split("&"):
                    name, sign, value = pair.partition("=")
                    if name or sign:
                        made.setdefault(decoded(name), decoded(value))
            self._query = MappingProxyType(made)
        return self._query

    def keyed(self) -> tuple[tuple[str, str], ...]:
        """The pairs of the query as written, each with its key decoded and in lower case."""
        if self._keys is None:
            self._keys = keys_of(self.raw) if self.raw else ()
        return self._keys


NOWHERE = Address("")


def host_of(name: str) -> str | None:
    """The host of an authority without credentials, in lower case and without port; None for what can be none: a label
    that is empty, a template (`<your-shop.example>`, `$HOST`, `%SHOP%`), `undefined`."""
    if (found := _host(name)) is not None:
        return None if is_placeholder(found[1]) else found[1].lower()
    if (found := _v6(name)) is not None:
        try:
            return str(ipaddress.IPv6Address(found[1]))
        except ValueError:
            return None
    return None


def parse_address(text: object) -> Address:
    """The parts of an address; of anything that is none an Address of nothing."""
    if type(text) is not str or not text:
        return NOWHERE
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else Address(text)


_remembered = lru_cache(maxsize=1024)(Address)


def is_address(text: str) -> bool:
    """Whether a text is an address, or the part of one behind the host: it begins with a scheme and `//` (`https://`,
    an app's own `shop://`), with `/` or `?`, perhaps behind blanks."""
    first = text[:1]
    if first.isspace():
        text = text.lstrip()
        first = text[:1]
    return first in ("/", "?") or ("://" in text[:_LONGEST_SCHEME] and _origin(text) is not None)


def decoded(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


def keys_of(query: str) -> tuple[tuple[str, str], ...]:
    return tuple([(pair, nfc(decoded(pair.partition("=")[0]).strip().lower())) for pair in query.split("&")])
