"""A plugin's Settings dataclass: filled from YAML with every mistake named, and its JSON Schema for editors."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from tagserver.config.event_map import MAP, WHEN, read_event_map, read_event_test
from tagserver.config.keys import FLAG, TEXT, TEXTS, WRONG, Block, Key
from tagserver.config.references import ExternalValues, ServerDecoder
from tagserver.config.schema_parts import REFERENCE, SECRET, Schema, described, many, one_of, table
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node, Scalar
from tagserver.config.yaml.suggestions import did_you_mean, known_are
from tagserver.plugin import Destination
from tagserver.plugin.event_map import EventMap, EventTest
from tagserver.system.secret import Secret

ENTRY = Block(
    "",
    Key("type", TEXT, "required: which plugin", needed=True),
    Key("aliases", TEXTS, "names that the destination had before: `[old]`. What was queued under them is still sent"),
)
"""The keys of any destination; all others are its plugin's."""


class SettingsReader:
    """Reads the settings of one destination, or of a client in `server.yaml` (`server`: then texts may name any
    variable). `beside`: the host's own keys of that map, which may be what a misspelt one means. `missing` collects why
    it must pause (unset variables)."""

    def __init__(
        self,
        external: ExternalValues,
        problems: Problems,
        path: str,
        server: ServerDecoder | None = None,
        beside: Iterable[str] = (),
    ) -> None:
        self._beside = tuple(beside)
        self._server = server
        self._external = external
        self._problems = problems
        self._decoder = Decoder(problems)
        self._path = path
        self.missing: list[str] = []
        self.unusable = False

    def read(self, settings: type, key: Scalar, nodes: Mapping[str, tuple[Scalar, Node]]) -> Any | None:
        """An instance of the dataclass, or None after a problem (or when a variable it cannot do without is unset)."""
        fields = {field.name: field for field in dataclasses.fields(settings)}
        values = self._values(settings, fields, nodes)
        for name, field in fields.items():
            needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if needed and name not in nodes:
                self._decoder.missing(key.place, self._path, name, field.metadata.get("doc", ""))
                values = None
        return None if values is None else settings(**values)

    def for_tag(self, settings: Any, nodes: Mapping[str, tuple[Scalar, Node]]) -> Any | None:
        """An instance in which some fields are set anew, for one tag; None after a problem."""
        fields = {field.name: field for field in dataclasses.fields(settings) if field.metadata.get("per_tag")}
        values = self._values(type(settings), fields, nodes)
        return None if values is None else dataclasses.replace(settings, **values)

    def _values(
        self,
        settings: type,
        fields: Mapping[str, dataclasses.Field[Any]],
        nodes: Mapping[str, tuple[Scalar, Node]],
    ) -> dict[str, Any] | None:
        """What is written for some of the fields, or None after a problem."""
        hints = typing.get_type_hints(settings)
        values: dict[str, Any] = {}
        sound = True
        for name, (name_key, node) in nodes.items():
            path = f"{self._path}.{name}"
            field = fields.get(name)
            if field is None:
                self._unknown(name, settings, fields, name_key, path)
                sound = False
                continue
            value = self._value(hints[name], node, path)
            check = field.metadata.get("check")
            if value is WRONG:
                sound = False
            elif check is not None and value is not None and (said := check(value)) is not None:
                self._problems.add("E115", node.place, path, f"{path}: {said}")
                sound = False
            else:
                values[name] = value
        return values if sound else None

    def _unknown(self, name: str, settings: type, fields: Iterable[str], key: Scalar, path: str) -> None:
        if name in {field.name for field in dataclasses.fields(settings)}:
            message = f"{path} is the same for all tags: their events share requests"
            hint = "make a destination of its own for this tag; " + known_are(fields)
            self._problems.add("E115", key.place, path, message, hint.removesuffix("; "))
            return
        known = [*self._beside, *fields]
        hint = (
            self._problems.mean(self._path, name, known)
            or known_are(known)
            or "there is nothing to set here: remove it"
        )
        self._problems.add("E110", key.place, path, f'unknown key "{name}" in {self._path}', hint)

    def _value(self, hint: Any, node: Node, path: str) -> Any:
        origin = get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            choices = [one for one in get_args(hint) if one is not type(None)]
            if isinstance(node, Scalar) and node.value is None:
                return None
            return self._value(choices[0], node, path)
        if hint is Secret:
            return self._secret(node, path)
        if hint is EventMap:
            return read_event_map(node, path, self._external, self._problems)
        if hint is EventTest:
            return read_event_test(node, path, self._external, self._problems)
        if hint is bool:
            return self._checked(isinstance(node, Scalar) and isinstance(node.value, bool), node, path, "true or false")
        if hint is int:
            return self._checked(isinstance(node, Scalar) and type(node.value) is int, node, path, "a whole number")
        if hint is float:
            number = isinstance(node, Scalar) and type(node.value) in (int, float)
            return self._checked(number, node, path, "a number")
        if origin is Literal:
            text = self._text(node, path)
            words = [str(word) for word in get_args(hint)]
            if text is WRONG or text in words:
                return text
            said = did_you_mean(text, words) or f"choose one of {', '.join(words)}"
            shown = self._decoder.text(node, path)
            self._problems.add("E115", node.place, path, f'{path} cannot be "{shown}"', said)
            return WRONG
        if origin in (list, tuple):
            inner = get_args(hint)[0]
            items = [self._value(inner, item, where) for item, where in self._decoder.list(node, path)]
            made: Any = WRONG if any(item is WRONG for item in items) else items
            return tuple(made) if origin is tuple and made is not WRONG else made
        if origin in (dict, Mapping) or getattr(origin, "__name__", "") == "Mapping":
            inner = get_args(hint)[1]
            entries = {
                name: self._value(inner, one, f"{path}.{name}")
                for name, (_, one) in self._decoder.map(node, path).items()
            }
            return WRONG if any(value is WRONG for value in entries.values()) else entries
        return self._text(node, path)

    def _checked(self, sound: bool, node: Node, path: str, wanted: str) -> Any:
        if sound:
            assert isinstance(node, Scalar)
            return node.value
        self._decoder.wrong(node, path, wanted)
        return WRONG

    def _text(self, node: Node, path: str) -> Any:
        text = self._decoder.text(node, path)
        if text is None:
            return WRONG
        if self._server is not None:
            read = self._server.filled(node, path)
            return WRONG if read is None else read
        if "{{" in text:
            hint = "write one destination for each account; ${env:NAME} differs from server to server"
            self._problems.add("E115", node.place, path, f"{path} is the same for every event", hint)
            return WRONG
        filled = self._external.text(text, node.place, path, self._problems, free=False)
        if filled is None:
            return WRONG
        value, why = filled
        if why is not None:
            self._problems.add(
                "P210", node.place, path, f"{path}: {why}", "its destination is paused until it is there"
            )
            self.missing.append(f"{path}: {why}")
            self.unusable = True
            return WRONG
        return value

    def _secret(self, node: Node, path: str) -> Any:
        text = self._decoder.text(node, path)
        if text is None:
            return WRONG
        if self._server is not None:
            owned = self._server.secret(node, path)
            return WRONG if owned is None else Secret(owned)
        found = self._external.secret(text, node.place, path, self._problems)
        if found is None:
            return WRONG
        value, why = found
        if why is not None:
            # The rest of the settings can be used: events are taken and kept until the secret is there.
            self.missing.append(f"{path}: {why}")
        return Secret(value)


def destination(known: Mapping[str, type[Destination]]) -> Schema:
    """One entry: the keys that may stand there depend on its type."""
    documented = [
        {"const": name, "description": (cls.__doc__ or "").strip().partition("\n")[0]} for name, cls in known.items()
    ]
    types = described({"anyOf": documented} if documented else TEXT.schema, "Which plugin.")
    return {
        "type": "object",
        "properties": {"type": types, "aliases": ENTRY.keys["aliases"].schema},
        "required": ["type"],
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": _settings(cls)}
            for name, cls in known.items()
        ],
    }


def _settings(cls: type[Destination]) -> Schema:
    made = settings_schema(cls.Settings)
    return {**made, "properties": {"type": True, "aliases": True, **made["properties"]}}


def settings_schema(settings: type) -> Schema:
    """The keys of a settings dataclass."""
    hints = typing.get_type_hints(settings)
    fields = dataclasses.fields(settings)
    needed = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    properties = {
        field.name: described(_schema_of(hints[field.name]), field.metadata.get("doc", "")) for field in fields
    }
    return {
        "properties": properties,
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _schema_of(hint: Any) -> Schema:
    """What may be written for a field of a type, as `tagserver.plugin.settings` lists them."""
    origin = get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(one for one in get_args(hint) if one is not type(None))
        return {"anyOf": [_schema_of(inner), {"type": "null"}]}
    if origin is Literal:
        return {"anyOf": [one_of(*map(str, get_args(hint))), REFERENCE]}
    if origin in (list, tuple):
        return many(_schema_of(get_args(hint)[0]))
    if origin is dict or getattr(origin, "__name__", "") == "Mapping":
        return table(_schema_of(get_args(hint)[1]))
    own = {EventMap: MAP, EventTest: WHEN}
    return {**own, Secret: SECRET, bool: FLAG.schema, int: {"type": "integer"}, float: {"type": "number"}}.get(
        hint, TEXT.schema
    )
