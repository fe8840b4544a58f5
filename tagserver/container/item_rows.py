"""Which items of a list, and which of their fields under which names: a variable and a transformation ask alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.container.decode import Decoder, plain
from tagserver.container.near_names import NearNames
from tagserver.container.source import Map, Node, Scalar, Sequence
from tagserver.language import derive

KEYS = ("where", "fields")
Rows = Callable[[Any], list[Mapping[str, Any]]]


def compile_rows(nodes: Mapping[str, Node], path: str, decoder: Decoder) -> Rows:
    """A function of a list to the items that fit `where`, of each the `fields` under their new names."""
    wanted = decoder.map(nodes.get("where"), f"{path}.where")
    where = {key: _as_list(held) for key, (_, held) in wanted.items()}
    fields = {
        key: text
        for key, (_, held) in decoder.map(nodes.get("fields"), f"{path}.fields").items()
        if (text := decoder.text(held, f"{path}.fields.{key}")) is not None
    }

    def rows(items: Any) -> list[Mapping[str, Any]]:
        found = derive.items_where(items, where)
        return [{new: row[old] for new, old in fields.items() if old in row} for row in found] if fields else found

    return rows


def look_at_fields(nodes: Mapping[str, Node], path: str, near: NearNames) -> None:
    """Of the items of an order, the fields that look misspelt, wherever a variable or transformation names them."""
    where, fields = nodes.get("where"), nodes.get("fields")
    named = [(key, "where") for key, _ in (where.entries if isinstance(where, Map) else ())]
    if isinstance(fields, Map):
        named += [(held, "fields") for _, held in fields.entries if isinstance(held, Scalar)]
    for key in ("pluck", "sum"):
        held = nodes.get(key)
        named += [
            (one, key) for one in (held.items if isinstance(held, Sequence) else (held,)) if isinstance(one, Scalar)
        ]
    for one, key in named:
        near.item_field(one.text, one.place, f"{path}.{key}")


def _as_list(node: Node) -> list[Any]:
    value = plain(node)
    return value if isinstance(value, list) else [node.text if isinstance(node, Scalar) else value]
