"""What marketing's files mean: a short hash that comments, blanks and the order of keys do not change. It is the
version of a container.

Order counts where the container goes by it: in every list (so of tags), of transformations and of the fields that one
sets or renames, and in tables of regular expressions. In which file something stands counts for nothing, but for that
order. `server.yaml` is operations', and no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence, parse

SERVER_FILE = "server.yaml"
LENGTH = 12
"""Characters of a version."""
_IN_ORDER = "transformations"
"""The root whose names stand in an order that means something."""


def version_of(texts: Mapping[str, bytes]) -> str:
    """The version that some files are. One that cannot be read means what its bytes are."""
    trees: dict[str, Node | None] = {}
    unread: list[str] = []
    for name, content in sorted(texts.items()):
        if name == SERVER_FILE:
            continue
        problems = Problems()
        trees[name] = parse(content, name, problems)
        if problems.fatal:
            unread.append(f"{name} {hashlib.sha256(content).hexdigest()}")
    return version_of_trees(trees, unread)


def version_of_trees(trees: Mapping[str, Node | None], unread: list[str] | None = None) -> str:
    """The same for files that are parsed already, by their names."""
    roots: dict[str, list[Any]] = {}
    for _, tree in sorted(trees.items()):
        for root, held in _roots(tree):
            roots.setdefault(root, []).append(held)
    meant = {root: _merged(root, found) for root, found in roots.items()}
    text = json.dumps([meant, unread or []], sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:LENGTH]


def _roots(tree: Node | None) -> list[tuple[str, Any]]:
    if not isinstance(tree, Map):
        return [] if tree is None else [("", _meant(tree))]
    return [(key.text, _transformations(held) if key.text == _IN_ORDER else _meant(held)) for key, held in tree.entries]


def _merged(root: str, found: list[Any]) -> Any:
    """What stands under one root in several files, as if it stood in one. Nothing is lost: a name that two files have
    is there twice."""
    kinds = {one[0] if isinstance(one, list) else None for one in found}
    if None in kinds or len(kinds) > 1:
        return found
    (kind,) = kinds
    entries = [entry for one in found for entry in one[1:]]
    return [kind, *(entries if kind == "list" or root == _IN_ORDER else sorted(entries, key=json.dumps))]


def _meant(node: Node, in_order: bool = False) -> Any:
    match node:
        case Map():
            asked = _is_asked_in_order(node)
            entries = [
                [key.text, _meant(held, in_order or (asked and key.text == "table"))] for key, held in node.entries
            ]
            return ["map", *(entries if in_order else sorted(entries, key=lambda entry: str(entry[0])))]
        case Sequence():
            return ["list", *(_meant(item, in_order) for item in node.items)]
        case Scalar(value=str()) | Scalar(value=None):
            return node.value
    # A field of text takes a number as it was written: 012 is not 12.
    return {"written": node.text, "is": type(node.value).__name__}


def _transformations(node: Node) -> Any:
    """They apply from top to bottom, and so do the steps of one that sets or renames several fields."""
    if not isinstance(node, Map):
        return _meant(node)
    made = []
    for name, one in node.entries:
        steps = [[key.text, _meant(held, in_order=True)] for key, held in one.entries] if isinstance(one, Map) else []
        made.append([name.text, ["map", *sorted(steps, key=lambda step: str(step[0]))] if steps else _meant(one)])
    return ["map", *made]


def _is_asked_in_order(node: Map) -> bool:
    """Whether its table is one of expressions: the rows are asked from top to bottom."""
    return node.get("regex") is not None and node.get("table") is not None
