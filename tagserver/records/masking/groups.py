"""Groups of fields, masked by the rules of `fields`, whatever they hold: groups and lists in each other, values
of any type. Bounded in depth and in number; what was cut is marked with `…`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from tagserver.event.address import is_address, parse_address
from tagserver.event.known_names import ITEM_FIELDS
from tagserver.records.masking.addresses import masked_address
from tagserver.records.masking.fields import ITEMS, Rule, Table, below
from tagserver.records.masking.marks import Marks
from tagserver.records.masking.shapes import LONGEST_VALUE, SLUGS, TEXTS

CUT = "…"
"""The key, or the beginning of the text, that stands for what was cut."""
DEEPEST = 10
LONGEST_ADDRESS, FIELDS_OF_ADDRESS = 500, 10
"""Characters of a masked address, and for how many values it counts."""
_LARGE, _LARGE_OF_SHOPS = 10**8, 10**15
_WATCHED_FROM = 10**4
"""Numbers from here on may be somebody's, so they are compared."""
_MOMENTS = (1_600_000_000_000, 2_000_000_000_000)
"""Milliseconds since 1970, which no telephone number is."""
is_consent_word = re.compile(r"G1[01-]{2}|1[0-9](?:[a-z][0-9]){3,8}|1[YN-]{3}|[A-Z]{2}(?:-[A-Z0-9]{1,3})?").fullmatch
"""Whether a text is one of Google's states (`gcs`, `gcd`), those of US Privacy, or a place."""


class Groups:
    """Masks groups with the marks of one record. `left`: how many values there may still be."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.left = 0

    def group(self, group: Mapping[str, Any], table: Table, depth: int = 0) -> dict[str, Any]:
        """The fields of a group by the rules of a table. `depth`: how many groups and lists it lies in."""
        if table is ITEMS and type(group) is dict and self._is_known(group):
            return group
        pairs: Iterable[tuple[str, Any]] = group.items()
        left = self.left = self.left - len(group)
        more = 0
        if left < 0:
            more = min(-left, len(group))
            pairs = islice(pairs, len(group) - more)
        made: dict[str, Any] = {}
        marks = self.marks
        kept, told = None if marks.strict else marks.kept, marks.told
        for key, value in pairs:
            rule = table[key]
            way = rule.way
            if not rule.known:
                if way == "made":
                    continue
                key = marks.keep(key) if rule.shown else marks.mark_key(key)
            kind = type(value)
            # The usual ones first, and without a call.
            if kind is str:
                if way == "text":
                    made[key] = text = TEXTS[value]
                    if kept is not None:
                        kept.append(text)
                    else:
                        made[key] = marks.keep(text)
                elif way == "person":
                    told.append(value)
                    made[key] = marks.mark(value, rule.kind)
                elif way == "shape":
                    made[key] = marks.mark(value)
                elif way == "consent" and (value == "granted" or value == "denied"):
                    made[key] = value
                else:
                    made[key] = self._text(value, rule)
            elif kind is float or kind is int:
                usual = way == "text" and -_LARGE_OF_SHOPS < value < _LARGE_OF_SHOPS
                made[key] = value if usual else self._number(value, rule)
            elif depth == DEEPEST:
                made[key] = self._other(value, rule, depth)
            elif kind is dict:
                made[key] = self.group(value, below(rule), depth + 1)
            elif kind is list:
                made[key] = self._list(value, rule, depth)
            else:
                made[key] = self._other(value, rule, depth)
        if more:
            made[CUT] = f"{more} more"
        return made

    def _is_known(self, item: Mapping[str, Any]) -> bool:
        """Whether an item has nothing but fields and values that have been seen in one before, and stayed as they
        are."""
        if not _OF_ITEMS.issuperset(item) or self.marks.strict:
            return False
        values = item.values()
        try:
            if not _seen.issuperset(values):
                if len(_seen) >= _MOST_SEEN:
                    _seen.clear()
                _seen.update(value for value in values if _stays(value))
                if not _seen.issuperset(values):
                    return False
        except TypeError:  # a list, or a group
            return False
        self.left -= len(item)
        self.marks.kept += [value for value in values if type(value) is str]
        return self.left >= 0

    def _text(self, text: str, rule: Rule) -> str:
        """A text of a field of other ways than the usual ones."""
        marks, way = self.marks, rule.way
        if way == "id":
            return marks.id(text)
        if way == "address" or (way == "word" and "/" in text and is_address(text)):
            return self.address(text)
        if SLUGS[text] or (way == "consent" and is_consent_word(text)):
            return marks.keep(text)
        return marks.mark(text, rule.kind)

    def _number(self, value: float, rule: Rule) -> Any:
        size = abs(value)
        match rule.way:
            case "person":
                marks = self.marks
                marks.watch(str(value) if size < _LARGE_OF_SHOPS else "")
                return marks.mark_number(value, rule.kind)
            case "text" | "id":
                return value if size < _LARGE_OF_SHOPS or value != value else self.marks.mark_number(value)
        if size < _WATCHED_FROM or value != value:
            return value
        if size >= _LARGE and not _MOMENTS[0] <= value < _MOMENTS[1]:
            return self.marks.mark_number(value)
        return value if self.marks.keep(text := str(value)) == text else self.marks.mark_number(value)

    def _other(self, value: Any, rule: Rule, depth: int) -> Any:
        """The value of a field that is neither text nor number."""
        if value is None:
            return None
        if type(value) is bool:
            return "[true or false]" if rule.way == "person" else value
        if depth >= DEEPEST:
            return f"{CUT} deeper"
        if isinstance(value, Mapping):
            return self.group(value, below(rule), depth + 1)
        if isinstance(value, list | tuple):
            return self._list(value, rule, depth)
        return self.marks.mark(str(type(value)))

    def _list(self, values: list[Any] | tuple[Any, ...], rule: Rule, depth: int) -> list[Any]:
        self.left -= len(values)
        more = min(max(0, -self.left), len(values))
        made = [self._one(value, rule, depth) for value in islice(values, len(values) - more)]
        if more:
            made.append(f"{CUT} {more} more")
        return made

    def _one(self, value: Any, rule: Rule, depth: int) -> Any:
        """A value of a list."""
        kind, way = type(value), rule.way
        if kind is dict and depth < DEEPEST:
            return self.group(value, below(rule), depth + 1)
        if kind is float or kind is int:
            return self._number(value, rule)
        if kind is not str:
            return self._other(value, rule, depth + 1)
        if way == "person":
            return self.marks.mark_person(value, rule.kind)
        if way == "shape":
            return self.marks.mark(value)
        return self.marks.text(value) if way == "text" else self._text(value, rule)

    def address(self, text: str) -> str:
        """What should be an address."""
        if not is_address(text):
            return text if text == "null" else self.marks.mark(text)
        if self.left < 0:
            return CUT
        self.left -= FIELDS_OF_ADDRESS
        return cut(masked_address(parse_address(text), self.marks))


_OF_ITEMS = frozenset(ITEM_FIELDS)
_MOST_SEEN = 4096
_seen: set[str | float] = set()
"""Values of items. They are the same over and over, so that most items need no look at each of theirs."""


def _stays(value: Any) -> bool:
    """Whether a value of an item stays as it is, whatever field of an item it is in."""
    if type(value) is str:
        return len(value) <= LONGEST_VALUE and TEXTS[value] == value
    return (type(value) is int or type(value) is float) and -_LARGE_OF_SHOPS < value < _LARGE_OF_SHOPS


def cut(address: str) -> str:
    """A masked address of bounded length."""
    return address if len(address) <= LONGEST_ADDRESS else address[: LONGEST_ADDRESS - 1] + CUT
