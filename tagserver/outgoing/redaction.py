"""An event on its way out, without personal data where nobody expects it, and with clean addresses.

Looked at is everything that a destination may see beyond the fields that are declared personal (`user_data`,
`user_id`, …, which plugins hash or leave out): names of keys, titles, search terms, items, parameters of a tag.
Data in which nothing is found is given back as it is, so that all destinations share it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from tagserver.event.address import is_address, parse_address
from tagserver.event.consent_fields import FIELDS as CONSENT_FIELDS
from tagserver.event.consent_fields import NOTHING
from tagserver.event.known_names import ITEM_FIELDS, PAGE_TEXTS, SHOP_FIELDS
from tagserver.event.shape import SHAPES, Shape
from tagserver.plugin.fields import field_label
from tagserver.privacy.detection import BETWEEN, FLAT, LONGEST, scanned, suspicious
from tagserver.privacy.rules import DECLARED, SENTENCES, AddressRules, Kind, Loss, holds, key_kind, mark, names_an_id
from tagserver.privacy.urls import clean, clean_outgoing

PERSONAL = DECLARED.union(CONSENT_FIELDS)
"""Fields of an event that are not looked at: those, and what was said about consent."""

DEEPEST = 40
"""Lists and maps within each other; what lies deeper is left out."""

_USUAL_KEYS = frozenset(
    [
        *PAGE_TEXTS,
        *SHOP_FIELDS,
        *ITEM_FIELDS,
        *("page", "ecommerce", "action_source", "search_term", "method"),
        *("content_type", "content_category", "content_name", "content_ids", "item_type"),
    ]
)
"""GA4's names, none of which is personal: what most events have, and nothing else."""
_is_usual = _USUAL_KEYS.issuperset

_encode = msgspec.json.Encoder().encode
_SENTENCES: Mapping[str, str] = {
    **dict(SENTENCES.items()),
    "click": "a click id, and ad_storage is not granted",
    "fragment": "what stands behind the #",
    "preview": "the grant of a preview link",
    "query": "a key of the query that is too long, or that privacy.query_allow does not name",
    "credentials": "a user name",
    "long": f"more than {LONGEST} characters, and something to look for",
    "deep": f"more than {DEEPEST} lists or maps within each other",
}


CLEANED = "cleaned: "
"""How the sentence begins of a value that goes on without what was taken out of it."""


class Finding(msgspec.Struct, frozen=True):
    """What was taken out of the value at a path, never the value."""

    path: str
    lost: tuple[Loss | Literal["long", "deep"], ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of personal data among it."""
        return tuple(one for one in self.lost if one in SENTENCES)

    @property
    def why(self) -> str:
        """A sentence for people: what is left of the value goes on."""
        return f"{CLEANED}it held {' and '.join(_SENTENCES[one] for one in self.lost)}"


def clean_data(
    data: Mapping[str, Any], rules: AddressRules, shape: Shape | None = None
) -> tuple[Mapping[str, Any], list[Finding]]:
    """The data of an event as it may leave, and what was taken out; the very same data when that is nothing. `shape`:
    the data's, where it is known.

    A page's addresses are looked at each for itself. Of all the rest one quick look at its JSON tells, for nearly every
    event, that there is nothing to look for.
    """
    rest: dict[str, Any] = {}
    for name in (SHAPES[(*data,)] if shape is None else shape)[PERSONAL][1]:
        rest[name] = data[name]
    if type(page := rest.get("page")) is dict:
        rest["page"] = page = dict(page)
        for name in _ADDRESSES:
            if type(text := page.get(name)) is str:
                address = parse_address(text)
                if not (address.cleaned.get(rules) or clean(address, rules)).lost:
                    del page[name]
    if is_clean(rest):
        return data, []
    looked_at = {name: value for name, value in data.items() if name not in PERSONAL}
    cleaner = _Cleaner(rules)
    made = cleaner.map(looked_at, "", 0)
    if not cleaner.found:
        return data, []
    kept = {name: value for name, value in data.items() if name in PERSONAL or name in made}
    return kept | made, cleaner.found


_ADDRESSES = ("location", "referrer")


def clean_parameters(
    parameters: dict[str, Any], personal: Collection[str], rules: AddressRules
) -> tuple[dict[str, Any], list[Finding]]:
    """The same for what a tag sets itself. `personal`: paths under which it says who it was, and its name and time."""
    looked_at = {name: value for name, value in parameters.items() if name not in personal}
    if not looked_at or is_clean(looked_at):
        return parameters, []
    cleaner = _Cleaner(rules, frozenset(personal))
    clean = cleaner.map(parameters, "", 0)
    return (clean, cleaner.found) if cleaner.found else (parameters, [])


def is_clean(data: Mapping[str, Any]) -> bool:
    """Whether nothing needs to be looked for: no sign of it in the JSON, no address, no key that names it."""
    values = _usual_values(data)
    try:
        written = _encode(data if values is None else values)
    except (ValueError, TypeError, OverflowError, RecursionError):  # half an emoji, a number beyond JSON's
        return False
    text, flat = written.decode("latin-1"), written.translate(FLAT, BETWEEN).decode("latin-1")
    if suspicious(text, flat) or ("/" in flat and ":/" in flat) or not (text.isascii() or _begins_blank(flat) is None):
        return False
    # Behind the bracket that opens the values: another one may open an object whose keys nobody has looked at.
    return (values is not None and flat.find("{", 1) < 0) or not _names_something(data)


def _usual_values(data: Mapping[str, Any]) -> list[Any] | None:
    """The values of data, and of its objects that are where GA4 has some, without these; None when one of them has
    another key than GA4's. Names that are known need no look."""
    rest = dict(data)
    page, order = rest.pop("page", NOTHING), rest.pop("ecommerce", NOTHING)
    if type(order) is not dict:
        return None
    order = dict(order)
    items = order.pop("items", [])
    if type(items) is not list:
        return None
    values: list[Any] = []
    for group in (rest, page, order, *items):
        if type(group) is not dict or not _is_usual(group):
            return None
        values += group.values()
    return values


_begins_blank = re.compile(r":(?:\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2(?:\x80|\x81\x9f)|\xe3\x80\x80)").search
"""Whether a text of flattened JSON begins with a blank beyond ASCII, behind which an address may follow. (It is UTF-8,
read byte by byte; blanks of ASCII are gone, or escaped.)"""


def _names_something(data: Mapping[str, Any]) -> bool:
    """Whether a key anywhere in a value names personal data, or it goes too deep."""
    groups: list[Any] = [data]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for group in groups:
            if type(group) is dict:
                if not _is_usual(group) and any(map(key_kind, group)):
                    return True
                group = group.values()
            for one in group:
                kind = type(one)
                if kind is dict or kind is list:
                    below.append(one)
        if not below:
            return False
        groups = below
    return True


_is_short = re.compile(r"[^@%+/:?J]{0,12}").fullmatch
"""A text in which there is no room for anything that is looked for, nor a sign of it."""
_GONE = object()
_MANY = 10**12
"""Numbers from here on may be those of payment cards."""


class _Cleaner:
    """Goes through values of one event; what is clean is given back as it is. `found` fills with what was taken out.
    `personal`: paths that are not looked at."""

    def __init__(self, rules: AddressRules, personal: frozenset[str] = frozenset()) -> None:
        self._rules = rules
        self._personal = personal
        self.found: list[Finding] = []

    def map(self, group: dict[str, Any], path: str, depth: int) -> dict[str, Any]:
        made: dict[str, Any] | None = None
        for name, value in group.items():
            if self._personal and (f"{path}.{name}" if path else name) in self._personal:
                continue
            kept = self._under(name, value, path, depth)
            if kept is not value:
                made = dict(group) if made is None else made
                made[name] = kept
        if made is None:
            return group
        return {name: value for name, value in made.items() if value is not _GONE}

    def _under(self, name: str, value: Any, path: str, depth: int) -> Any:
        if self._rules.personal or name in _USUAL_KEYS:
            return self._value(name, None, value, path, depth)
        if kinds := scanned(name)[1]:
            return self._lost(path, name, kinds, _GONE)
        return self._value(name, key_kind(name), value, path, depth)

    def _value(self, name: str, named: Kind | None, value: Any, path: str, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(name, named, value, path)
        if kind is int and (named is not None or abs(value) >= _MANY) and abs(value) < _MANY**3:
            text = str(value)
            return value if (kept := self._text(name, named, text, path)) == text else kept
        if kind is not dict and kind is not list:
            return value
        if depth == DEEPEST:
            return self._lost(path, name, ("deep",), _GONE)
        if kind is dict:
            return self.map(value, self._path(path, name), depth + 1)
        kept = [self._value(name, named, one, path, depth + 1) for one in value]
        if all(new is old for new, old in zip(kept, value, strict=True)):
            return value
        return [one for one in kept if one is not _GONE]

    def _text(self, name: str, named: Kind | None, text: str, path: str) -> Any:
        if named is not None and holds(named, text):
            return self._lost(path, name, (named,), mark(named))
        if _is_short(text):
            return text
        if is_address(text):
            clean = clean_outgoing(text, self._rules)
            return self._lost(path, name, clean.lost, clean.address) if clean.lost else text
        if self._rules.personal:
            return text
        made, kinds = scanned(text, an_id=names_an_id(name))
        return text if made == text else self._lost(path, name, kinds or ("long",), made)

    def _lost(self, path: str, name: str, lost: tuple[Any, ...], kept: Any) -> Any:
        self.found.append(Finding(self._path(path, name), lost))
        return kept

    @staticmethod
    def _path(path: str, name: str) -> str:
        label = scanned(field_label(name))[0]
        return f"{path}.{label}" if path else label
