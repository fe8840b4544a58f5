"""Which items of a list, which of their fields under which names, and what is made of each: `tee_{{ item.item_id }}`.
A variable and a transformation ask alike.

What holds no item is worked out once for each event. The cost is the number of items by the size of the template: a
value of the event that stands beside an item is a text, number or flag, and the texts that one field of all items comes
to have at most `LONGEST` characters; what would be longer has no value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.config.keys import Block, Key, compiled
from tagserver.config.lint.comparisons import Comparison
from tagserver.config.lint.near_names import NearNames
from tagserver.config.names import Names
from tagserver.config.schema_parts import ANY, TEXT, table
from tagserver.config.yaml.decode import Decoder, plain
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.event.paths import walk
from tagserver.event.spelling import nfc
from tagserver.event.values import join_text
from tagserver.expressions import derive
from tagserver.expressions.derive import field_of
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import ITEM, BadTemplate, Reference, parse_template

LONGEST = 1 << 18
"""Characters of texts that one field of all items of a list may come to."""

Item = Mapping[str, Any]
Making = Callable[[Scope], Callable[[Item], Any]]
"""Of one event the function of an item to its value, MISSING for none."""


def compile_per_item(node: Node, text: str, names: Names, path: str) -> Making | None:
    """What a field of each item is made by: its name in the item, or a template. None after a problem."""
    if "{{" not in text:
        field = nfc(text)
        return lambda scope: lambda item: field_of(item, field)
    pieces = names.pieces(text, node.place, path)
    if pieces is None:
        return None
    parts = [_part(piece, node, names, path) for piece in pieces]
    if any(part is None for part in parts):
        return None
    sound = [part for part in parts if part is not None]
    # Blanks around a lone reference are not part of a text.
    solid = [
        part for part, piece in zip(sound, pieces, strict=True) if not (isinstance(piece, str) and not piece.strip())
    ]
    alone = len(solid) == 1 and not all(isinstance(piece, str) for piece in pieces)
    return _alone(solid[0]) if alone else _joined(sound)


def fields_named(text: str) -> list[str]:
    """The fields of an item that a text names: itself, or those of its template; none of one that cannot be read."""
    if "{{" not in text:
        return [text]
    try:
        names = [piece.name for piece in parse_template(text) if isinstance(piece, Reference)]
    except BadTemplate:
        return []
    return [name.split(".")[1] for name in names if name.startswith(f"{ITEM}.")]


Part = str | Value | tuple[str, ...]
"""A literal text, a value of the event, or the way to a field of the item."""


def _part(piece: str | Reference, node: Node, names: Names, path: str) -> Part | None:
    if isinstance(piece, str):
        return piece
    root, _, way = piece.name.partition(".")
    if root == ITEM:
        return tuple(way.split("."))
    return names.value(piece.name, node.place, path)


def _alone(part: Part) -> Making:
    """A lone reference keeps the type of its value."""
    if isinstance(part, tuple):
        return lambda scope: lambda item: walk(item, part)

    def making(scope: Scope) -> Callable[[Item], Any]:
        fixed = _of_event(part, scope)
        room = _Room()
        return lambda item: fixed if not isinstance(fixed, str) or room.holds(len(fixed)) else MISSING

    return making


def _joined(parts: list[Part]) -> Making:
    """A text; without the value of a field of the item there is none."""

    def making(scope: Scope) -> Callable[[Item], Any]:
        fixed = [part if isinstance(part, tuple) else join_text(_of_event(part, scope)) for part in parts]
        room = _Room()

        def made(item: Item) -> Any:
            texts: list[str] = []
            for part in fixed:
                value = part if isinstance(part, str) else walk(item, part)
                if value is MISSING or value is None or isinstance(value, dict | list):
                    return MISSING
                texts.append(join_text(value))
            return "".join(texts) if room.holds(sum(map(len, texts))) else MISSING

        return made

    return making


def _of_event(part: Part, scope: Scope) -> Any:
    if isinstance(part, str):
        return part
    assert not isinstance(part, tuple)
    value = part(scope)
    return MISSING if isinstance(value, dict | list) else value


class _Room:
    """What is left of `LONGEST` for one field of one list."""

    def __init__(self) -> None:
        self._left = LONGEST

    def holds(self, length: int) -> bool:
        """Whether a text of a length has room; it takes it."""
        if length > self._left:
            return False
        self._left -= length
        return True


WHERE = Key("where", compiled(table(ANY)), "only items whose fields have these values; a list: one of them")
FIELDS = Key(
    "fields",
    compiled(table(TEXT)),
    "new name: name of the item's field, or a template of it: `tee_{{ item.item_id }}`",
)
ITEM_ROWS = Block("", WHERE, FIELDS, minProperties=1)
Rows = Callable[[Any, Scope], list[Mapping[str, Any]]]


def compile_rows(nodes: Mapping[str, Node], path: str, decoder: Decoder, names: Names) -> Rows:
    """A function of a list to the items that fit `where`, of each the `fields` under their new names; an item that has
    none of them is left out."""
    wanted = decoder.map(nodes.get("where"), f"{path}.where")
    where = {key: _as_list(held) for key, (_, held) in wanted.items()}
    for key, (_, held) in wanted.items():
        names.compared += _compared(key, held, f"{path}.where.{key}")
    fields = {
        key: made
        for key, (_, held) in decoder.map(nodes.get("fields"), f"{path}.fields").items()
        if (made := compile_field(held, f"{path}.fields.{key}", decoder, names)) is not None
    }

    def rows(items: Any, scope: Scope) -> list[Mapping[str, Any]]:
        found = derive.items_where(items, where)
        if not fields:
            return found
        made = [(name, making(scope)) for name, making in fields.items()]
        shaped = ({name: value for name, of in made if (value := of(row)) is not MISSING} for row in found)
        return [row for row in shaped if row]

    return rows


def look_at_fields(nodes: Mapping[str, Node], path: str, near: NearNames) -> None:
    """Of the items of an order, the fields that look misspelt, wherever a variable or transformation names them."""
    where, fields = nodes.get("where"), nodes.get("fields")
    named: list[tuple[str, Node, str]] = [
        (key.text, key, "where") for key, _ in (where.entries if isinstance(where, Map) else ())
    ]
    made = [(held, "fields") for _, held in (fields.entries if isinstance(fields, Map) else ())]
    made += [(nodes["pluck"], "pluck")] if "pluck" in nodes else []
    for held, key in made:
        named += [(name, held, key) for name in (fields_named(held.text) if isinstance(held, Scalar) else ())]
    total = nodes.get("sum")
    factors = total.items if isinstance(total, Sequence) else (total,)
    named += [(one.text, one, "sum") for one in factors if isinstance(one, Scalar)]
    for name, node, key in named:
        near.item_field(name, node.place, f"{path}.{key}")


def compile_field(node: Node | None, path: str, decoder: Decoder, names: Names) -> Making | None:
    """What one field is made by; None when there is none, or after a problem."""
    text = decoder.text(node, path)
    return None if node is None or text is None else compile_per_item(node, text, names, path)


def _compared(name: str, held: Node, path: str) -> list[Comparison]:
    """A field of items with what it is compared with."""
    items = held.items if isinstance(held, Sequence) else (held,)
    return [Comparison(f"item.{name}", "one_of", one, items, path) for one in items if isinstance(one, Scalar)]


def _as_list(node: Node) -> list[Any]:
    value = plain(node)
    return value if isinstance(value, list) else [node.text if isinstance(node, Scalar) else value]
