"""Keys of YAML blocks, each declared once: the type of its value, its default and its description.

From one declaration come the decoder (a value, or a problem with its place), the JSON Schema for editors, and the rows
of the reference. A block that is a value of its own is a dataclass whose fields are keys (`key`); one whose values are
compiled by hand is a `Block` of `Key`, which hands out the nodes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tagserver.config import schema_parts as parts
from tagserver.config.schema_parts import Schema, described, many, one_of, record, table
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node, parse

WRONG: Any = object()
"""What a type gives for a value that had a problem: the default counts."""
_KEY = "key"
_LINK = re.compile(r"\[([^\[\]\n]+)\]\([^()\s]+\)")


@dataclass(frozen=True, slots=True)
class ValueType:
    """What may stand under a key. `read` gives the value of a node at a path, or `WRONG` with the problem noted; it
    takes the decoder of the file, which may be able to do more than a plain one. `block`: the keys below it."""

    schema: Schema
    read: Callable[[Any, Node, str], Any]
    block: Block | None = None
    below: str = ""
    """What stands between the key and those of its block in the reference: `NAME.` for names of the user's own."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `doc` and `default` as the reference has them: a sentence in Markdown, the value as it is written in
    YAML; a key without a `doc` is a group and has no row of its own. `needed`: the schema requires it. `field`: what
    the value is called in code, where that is another name. `shown`: the default in words, where none can be written.
    """

    name: str
    type: ValueType
    doc: str
    default: str = ""
    needed: bool = False
    field: str = ""
    shown: str = ""

    @property
    def schema(self) -> Schema:
        """Its JSON Schema; links of the reference lead nowhere in an editor, and are plain words there."""
        doc = self.doc or (self.type.block.doc if self.type.block else "")
        return described(self.type.schema, _LINK.sub(r"\1", doc))


class Block:
    """A map with known keys. `doc`: what it is for; `more`: what the schema demands of it besides."""

    def __init__(self, doc: str, *keys: Key, **more: Any) -> None:
        self.doc = doc
        self.keys: Mapping[str, Key] = MappingProxyType({one.name: one for one in keys})
        self._more = more

    @classmethod
    def of(cls, settings: type, doc: str) -> Block:
        """The block whose keys are the fields of a dataclass."""
        fields = [(one.name, one.metadata[_KEY]) for one in dataclasses.fields(settings) if _KEY in one.metadata]
        return cls(doc, *(dataclasses.replace(one, name=one.name or field, field=field) for field, one in fields))

    def nodes(self, d: Decoder, node: Node | None, path: str) -> dict[str, Node]:
        """The nodes by their keys; an unknown key is a problem."""
        return {name: held for name, (_, held) in d.map(node, path, self.keys).items()}

    def values(self, d: Decoder, nodes: Mapping[str, Node], path: str) -> dict[str, Any]:
        """The values of what is written, by field; what has a problem is left out, for its default to count."""
        found: dict[str, Any] = {}
        for name, node in nodes.items():
            one = self.keys[name]
            value = one.type.read(d, node, f"{path}.{name}" if path else name)
            if value is not WRONG:
                found[one.field or name] = value
        return found

    def read(self, d: Decoder, node: Node | None, path: str) -> dict[str, Any]:
        """The values of a map, by field."""
        return self.values(d, self.nodes(d, node, path), path)

    @property
    def schema(self) -> Schema:
        """Its JSON Schema."""
        properties = {one.name: one.schema for one in self.keys.values()}
        return record(properties, [one.name for one in self.keys.values() if one.needed], **self._more)

    def rows(self, prefix: str = "") -> Iterator[tuple[str, str, str]]:
        """The rows of the reference: name, default and description of each key, those of groups below their names."""
        for one in self.keys.values():
            if one.doc:
                yield f"`{prefix}{one.name}`", f"`{one.default}`" if one.default else one.shown, one.doc
            if one.type.block is not None:
                yield from one.type.block.rows(f"{prefix}{one.name}.{one.type.below}")

    def as_type(self, make: Callable[..., Any] = dict) -> ValueType:
        """The block as the value of a key; `make` takes its values by their fields."""
        return ValueType(self.schema, lambda d, node, path: make(**self.read(d, node, path)), self)


def key(of: ValueType, default: str, doc: str, *, name: str = "", otherwise: Any = None, shown: str = "") -> Any:
    """A field of a dataclass that is a key of a block. `default` as it is written in YAML, "" for none: then the value
    is `otherwise`, and `shown` says it in words. `name`: where the key is spelt otherwise than the field."""
    value = default_of(of, default) if default else otherwise
    return dataclasses.field(default_factory=lambda: value, metadata={_KEY: Key(name, of, doc, default, shown=shown)})


def group(settings: Callable[..., Any], block: Block, read: Callable[[Any, Node, str], Any] | None = None) -> Any:
    """A field of a dataclass that is a block of its own; `read` where it does more than to take each value."""
    of = ValueType(block.schema, read or block.as_type(settings).read, block)
    return dataclasses.field(default_factory=settings, metadata={_KEY: Key("", of, "")})


def default_of(of: ValueType, written: str) -> Any:
    """The value of a default as it is written."""
    problems = Problems()
    node = parse(written.encode(), "", problems)
    assert node is not None, written
    value = of.read(Decoder(problems), node, "")
    assert value is not WRONG, written
    return value


# ── types of values ──────────────────────────────────────────────────────────────────────────────────────────────────


def _text(d: Decoder, node: Node, path: str) -> Any:
    text = d.text(node, path)
    return WRONG if text is None else text


def _name(d: Decoder, node: Node, path: str) -> Any:
    text = d.name(node, path)
    return WRONG if text is None else text


TEXT = ValueType(parts.TEXT, _text)
NAME = ValueType(parts.TEXT, _name)
"""A text that names something, in the form in which names are compared."""
TEXTS = ValueType(parts.TEXTS, lambda d, node, path: d.texts(node, path))
"""A list of texts, or one alone."""
FLAG = ValueType(parts.FLAG, lambda d, node, path: d.flag(node, path, WRONG))
SIZE = ValueType(parts.SIZE, lambda d, node, path: d.size(node, path, WRONG))
"""Bytes."""
DURATION = ValueType(parts.DURATION, lambda d, node, path: d.duration(node, path, WRONG))
"""Seconds."""


def whole(lowest: int = 0) -> ValueType:
    """A whole number of at least `lowest`."""
    return ValueType({"type": "integer", "minimum": lowest}, lambda d, node, path: d.whole(node, path, WRONG, lowest))


def choice(*words: str) -> ValueType:
    """One of some words."""
    return ValueType(one_of(*words), lambda d, node, path: d.choice(node, path, words, WRONG))


def text_like(pattern: re.Pattern[str], fault: str, hint: str = "") -> ValueType:
    """A text that a pattern matches; `fault` is what any other one is: `is no country`."""

    def read(d: Decoder, node: Node, path: str) -> Any:
        text = d.text(node, path)
        if text is None or pattern.match(text):
            return WRONG if text is None else text
        d.problems.add("E115", node.place, path, f'"{text}" {fault}', hint)
        return WRONG

    return ValueType(parts.TEXT, read)


def each(item: ValueType, into: Callable[[Iterable[Any]], Any] = tuple) -> ValueType:
    """A list of values, of which those with problems are left out."""

    def read(d: Decoder, node: Node, path: str) -> Any:
        found = [item.read(d, one, where) for one, where in d.list(node, path)]
        return into(value for value in found if value is not WRONG)

    return ValueType(many(item.schema), read)


def named(value: ValueType) -> ValueType:
    """A map with names of the user's own; values with problems are left out."""

    def read(d: Decoder, node: Node, path: str) -> Any:
        found = {name: value.read(d, held, f"{path}.{name}") for name, (_, held) in d.map(node, path).items()}
        return {name: one for name, one in found.items() if one is not WRONG}

    return ValueType(table(value.schema), read, value.block, "NAME.")


def compiled(schema: Schema, block: Block | None = None) -> ValueType:
    """What is compiled by whoever reads the block: the node itself."""
    return ValueType(schema, lambda d, node, path: node, block)


NOTES = Key("notes", TEXT, "for people")
"""Of anything that has a name."""
