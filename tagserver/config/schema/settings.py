"""The entries under `destinations:` for editors, from the Settings of the installed plugins."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from tagserver.config.schema_parts import FLAG, REFERENCE, SECRET, TEXT, TEXTS, Schema, many, one_of, said, table
from tagserver.plugin import Destination
from tagserver.system.secret import Secret


def destination(known: Mapping[str, type[Destination]]) -> Schema:
    """One entry: the keys that may stand there depend on its type."""
    documented = [
        {"const": name, "description": (cls.__doc__ or "").strip().partition("\n")[0]} for name, cls in known.items()
    ]
    types = said({"anyOf": documented} if documented else TEXT, "Which plugin.")
    return {
        "type": "object",
        "properties": {"type": types, "aliases": said(TEXTS, "Names that it had before: what was queued goes on.")},
        "required": ["type"],
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": _settings(cls)}
            for name, cls in known.items()
        ],
    }


def _settings(cls: type[Destination]) -> Schema:
    hints = typing.get_type_hints(cls.Settings)
    fields = dataclasses.fields(cls.Settings)
    needed = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    properties = {field.name: said(_shape(hints[field.name]), field.metadata.get("doc", "")) for field in fields}
    return {
        "properties": {"type": True, "aliases": True, **properties},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _shape(hint: Any) -> Schema:
    """What may be written for a field of a type, as `tagserver.plugin.settings` lists them."""
    origin = get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(one for one in get_args(hint) if one is not type(None))
        return {"anyOf": [_shape(inner), {"type": "null"}]}
    if origin is Literal:
        return {"anyOf": [one_of(*map(str, get_args(hint))), REFERENCE]}
    if origin in (list, tuple):
        return many(_shape(get_args(hint)[0]))
    if origin is dict or getattr(origin, "__name__", "") == "Mapping":
        return table(_shape(get_args(hint)[1]))
    return {Secret: SECRET, bool: FLAG, int: {"type": "integer"}, float: {"type": "number"}}.get(hint, TEXT)
