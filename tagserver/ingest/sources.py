"""Who sends: a key for servers, the Origin header for browsers. And what CORS tells a browser."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from tagserver.config.collect import CollectConfig
from tagserver.plugin.inbound_keys import basic_user, bearer

Header = tuple[bytes, bytes]


class Sources:
    """The sources of one configuration, ready for look-ups."""

    def __init__(self, collect: CollectConfig) -> None:
        self._any_origin = "*" in collect.origins
        self._cors: dict[str | None, Sequence[Header]] = {None: UNREADABLE}
        self._cors |= {origin: _readable(origin) for origin in collect.origins}
        # Looked up by hash: the time of a look-up tells nothing about how much of a key was right.
        self._keys = {_digest(key.secret.reveal()): name for name, key in collect.keys.items() if key.secret.reveal()}

    def of_key(self, headers: Mapping[str, str]) -> str | None:
        """The source of a request by its Authorization header (`Bearer KEY`, or a basic user name), or None when no key
        is like it."""
        key = bearer(headers) or basic_user(headers)
        return self._keys.get(_digest(key)) if key else None

    def takes_origin(self, origin: str | None) -> bool:
        """Whether a browser at this origin may post. A missing or `null` origin only under `"*"`."""
        return self._any_origin or (origin is not None and origin in self._cors)

    def cors(self, origin: str | None) -> Sequence[Header]:
        """The headers that let a page that may post read the answer: the exact origin, never a star."""
        known = self._cors.get(origin)
        if known is None:
            known = _readable(origin) if self._any_origin else UNREADABLE
        return known

    def preflight(
        self, origin: str | None, methods: Sequence[str] = ("POST",), more: Sequence[str] = ()
    ) -> list[Header]:
        """What OPTIONS answers besides `cors`. `more`: headers that a page may set besides those of any request."""
        if origin is None or not self.takes_origin(origin):
            return []
        return [
            (b"access-control-allow-methods", ", ".join((*methods, "OPTIONS")).encode()),
            (b"access-control-allow-headers", ", ".join(dict.fromkeys((*_SET_BY_PAGES, *more))).encode()),
            (b"access-control-max-age", b"600"),
        ]


_SET_BY_PAGES = ("content-type", "content-encoding", "authorization")
_VARY: Header = (b"vary", b"origin")
UNREADABLE: Sequence[Header] = (_VARY,)
"""What `cors` tells a page that may not read the answer."""


def _readable(origin: str | None) -> Sequence[Header]:
    return (
        *refusal(origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"retry-after"),
    )


def refusal(origin: str | None) -> list[Header]:
    """The headers that let any page read that it may not post: without credentials, for there is nothing of a visitor's
    in that."""
    if not origin:
        return [_VARY]
    return [(b"access-control-allow-origin", origin.encode("latin-1", "replace")), _VARY]


def origin_of(method: str, headers: Mapping[str, str]) -> str | None:
    """The origin of the page that a request comes from, in lower case; None where nothing tells. A GET of a page to its
    own host has no Origin, nor has an image's: then Referer tells it, or Sec-Fetch-Site together with Host. Source: the
    Fetch standard and Fetch Metadata."""
    if (origin := headers.get("origin")) is not None or method != "GET":
        return origin if origin is None else origin.lower()
    scheme, separator, rest = headers.get("referer", "").partition("://")
    if separator:
        host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
        return f"{scheme}://{host}".lower()
    if headers.get("sec-fetch-site") == "same-origin" and "host" in headers:
        return f"https://{headers['host']}".lower()
    return None


def is_unseen(headers: Mapping[str, str]) -> bool:
    """Whether the request comes from a page that the browser has only fetched or prerendered: nobody has seen it, and
    perhaps nobody ever will. Source: the Sec-Purpose header of the Fetch standard and of prerendering."""
    return headers.get("sec-purpose", "").strip().lower().startswith("prefetch")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
