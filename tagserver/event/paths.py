"""Paths into plain data: what stands at one, and copies with something there, elsewhere or gone.

A step into a list is the number of an element, or a name, which means each of its objects. A list never gives way to a
map. Names are compared in one form (NFC), however a sender writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tagserver.event.event import MISSING
from tagserver.event.spelling import key_of

Tree = Mapping[str, Any]
"""Paths by their steps: a step leads to what is below it, or to True, which is all of it."""


def index_of(part: str, values: Sequence[Any]) -> int | None:
    """The number that a step of a path is in a list, from 0; None when it is none, or beyond the list's end."""
    index = int(part) if part.isascii() and part.isdigit() and len(part) < 6 else len(values)
    return index if index < len(values) else None


def is_number(part: str) -> bool:
    """Whether a step of a path is the number of an element."""
    return part.isascii() and part.isdigit()


def walk(value: Any, path: Sequence[str]) -> Any:
    """The one value at a path inside an object or list."""
    for part in path:
        if isinstance(value, Mapping) and (key := key_of(value, part)) in value:
            value = value[key]
        elif isinstance(value, list) and (index := index_of(part, value)) is not None:
            value = value[index]
        else:
            return MISSING
    return value


def written(data: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """A copy with a value at a path; what stands in the way gives way, but for lists."""
    first, *rest = path
    first = key_of(data, first)
    return {**data, first: _within(data.get(first), rest, value) if rest else value}


def _within(group: Any, path: Sequence[str], value: Any) -> Any:
    """A copy of what stands there with a value at a path in it; a number beyond a list's end changes nothing."""
    if not isinstance(group, list):
        return written(group if isinstance(group, Mapping) else {}, path, value)
    first, *rest = path
    if not is_number(first):
        return [written(one, path, value) if isinstance(one, Mapping) else one for one in group]
    if (index := index_of(first, group)) is None:
        return group
    return [*group[:index], _within(group[index], rest, value) if rest else value, *group[index + 1 :]]


def without(data: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """A copy without what stands at a path."""
    first, *rest = path
    first = key_of(data, first)
    if first not in data:
        return dict(data)
    if not rest:
        return {key: value for key, value in data.items() if key != first}
    return {**data, first: _lacking(data[first], rest)}


def _lacking(group: Any, path: Sequence[str]) -> Any:
    if isinstance(group, Mapping):
        return without(group, path)
    if not isinstance(group, list):
        return group
    first, *rest = path
    if not is_number(first):
        return [without(one, path) if isinstance(one, Mapping) else one for one in group]
    if (index := index_of(first, group)) is None:
        return group
    return [*group[:index], *([_lacking(group[index], rest)] if rest else []), *group[index + 1 :]]


def moved(data: Mapping[str, Any], old: Sequence[str], new: Sequence[str]) -> dict[str, Any]:
    """A copy in which what stood at one path stands at another. Where both lead through the elements of one list, that
    is so in each of them."""
    if (value := walk(data, old)) is not MISSING:
        return written(without(data, old), new, value)
    shared = 0
    while shared < min(len(old), len(new)) - 1 and old[shared] == new[shared]:
        shared += 1
        held = walk(data, old[:shared])
        if isinstance(held, list) and not is_number(old[shared]):
            rows = [moved(one, old[shared:], new[shared:]) if isinstance(one, Mapping) else one for one in held]
            return written(data, old[:shared], rows)
    return dict(data)


def tree_of(paths: Sequence[Sequence[str]]) -> Tree:
    """Some paths as one tree; what is below a path that is among them is in it anyway."""
    tree: dict[str, Any] = {}
    for *way, last in sorted(paths, key=len):
        branch = tree
        for part in way:
            below = branch.setdefault(part, {})
            if below is True:
                break
            branch = below
        else:
            branch[last] = True
    return tree


def only(data: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    """A copy with nothing but what stands at the paths of a tree. An element of a list of which nothing is left
    goes."""
    kept = _kept(data, tree)
    return kept if isinstance(kept, dict) else {}


def _kept(value: Any, tree: Any) -> Any:
    if tree is True:
        return value
    if isinstance(value, Mapping):
        made = {
            key: kept
            for name, below in tree.items()
            if (key := key_of(value, name)) in value and (kept := _kept(value[key], below)) is not MISSING
        }
        return made or MISSING
    if not isinstance(value, list):
        return MISSING
    each = {name: below for name, below in tree.items() if not is_number(name)}
    numbered = {index: tree[name] for name in tree if is_number(name) and (index := index_of(name, value)) is not None}
    rows = []
    for index, one in enumerate(value):
        below = numbered.get(index, {})
        kept = _kept(one, True if below is True else {**each, **below})
        if kept is not MISSING:
            rows.append(kept)
    return rows or MISSING
