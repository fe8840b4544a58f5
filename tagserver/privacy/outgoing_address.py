"""Addresses on their way out: without credentials, fragment, personal data, and click ids that consent does not cover.

What stays, stays byte for byte. A key of the query goes with its value when the key names personal data or the value
holds some. In a path, the mark takes the place of the part between two slashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, unquote_plus

import msgspec

from tagserver.inbound.clicks import is_click_key
from tagserver.privacy.scan import LONGEST, Kind, key_kind, mark, names_an_id, scanned

Loss = Literal[Kind, "click", "fragment", "query", "credentials"]
"""Why something of an address is gone: personal data of a kind, a click id without consent, a key that the site's list
does not name."""


@dataclass(frozen=True, slots=True, eq=False)
class AddressRules:
    """What may stay; the same object for all events, by which what was cleaned is remembered.

    `clicks`: click ids may stay. `allow`: the query's keys that may stay, lower case, `utm_*` for all that begin so;
    None: all but personal ones. `personal`: personal data may stay, too, and with it keys that `allow` does not name,
    and the fragment."""

    clicks: bool = True
    allow: tuple[str, ...] | None = None
    personal: bool = False

    def allows(self, key: str) -> bool:
        """Whether the site's list names a key."""
        return self.allow is not None and any(
            key.startswith(one[:-1]) if one.endswith("*") else key == one for one in self.allow
        )


STRICT = AddressRules()
_NESTED_RULES = {
    (clicks, personal): AddressRules(clicks, None, personal) for clicks in (True, False) for personal in (True, False)
}


class Cleaned(msgspec.Struct, frozen=True):
    """The address as it may leave, and what is gone."""

    address: str
    lost: tuple[Loss, ...] = ()


_web = re.compile(r"(https?://)([^/?#\\\s]*)", re.IGNORECASE).match
_NESTED = 2
_LONGEST_ADDRESS = 4 * LONGEST
"""Characters; what is longer is cut, as everywhere."""


def is_address(text: str) -> bool:
    """Whether a text is an address, or the part of one behind the host: it begins with `http://`, `https://`, `/` or
    `?`."""
    first = text[:1]
    return first in ("/", "?") or (first in ("h", "H") and _web(text) is not None)


def clean_outgoing(address: str, rules: AddressRules) -> Cleaned:
    """The address as it may leave. Total: any text will do."""
    return (_remembered if len(address) <= LONGEST // 2 else _clean)(address, rules)


def _clean(address: str, rules: AddressRules, depth: int = 0) -> Cleaned:
    lost: dict[Loss, None] = {}
    address = address[:_LONGEST_ADDRESS]
    front, sign, fragment = address.partition("#")
    if sign and rules.personal:
        fragment = f"#{fragment}"
    elif sign:
        fragment, lost["fragment"] = "", None
    head, sign, query = front.partition("?")
    host, path = "", head
    if (found := _web(head)) is not None:
        scheme, authority = found.groups()
        name = authority.rpartition("@")[2]
        if name != authority:
            lost["credentials"] = None
        host, path = scheme + name, head[found.end() :]
    if not rules.personal and ("@" in path or "%" in path or any(map(str.isdigit, path))):
        path = "/".join([_segment(one, lost) for one in path.split("/")])
    if sign:
        query = "&".join([pair for pair in query.split("&") if _stays(pair, rules, lost, depth)])
    if not lost:
        return Cleaned(address)
    return Cleaned(host + path + ("?" + query if query else "") + fragment, tuple(lost))


_remembered = lru_cache(maxsize=1024)(_clean)


def _segment(text: str, lost: dict[Loss, None]) -> str:
    text = text[:LONGEST]
    kinds = scanned(text)[1]
    if not kinds:
        return text
    lost |= dict.fromkeys(kinds)
    return quote(mark(kinds[0]), safe=":")


def _stays(pair: str, rules: AddressRules, lost: dict[Loss, None], depth: int) -> bool:
    written, _, value = pair.partition("=")
    key = (unquote_plus(written) if "%" in written or "+" in written else written).strip().lower()
    if is_click_key(key):
        if not rules.clicks:
            lost["click"] = None
        return rules.clicks
    if rules.personal:
        return depth == _NESTED or not _hides(value, rules, lost, depth)
    if len(pair) > LONGEST or (rules.allow is not None and key and not rules.allows(key)):
        lost["query"] = None
        return False
    if rules.allow is None and (named := key_kind(key)) is not None and value:
        lost[named] = None
        return False
    kinds = scanned(pair, an_id=names_an_id(key))[1]
    if kinds:
        lost |= dict.fromkeys(kinds)
        return False
    return depth == _NESTED or not _hides(value, rules, lost, depth)


def _hides(value: str, rules: AddressRules, lost: dict[Loss, None], depth: int) -> bool:
    """Whether a value is itself an address that would lose something: the page that a login leads back to."""
    if "%3F" not in value and "%3f" not in value and "?" not in value:
        return False
    inner = unquote_plus(value)
    if not is_address(inner):
        return False
    # The site's list is about the page's own keys.
    gone = [
        one for one in _clean(inner, _NESTED_RULES[rules.clicks, rules.personal], depth + 1).lost if one != "fragment"
    ]
    lost |= dict.fromkeys(gone)
    return bool(gone)
