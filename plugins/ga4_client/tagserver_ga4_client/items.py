"""The items of a hit: `pr1=idLMP-204~nmStehlampe ~~B~pr129.9~qt2~k0farbe~v0gelb`.

Fields stand between single tildes, and a tilde within a value is doubled. The first two letters say which field it is;
own fields come in pairs, `kN` with their name and `vN` with their value, N counted from 0. Of which type an own value
was is not said, so that it stays text. Source: hits of gtag.js, builds of 2023 and 2025.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from tagserver.plugin.inbound import Note
from tagserver_ga4_client.reading import Notes, numeral

MOST_ITEMS = 200
"""That Google's tag sends with an event."""
MOST_OWN = 50
"""Own fields of one item; Google takes 27."""
LONGEST_NAME = 100
MOST_TOKENS = 22 + 2 * MOST_OWN
"""Of one item that are read."""
_TILDE = "\ud800"
"""Stands for a doubled one: half a character, which no text that was decoded holds."""

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "id": "item_id",
        "nm": "item_name",
        "br": "item_brand",
        "va": "item_variant",
        "ca": "item_category",
        "c2": "item_category2",
        "c3": "item_category3",
        "c4": "item_category4",
        "c5": "item_category5",
        "pr": "price",
        "qt": "quantity",
        "ds": "discount",
        "cp": "coupon",
        "lp": "index",
        "li": "item_list_id",
        "ln": "item_list_name",
        "af": "affiliation",
        "lo": "location_id",
        "pi": "promotion_id",
        "pn": "promotion_name",
        "cn": "creative_name",
        "cs": "creative_slot",
    }
)
NUMBERS = frozenset({"price", "quantity", "discount", "index"})
_KEY = re.compile(r"pr([1-9][0-9]{0,3})\Z")


def tokens(text: str) -> Iterator[str]:
    """What stands between single tildes, with doubled ones as the one that they stand for."""
    parts = text.replace("~~", _TILDE).split("~", MOST_TOKENS)
    return (part.replace(_TILDE, "~") for part in parts[:MOST_TOKENS])


def place_of(key: str) -> int | None:
    """The place of an item in the list, from 1, by its key in a hit; None for a key that is none."""
    found = _KEY.match(key)
    return int(found[1]) if found else None


def read_item(text: str, path: str, notes: Notes) -> dict[str, Any]:
    """One item. `path`: where it stands in the hit, for the notes on what is left out."""
    item: dict[str, Any] = {}
    own: dict[str, Any] = {}
    number, named = 0, ""
    for token in tokens(text):
        code, value = token[:2], token[2:]
        if (field := FIELDS.get(code)) is not None:
            if field not in NUMBERS:
                item[field] = value
            elif (found := numeral(value)) is not None:
                item[field] = found
            elif value:
                notes.add(Note(f"{path}.{field}", "wrong_type", f"{path}.{field} is not a number; left out"))
        elif code[:1] == "k" and code[1:].isdecimal():
            number, named = _name_of(token, number)
        elif code[:1] == "v" and code[1:].isdecimal() and named:
            mark = f"v{number - 1}"
            if token.startswith(mark) and len(own) < MOST_OWN and len(named) <= LONGEST_NAME:
                own[named] = token[len(mark) :]
            named = ""
    return {**own, **item}


def _name_of(token: str, expected: int) -> tuple[int, str]:
    """The number of the next own field, and the name of this one. A name may begin with a digit: that they are counted
    tells where the number ends."""
    mark = f"k{expected}"
    if token.startswith(mark):
        return expected + 1, token[len(mark) :]
    return int(token[1]) + 1, token[2:]


def read_items(hit: Mapping[str, str], notes: Notes) -> list[dict[str, Any]]:
    """The items of a hit in their order, at most two hundred."""
    found = sorted((place, key) for key in hit if key.startswith("pr") and (place := place_of(key)) is not None)
    if len(found) > MOST_ITEMS:
        notes.add(Note("items", "too_many", f"items has more than {MOST_ITEMS} entries; the first ones are read"))
    items = [read_item(hit[key], key, notes) for _, key in found[:MOST_ITEMS]]
    return [item for item in items if item]
