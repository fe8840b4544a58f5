"""Web addresses: read once, and cleaned in one way for everything that leaves.

What stays of an address stays byte for byte. Its credentials go, what stands behind the #, click ids that consent does
not cover, and each key of the query that names a person or lets others in, or whose value holds personal data; such a
part of the path is replaced by a mark.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import quote, unquote_plus

import msgspec

from tagserver.event.click_ids import NAMES, is_click_key
from tagserver.event.placeholder import is_placeholder
from tagserver.event.spelling import nfc
from tagserver.privacy.address_rules import NO_KEYS, STRICT, AddressRules, Loss, rules_of
from tagserver.privacy.detection import LONGEST, scanned, suspicious
from tagserver.privacy.rules import mark, names_an_id, query_kind
from tagserver.system.unicode import is_text


class Cleaned(msgspec.Struct, frozen=True):
    """The address as it may leave, and what is gone."""

    address: str
    lost: tuple[Loss, ...] = ()


LONGEST_ADDRESS = 4 * LONGEST
"""Characters; what is longer is cut, as everywhere."""
LONGEST_REMEMBERED = LONGEST // 2
"""A site has fewer pages than visitors; very long addresses are not worth their room."""
_MOST_RULES = 8
_NESTED = 2

_origin = re.compile(r"(?:([a-z][a-z0-9+.-]{0,30}):)?//([^/?#\\\s]*)", re.IGNORECASE).match
"""Scheme and authority of RFC 3986; a backslash ends the authority too, as in browsers."""
_LONGEST_SCHEME = 34
"""Characters of a scheme and what stands behind it."""
_label = r"[A-Za-z0-9_\-\x80-\U0010ffff]{1,63}"
_host = re.compile(rf"({_label}(?:\.{_label}){{0,30}}\.?)(?::[0-9]{{0,5}})?").fullmatch
_v6 = re.compile(r"\[([0-9a-fA-F:.]{2,45})\](?::[0-9]{0,5})?").fullmatch


class Address:
    """An address in its parts, as a marketing person would name them.

    `host` is lower case without port (`www.` stays); `path` as written, `/` when empty; `hash` what stands behind the
    sign; `query` the first value of each name, decoded. All are None (or empty) for what is no address of a host: text,
    a template that nobody filled. `is_web`: it is one of a web page.
    """

    __slots__ = (
        *(
            "_authority",
            "_cleaned",
            "_clicks",
            "_fragment",
            "_front",
            "_keys",
            "_path",
            "_query",
            "_quiet",
            "_raw",
            "_text",
        ),
        *("host", "is_web", "scheme"),
    )

    host: str | None
    scheme: str
    is_web: bool

    def __init__(self, text: str) -> None:
        self._text = text
        front, sign, fragment = text.partition("#")
        self._fragment = sign + fragment
        head, sign, query = front.partition("?")
        self._raw = query if sign else None
        self._front, self._authority, self._path = "", "", head
        self.host, self.scheme, self.is_web = None, "", False
        self._cleaned: dict[AddressRules, Cleaned] = {}
        self._keys: tuple[tuple[str, str], ...] | None = None
        self._query: Mapping[str, str] | None = None
        self._clicks: tuple[tuple[str, str], ...] | None = None
        self._quiet: bool | None = None
        if (found := _origin(head)) is not None:
            self._authority = found[2].rpartition("@")[2]
            self._path = head[found.end() :]
            self._front = head[: found.start(2)] + self._authority
            self.scheme = (found[1] or "").lower()
            self.host = host_of(self._authority) if self._path[:1] in ("", "/", "\\") else None
            self.is_web = self.host is not None and self.scheme in ("http", "https")

    @property
    def path(self) -> str | None:
        """The path as written."""
        return None if self.host is None else self._path or "/"

    @property
    def hash(self) -> str | None:
        """What stands behind the sign."""
        return None if self.host is None else self._fragment[1:] or None

    @property
    def origin(self) -> str:
        """Scheme, host and port as written."""
        return self._front

    @property
    def port(self) -> int | None:
        """The port, where it is said."""
        port = self._authority.rpartition("]")[2].partition(":")[2]
        return int(port) if port and self.host is not None else None

    @property
    def raw_query(self) -> str:
        """The query as written."""
        return self._raw or ""

    @property
    def query(self) -> Mapping[str, str]:
        """The first value of each name, decoded."""
        if self._query is None:
            made: dict[str, str] = {}
            if self._raw and self.host is not None:
                for pair in self._raw.split("&"):
                    name, sign, value = pair.partition("=")
                    if name or sign:
                        made.setdefault(_decoded(name), _decoded(value))
            self._query = MappingProxyType(made)
        return self._query

    @property
    def clicks(self) -> Sequence[tuple[str, str]]:
        """The keys of the query that hold click ids, in lower case, each with its value, decoded; in their order, as
        often as they are there."""
        if self._clicks is None:
            web = self._raw is not None and self.host is not None
            pairs = self._keyed() if web else ()
            self._clicks = tuple([(key, _decoded(pair.partition("=")[2])) for pair, key in pairs if key in NAMES])
        return self._clicks

    def cleaned(self, rules: AddressRules, depth: int = 0) -> Cleaned:
        """The address as it may leave."""
        found = self._cleaned.get(rules)
        if found is None and rules is _BY_KEY and (strictest := self._cleaned.get(STRICT)) and not strictest.lost:
            return strictest
        if found is None:
            if len(self._cleaned) >= _MOST_RULES:
                self._cleaned.clear()
            found = self._cleaned[rules] = self._clean(rules, depth)
        return found

    def _keyed(self) -> tuple[tuple[str, str], ...]:
        """The pairs of the query as written, each with its key decoded and in lower case."""
        if self._keys is None:
            self._keys = _keys_of(self._raw) if self._raw else ()
        return self._keys

    def _clean(self, rules: AddressRules, depth: int) -> Cleaned:
        lost: dict[Loss, None] = {}
        if self._quiet is None:
            self._quiet = not suspicious(self._text.encode(errors="replace"), self._text)
        front, path, fragment = self._front, self._path, self._fragment
        if front and not self._text.startswith(front):
            lost["credentials"] = None
        if fragment and not rules.personal:
            fragment, lost["fragment"] = "", None
        elif (rules.strip or rules.keys) and "=" in fragment:
            fragment = self._stripped_fragment(rules, lost)
        if not rules.personal and (";" in path or not self._quiet):
            path = "/".join([_segment(one, lost) for one in path.split("/")])
        query = ""
        if self._raw is not None:
            query = "&".join([pair for pair, key in self._keyed() if self._stays(pair, key, rules, lost, depth)])
            query = "?" + query if query or not self._raw else ""
        return Cleaned(front + path + query + fragment, tuple(lost)) if lost else Cleaned(self._text)

    def _stripped_fragment(self, rules: AddressRules, lost: dict[Loss, None]) -> str:
        """Pages that are one program keep pairs there, too: `#/cart?token=…`."""
        pairs = _keys_of(self._fragment[1:])
        kept = [pair for pair, key in pairs if "=" not in pair or not rules.strips(key.lstrip("?/!"))]
        if len(kept) < len(pairs):
            lost["query"] = None
        return "#" + "&".join(kept) if kept else ""

    def _stays(self, pair: str, key: str, rules: AddressRules, lost: dict[Loss, None], depth: int) -> bool:
        value = pair.partition("=")[2]
        if rules.strips(key):
            lost["query"] = None
            return False
        if is_click_key(key):
            if not rules.clicks:
                lost["click"] = None
            return rules.clicks
        if not rules.personal:
            if len(pair) > LONGEST or (rules.allow is not None and key and not rules.allows(key)):
                lost["query"] = None
                return False
            if rules.allow is None and value and (named := query_kind(key)) is not None:
                lost[named] = None
                return False
            if not self._quiet and (kinds := scanned(pair, an_id=names_an_id(key))[1]):
                lost |= dict.fromkeys(kinds)
                return False
        return depth == _NESTED or not _hides(value, rules, lost, depth)


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
    """The parts of an address, blanks around it taken off; of anything that is none an Address of nothing. At most
    16,384 characters are looked at."""
    if not isinstance(text, str) or not text:
        return NOWHERE
    text = text.strip()
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else Address(text[:LONGEST_ADDRESS])


_remembered = lru_cache(maxsize=1024)(Address)


def is_address(text: str) -> bool:
    """Whether a text is an address, or the part of one behind the host: it begins with a scheme and `//` (`https://`,
    an app's own `shop://`), with `/` or `?`, perhaps behind blanks."""
    first = text[:1]
    if first.isspace():
        text = text.lstrip()
        first = text[:1]
    return first in ("/", "?") or ("://" in text[:_LONGEST_SCHEME] and _origin(text) is not None)


def clean_outgoing(address: str, rules: AddressRules) -> Cleaned:
    """An address, or any text that looks like one, as it may leave."""
    return parse_address(address).cleaned(rules)


@lru_cache(maxsize=256)
def _stripping(keys: tuple[str, ...]) -> AddressRules:
    """Settings change rarely, and hold what people typed."""
    return rules_of(True, None, True, frozenset(nfc(key.strip().lower()) for key in keys))


_BY_KEY = rules_of(True, None, True, NO_KEYS, True)


def without_keys(address: str, keys: Collection[str]) -> str:
    """An address without some keys of its query and of what stands behind the #, in any case and encoding, and without
    credentials; the rest byte for byte."""
    return parse_address(address).cleaned(_stripping(tuple(keys))).address


def clean_address(address: object, strip: Collection[str] | None = None) -> str | None:
    """The address of a web page without credentials and without some keys of its query and of what stands behind the
    #; None for anything that is no web page's. `strip`: the keys; None: those that name a person or let others in.

    The host has cleaned what an event or a tag says by then (`privacy:`); this is for what a tag may have in full.
    """
    if not isinstance(address, str) or not is_text(address):
        return None
    parsed = parse_address(address)
    return parsed.cleaned(_BY_KEY if strip is None else _stripping(tuple(strip))).address if parsed.is_web else None


def _decoded(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


def _keys_of(query: str) -> tuple[tuple[str, str], ...]:
    return tuple([(pair, nfc(_decoded(pair.partition("=")[0]).strip().lower())) for pair in query.split("&")])


def _segment(text: str, lost: dict[Loss, None]) -> str:
    """A part of a path; behind a semicolon it may have parameters of its own (`;jsessionid=…`)."""
    text = text[:LONGEST]
    if ";" in text:
        text, *parameters = text.split(";")
        for one in parameters:
            key, sign, value = one.partition("=")
            if sign and value and (named := query_kind(key)) is not None:
                lost[named] = None
            else:
                text += ";" + one
    kinds = scanned(text)[1]
    if not kinds:
        return text
    lost |= dict.fromkeys(kinds)
    return quote(mark(kinds[0]), safe=":")


def _hides(value: str, rules: AddressRules, lost: dict[Loss, None], depth: int) -> bool:
    """Whether a value is itself an address that would lose something: the page that a login leads back to."""
    if "3F" not in value and "3f" not in value and "?" not in value:
        return False
    inner = unquote_plus(value)
    if not is_address(inner) and not is_address(inner := unquote_plus(inner)):  # some encode twice
        return False
    # Not remembered: its depth counts, and it is looked at with the address around it.
    found = Address(inner.strip()[:LONGEST_ADDRESS]).cleaned(rules.nested, depth + 1).lost
    gone = [one for one in found if one != "fragment"]
    lost |= dict.fromkeys(gone)
    return bool(gone)
