"""One JSON Schema of all files of a configuration folder, with the settings of the installed plugins: editors complete
and check by it.

A file is a list of cases (`*.test.yaml`), or a map with keys of `server.yaml` or of the container. The schema knows
shapes; whether names exist and templates can be read is what `tagserver check` finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.config.clients import clients_schema
from tagserver.config.compile import CONTAINER
from tagserver.config.conditions import CONDITIONS, OPERATOR, WHEN
from tagserver.config.schema_parts import ANY, Schema, by_key, described, many, record, ref
from tagserver.config.server import SERVER
from tagserver.config.settings import destination
from tagserver.config.tags import TAG
from tagserver.config.transformations import TRANSFORMATION
from tagserver.config.triggers import TRIGGER
from tagserver.config.variable_types import BESIDE, TYPES
from tagserver.explain.cases import CASE
from tagserver.plugin.registry import Registry
from tagserver.plugin.variable import Variable

MODELINE = "# yaml-language-server: $schema=./.tagserver/schema.json"
"""The first line of a file whose folder holds the schema: editors find it by that."""


def json_schema(registry: Registry) -> dict[str, Any]:
    """The schema, as plain data."""
    clients = described(clients_schema(registry.clients), SERVER.keys["clients"].schema["description"])
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tagserver",
        "description": "The configuration of tagserver, with the plugins that are installed here.",
        "if": {"type": "array"},
        "then": many(ref("case")),
        "else": {
            "type": ["object", "null"],
            "properties": {**CONTAINER.schema["properties"], **SERVER.schema["properties"], "clients": clients},
            "additionalProperties": False,
        },
        "definitions": {
            "case": CASE.schema,
            "conditions": CONDITIONS,
            "destination": destination(registry.destinations),
            "operator": OPERATOR.schema,
            "tag": TAG.schema,
            "transformation": TRANSFORMATION.schema,
            "trigger": TRIGGER.schema,
            "variable": variable(registry.variables),
            "when": WHEN,
        },
    }


def variable(brought: Mapping[str, Variable]) -> Schema:
    """One entry of `variables:`. `brought` are the types of plugins."""
    beside = {one.name for one in BESIDE}
    types = {
        name: (
            one.keys[name].schema,
            {key: held.schema for key, held in one.keys.items() if key not in {name, *beside}},
        )
        for name, one in TYPES.items()
    }
    for name, plugin in brought.items():
        inputs = record({key: described(ANY, doc) for key, doc in plugin.inputs.items()}, plugin.needed)
        if not plugin.needed:
            inputs["type"] = ["object", "null"]
        types[name] = (described(inputs, (plugin.__doc__ or "").strip().partition("\n")[0]), {})
    return by_key(types, {one.name: one.schema for one in BESIDE})
