"""Which items of a list, and which of their fields under which names: a variable and a transformation ask alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.config.lint.compared import Comparison
from tagserver.config.lint.near_names import NearNames
from tagserver.config.names import Names
from tagserver.config.per_item import Making, compile_per_item, fields_named
from tagserver.config.yaml.decode import Decoder, plain
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.event.event import MISSING
from tagserver.expressions import derive
from tagserver.expressions.scope import Scope

KEYS = ("where", "fields")
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
