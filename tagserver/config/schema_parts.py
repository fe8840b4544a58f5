"""The small shapes that a JSON Schema of the configuration is made of (draft 7, which editors know best)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tagserver.event.consent_fields import PURPOSES

Schema = dict[str, Any]

TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""Text, also written as a number or as true and false."""
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"anyOf": [TEXT, {"type": ["array", "null"], "items": TEXT}]}
REFERENCE: Schema = {"type": "string", "pattern": r"\$\{(env|file):[^}]+\}"}
"""A text with `${env:NAME}` or `${file:/path}` in it."""
SECRET: Schema = {"type": "string", "pattern": r"^\$\{(env|file):[^}]+\}$"}
DURATION: Schema = {"type": "string", "pattern": r"^\d{1,12}(ms|s|m|h|d)$"}
SIZE: Schema = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d{1,15}(B|KiB|MiB|GiB|TiB)?$"}]
}
ANY: Schema = {}
NAMES: Schema = {"type": ["array", "null"], "items": TEXT}
PURPOSE_LIST: Schema = {"type": ["array", "null"], "items": {"enum": list(PURPOSES)}}
NOTES: Schema = {**TEXT, "description": "For people."}


def ref(name: str) -> Schema:
    """What is defined once under `definitions`."""
    return {"$ref": f"#/definitions/{name}"}


def described(shape: Schema, doc: str) -> Schema:
    """A shape with its description."""
    return {"allOf": [shape], "description": doc} if "$ref" in shape else {**shape, "description": doc}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"enum": list(words)}


def many(items: Schema) -> Schema:
    """A list. An empty one may be nothing at all."""
    return {"type": ["array", "null"], "items": items}


def record(properties: Mapping[str, Schema], needed: Sequence[str] = (), **more: Any) -> Schema:
    """A map with these keys and no others."""
    shape: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**shape, **({"required": list(needed)} if needed else {}), **more}


def table(values: Schema) -> Schema:
    """A map with names of the user's own. An empty one may be nothing at all."""
    return {"type": ["object", "null"], "additionalProperties": values}


def by_key(shapes: Mapping[str, tuple[Schema, Mapping[str, Schema]]], beside: Mapping[str, Schema]) -> Schema:
    """A map that is told apart by one key: its shape, and the keys that may stand beside it; `beside`: beside any."""
    properties: Schema = {**beside}
    rules = []
    for key, (shape, more) in shapes.items():
        properties[key] = shape
        properties |= {name: ANY for name in more if name not in shapes}
        names = {"enum": [key, *more, *beside]}
        rules.append({"if": {"required": [key]}, "then": {"propertyNames": names, "properties": dict(more)}})
    kinds: Iterable[Schema] = ({"required": [key]} for key in shapes)
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "oneOf": list(kinds),
        "allOf": rules,
    }
