"""`cookies:` of `server.yaml`: the first-party cookies that the answer of `/collect` sets, and on which domain.

The list of public suffixes is loaded where the block is named and nowhere else: it takes a quarter of a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from tagserver.config import schema_parts as parts
from tagserver.config.keys import DURATION, FLAG, WRONG, Block, ValueType, key
from tagserver.config.schema_parts import one_of
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.source import Node, Scalar
from tagserver.event.click_ids import BROWSER_COOKIES, COOKIES
from tagserver.event.consent_fields import COOKIES as CONSENT_COOKIES

DAY = 86400
LONGEST = 400 * DAY
"""Seconds; browsers keep no cookie longer (RFC 6265bis, section 5.5)."""
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,30}[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
TAKEN = frozenset(
    {"_fbp", "_ga", *CONSENT_COOKIES, *BROWSER_COOKIES, *(name for places in COOKIES.values() for name, _ in places)}
)
"""Cookies with a meaning of their own."""

Registrable = Callable[[str], "str | None"]
"""The registrable domain of a host in lower case: `shop.co.uk` of `www.shop.co.uk`; None of a public suffix, of an
address and of what ends in no known suffix."""


def nowhere(host: str) -> str | None:
    """Where no list is loaded."""
    return None


@cache
def registrable_domains() -> Registrable:
    """Whoever knows the registrable domain of a host, by the public suffix list with its private part, in which
    `github.io` stands. What is not in it has none: its usual rule would take `shop.local` for a domain that anybody
    can register."""
    # Not at the top: only who names `cookies` pays for it.
    from publicsuffixlist import PublicSuffixList

    known = PublicSuffixList(accept_unknown=False)

    @lru_cache(maxsize=1024)
    def registrable(host: str) -> str | None:
        if not _HOST.match(host):
            return None
        found: str | None = known.privatesuffix(host)
        return found

    return registrable


def _domain(d: Decoder, node: Node, path: str) -> Any:
    if isinstance(node, Scalar) and node.value == "auto":
        return None
    text = d.filled(node, path)
    if text is None:
        return WRONG
    domain = text.lower().removeprefix(".")
    if not _HOST.match(domain):
        fault = "is no domain"
    elif registrable_domains()(domain) is None and registrable_domains()(f"any.{domain}") is not None:
        fault = "is a public suffix, on which no browser takes a cookie"
    else:
        return domain
    d.problems.add("E115", node.place, path, f'"{text}" {fault}', "write auto, or your own domain: example.com")
    return WRONG


def _visitor(d: Decoder, node: Node, path: str) -> Any:
    if isinstance(node, Scalar) and node.value is False:
        return None
    name = d.text(node, path)
    if name is None:
        return WRONG
    if not _NAME.match(name):
        message, hint = f'"{name}" is no name of a cookie', "write letters, digits, - and _, such as ts_id; or false"
    elif name in TAKEN:
        message, hint = f'"{name}" is a cookie with a meaning of its own', "write another name, such as ts_id; or false"
    else:
        return name
    d.problems.add("E115", node.place, path, message, hint)
    return WRONG


def _max_age(d: Decoder, node: Node, path: str) -> Any:
    seconds = DURATION.read(d, node, path)
    if seconds is WRONG or DAY <= seconds <= LONGEST:
        return seconds
    message = f"{path} is out of range: a browser keeps a cookie for at most 400 days"
    d.problems.add("E115", node.place, path, message, "write 1d to 400d; visitor: false sets no such cookie")
    return WRONG


@dataclass(frozen=True, slots=True)
class CookiesConfig:
    """`cookies:`. `domain`: on which domain they are set, None: the registrable one of page and server. `visitor`: the
    name of the cookie with this site's own visitor id, None for none; `max_age` of it in seconds. `registrable` gives
    the registrable domain of a host."""

    domain: str | None = key(
        ValueType({"anyOf": [one_of("auto"), parts.TEXT]}, _domain),
        "auto",
        "on which domain. `auto`: the registrable domain that the page and this server share (`example.co.uk`), by the "
        "public suffix list; where there is none (`localhost`), this host alone. Name it where a proxy changes the "
        "`Host` header",
    )
    fbp: bool = key(FLAG, "true", "`_fbp`, Meta's id of a browser; 90 days")
    fbc: bool = key(FLAG, "true", "`_fbc`, Meta's click with the time at which it was first seen; 90 days")
    clicks: bool = key(
        FLAG, "true", "click ids of other networks, in the networks' own cookies and for as long as they keep them"
    )
    visitor: str | None = key(
        ValueType({"anyOf": [{"const": False}, parts.TEXT]}, _visitor),
        "ts_id",
        "the name of a visitor id of your own, with `analytics_storage`; no script can read it, and no vendor gets it "
        "unless a tag names `cookie.ts_id`. `false`: none",
    )
    max_age: float = key(
        ValueType(DURATION.schema, _max_age), "400d", "how long the visitor id is kept after the last visit"
    )
    registrable: Registrable = nowhere


COOKIES_BLOCK = Block.of(CookiesConfig, "First-party cookies that the answer of `/collect` sets.")


def read_cookies_block(d: Decoder, node: Node, path: str) -> CookiesConfig:
    """The settings; what has a problem has its default."""
    return CookiesConfig(**COOKIES_BLOCK.read(d, node, path), registrable=registrable_domains())
