"""Web addresses, cleaned: in one way for everything that leaves.

What stays of an address stays byte for byte. Its credentials go, what stands behind the #, click ids that consent does
not cover, and each key of the query that names a person or lets others in, or whose value holds personal data; such a
part of the path is replaced by a mark.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import quote, unquote_plus

import msgspec

from tagserver.event.address import Address, is_address, keys_of, parse_address
from tagserver.event.click_ids import is_click_key
from tagserver.event.spelling import nfc
from tagserver.privacy.detection import LONGEST, flattened, scanned, suspicious
from tagserver.privacy.rules import (
    NO_KEYS,
    PREVIEW,
    STRICT,
    AddressRules,
    Loss,
    mark,
    names_an_id,
    query_kind,
    rules_of,
)
from tagserver.system.text import is_text


class Cleaned(msgspec.Struct, frozen=True):
    """The address as it may leave, and what is gone."""

    address: str
    lost: tuple[Loss, ...] = ()


_MOST_RULES = 8
_NESTED = 2


def clean(address: Address, rules: AddressRules, depth: int = 0) -> Cleaned:
    """The address as it may leave."""
    found: Cleaned | None = address.cleaned.get(rules)
    if found is None and rules is _BY_KEY:
        strictest: Cleaned | None = address.cleaned.get(STRICT)
        if strictest is not None and not strictest.lost:
            return strictest
    if found is None:
        if len(address.cleaned) >= _MOST_RULES:
            address.cleaned.clear()
        found = address.cleaned[rules] = _clean(address, rules, depth)
    return found


def _clean(address: Address, rules: AddressRules, depth: int) -> Cleaned:
    lost: dict[Loss, None] = {}
    if address.quiet is None:
        address.quiet = not suspicious(address.text, flattened(address.text))
    front, path, fragment = address.front, address.raw_path, address.fragment
    if front and not address.text.startswith(front):
        lost["credentials"] = None
    if fragment and not rules.personal:
        fragment, lost["fragment"] = "", None
    elif (rules.strip or rules.keys) and "=" in fragment:
        fragment = _stripped_fragment(address, rules, lost)
    if not rules.personal and (";" in path or not address.quiet):
        path = "/".join([_segment(one, lost) for one in path.split("/")])
    query = ""
    if address.raw is not None:
        query = "&".join(
            [pair for pair, key in address.keyed() if _stays(pair, key, rules, lost, depth, address.quiet)]
        )
        query = "?" + query if query or not address.raw else ""
    return Cleaned(front + path + query + fragment, tuple(lost)) if lost else Cleaned(address.text)


def _stripped_fragment(address: Address, rules: AddressRules, lost: dict[Loss, None]) -> str:
    """Pages that are one program keep pairs there, too: `#/cart?token=…`."""
    pairs = keys_of(address.fragment[1:])
    kept = [pair for pair, key in pairs if "=" not in pair or not rules.strips(key.lstrip("?/!"))]
    if len(kept) < len(pairs):
        lost["query"] = None
    return "#" + "&".join(kept) if kept else ""


def _stays(pair: str, key: str, rules: AddressRules, lost: dict[Loss, None], depth: int, quiet: bool) -> bool:
    """Whether a pair of the query stays. `quiet`: nothing in the address looks like personal data."""
    value = pair.partition("=")[2]
    if key == PREVIEW:
        lost["preview"] = None
        return False
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
        if not quiet and (kinds := scanned(pair, an_id=names_an_id(key))[1]):
            lost |= dict.fromkeys(kinds)
            return False
    return depth == _NESTED or not _hides(value, rules, lost, depth)


def clean_outgoing(address: str, rules: AddressRules) -> Cleaned:
    """An address, or any text that looks like one, as it may leave."""
    parsed = parse_address(address)
    return parsed.cleaned.get(rules) or clean(parsed, rules)


@lru_cache(maxsize=256)
def _stripping(keys: tuple[str, ...]) -> AddressRules:
    """Settings change rarely, and hold what people typed."""
    return rules_of(True, None, True, frozenset(nfc(key.strip().lower()) for key in keys))


_BY_KEY = rules_of(True, None, True, NO_KEYS, True)


def without_keys(address: str, keys: Collection[str]) -> str:
    """An address without some keys of its query and of what stands behind the #, in any case and encoding, and without
    credentials; the rest byte for byte."""
    return clean(parse_address(address), _stripping(tuple(keys))).address


def clean_address(address: object, strip: Collection[str] | None = None) -> str | None:
    """The address of a web page without credentials and without some keys of its query and of what stands behind the
    #; None for anything that is no web page's. `strip`: the keys; None: those that name a person or let others in.

    The host has cleaned what an event or a tag says by then (`privacy:`); this is for what a tag may have in full.
    """
    if not isinstance(address, str) or not is_text(address):
        return None
    parsed = parse_address(address)
    return clean(parsed, _BY_KEY if strip is None else _stripping(tuple(strip))).address if parsed.is_web else None


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
    found = clean(Address(inner), rules.nested, depth + 1).lost
    gone = [one for one in found if one != "fragment"]
    lost |= dict.fromkeys(gone)
    return bool(gone)
