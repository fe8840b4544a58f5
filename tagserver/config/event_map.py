"""`map` and `when` of a sender in `server.yaml`: how a body that nobody has made for us becomes an event.

On the left of a map stands a path of an event, in any of its spellings; on the right what is put there: a text over
`body.` and `header.`, or `{lookup, table, default}`. All of it is read, checked and compiled when the configuration is,
so that a request costs one walk for each path.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tagserver.config.computed import Tables
from tagserver.config.conditions import ConditionCompiler
from tagserver.config.keys import WRONG, Block, Key, compiled
from tagserver.config.lint.near_names import NearNames, Seen, is_path
from tagserver.config.names import Names
from tagserver.config.parameters import compile_value
from tagserver.config.references import ExternalValues
from tagserver.config.schema_parts import ANY, TEXT, Schema, table
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence, parse
from tagserver.event.event import MISSING, Event, Facts
from tagserver.event.paths import index_of, is_number
from tagserver.event.spelling import Path, canonical, key_of, part_of
from tagserver.event.values import join_text
from tagserver.expressions.conditions import all_of
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import Reference, constant
from tagserver.plugin.event_map import EventMap, EventTest

MOST_FIELDS = 100
"""Fields of one map: what a request costs is this times its size at most."""
BODY, HEADER = "body", "header"
LOOKUP = Block(
    "",
    Key("lookup", compiled(TEXT), "what is looked up, such as `{{ body.stage }}`", needed=True),
    Key("table", compiled(table(ANY)), "the values by it", needed=True),
    Key("default", compiled(ANY), "the value of all else; without it the field is left out"),
)
MAP: Schema = table({"anyOf": [TEXT, LOOKUP.schema, {"type": ["object", "array", "null"]}]})
WHEN: Schema = {"type": ["object", "array"]}
_OF_THE_SERVER = {
    "client": "the server says by which door it came",
    "geo": "the server finds the region of ip_override",
    "header": "headers of a visitor's browser cannot be sent",
    "ip": "write ip_override for the address of the visitor",
    "source": "it is the name of the sender",
}
_HANDED_ON_TO_NOBODY = ("authorization", "cookie")


class _Sent(Scope):
    """What came: a scope in which `body.` and `header.` lead somewhere."""

    __slots__ = ()

    def __init__(self, body: Any, headers: Mapping[str, str]) -> None:
        super().__init__(Event("", "", 0, {BODY: body}, Facts("", 0, headers)))


class _SentNames(Names):
    """Names of a map: those of the body and of headers, and no others. `headers`: those that were named."""

    environment_is_free = True

    def __init__(self, external: ExternalValues, problems: Problems) -> None:
        super().__init__({}, external, NearNames(problems, Seen, ()), problems)
        self.headers: dict[str, None] = {}
        self._said = problems

    def value(self, name: str, place: Place, path: str) -> Value | None:
        """The value behind `body.…` or `header.…`, or None after a problem."""
        root, _, rest = name.partition(".")
        if root == HEADER and rest:
            header = rest.lower()
            if header in _HANDED_ON_TO_NOBODY:
                message = f"the header {header} is handed on to nobody"
                self._said.add("E123", place, path, message, "it lets somebody in, or tells of other people")
                return None
            self.headers[header] = None
            return lambda scope: scope.event.facts.headers.get(header, MISSING)
        if root == BODY and is_path(name):
            return _read(tuple(rest.split(".")) if rest else ())
        hint = f"write body.{name} for a field of the body" if is_path(name) and root != BODY else ""
        hint = hint or "write a path such as body.order.id, or header.x-topic"
        self._said.add("E112", place, path, f'nothing is named "{name}" here', hint, about=name)
        return None

    def look_at_text(self, text: str, place: Place, path: str) -> None:
        """Of a text without two braces, whether the value at that path was wanted."""
        bare = text.strip().removeprefix("${").removeprefix("{").removesuffix("}").strip()
        if bare.partition(".")[0] in (BODY, HEADER) and "." in bare and is_path(bare):
            self.say_text(text, bare, place, path)


def _read(steps: Path) -> Value:
    """What stands in the body at a path. A name below a list is that of all its objects that have it, as a list."""

    def read(scope: Scope) -> Any:
        value = scope.event.data[BODY]
        for at, step in enumerate(steps):
            if type(value) is dict:
                value = value[key] if (key := key_of(value, step)) in value else MISSING
            elif type(value) is list and is_number(step):
                value = value[index] if (index := index_of(step, value)) is not None else MISSING
            elif type(value) is list:
                return _of_each(value, steps[at:])
            else:
                return MISSING
        return value

    return read


def _of_each(values: list[Any], steps: Path) -> Any:
    for step in steps:
        found = []
        for one in values:
            held = one.get(key_of(one, step)) if type(one) is dict else None
            found += held if type(held) is list else [] if held is None else [held]
        values = found
    return values or MISSING


def read_event_map(node: Node, path: str, external: ExternalValues, problems: Problems) -> EventMap | Any:
    """A map, compiled; WRONG after a problem."""
    return _Reader(external, problems).fields(node, path)


def read_event_test(node: Node, path: str, external: ExternalValues, problems: Problems) -> EventTest | Any:
    """A `when`, compiled; WRONG after a problem."""
    return _Reader(external, problems).conditions(node, path)


def event_map_of(values: Mapping[str, Any]) -> EventMap:
    """A map of plain values, as it would stand in the file. Raises ValueError with what is wrong."""
    made: EventMap = _of_plain(values, "map", read_event_map)
    return made


def event_test_of(values: Any) -> EventTest:
    """A `when` of plain values. Raises ValueError with what is wrong."""
    made: EventTest = _of_plain(values, "when", read_event_test)
    return made


def _of_plain(values: Any, name: str, read: Callable[[Node, str, ExternalValues, Problems], Any]) -> Any:
    problems = Problems()
    node = parse(json.dumps(values).encode(), "", problems)
    made = WRONG if node is None else read(node, name, ExternalValues({}, _no_file), problems)
    if made is WRONG:
        raise ValueError("; ".join(f"{one.message}: {one.hint}" for one in problems.sorted()) or f"{name} is nothing")
    return made


def _no_file(name: str) -> str:
    raise OSError(name)


class _Reader:
    """Reads one map or one `when`."""

    def __init__(self, external: ExternalValues, problems: Problems) -> None:
        self._problems = problems
        self._decoder = Decoder(problems)
        self._names = _SentNames(external, problems)

    def fields(self, node: Node, path: str) -> EventMap | Any:
        """The map."""
        before = self._problems.errors
        if isinstance(node, Map) and not node.entries:
            self._problems.add("E113", node.place, path, f"{path} holds no field", "write event: and what it is")
            return WRONG
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a map", 'write {event: purchase, ecommerce.value: "{{ body.total }}"}')
            return WRONG
        if len(node.entries) > MOST_FIELDS:
            message = f"{path} has {len(node.entries)} fields, and may have {MOST_FIELDS}"
            self._problems.add("E115", node.place, path, message, "map a group as a whole: user_data: …")
        made: dict[Path, Value] = {}
        for key, held in node.entries:
            where = f"{path}.{key.text}"
            field = self._field(key, where, made)
            value = self._value(held, where)
            if field is not None and value is not None:
                made[field] = value
        if self._problems.errors != before:
            return WRONG
        rows = tuple(made.items())

        def make(body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
            scope, event = _Sent(body, headers), dict[str, Any]()
            for field, value in rows:
                if (found := value(scope)) is not MISSING:
                    _put(event, field, found)
            return event

        return EventMap(frozenset(made), tuple(self._names.headers), _written(node), make)

    def conditions(self, node: Node, path: str) -> EventTest | Any:
        """The conditions."""
        before = self._problems.errors
        clauses = ConditionCompiler(self._names, self._problems).when(node, path)
        if self._problems.errors != before:
            return WRONG
        holds = all_of([one.test for one in clauses])
        headers = tuple(self._names.headers)
        return EventTest(headers, _written(node), lambda body, sent: holds(_Sent(body, sent)))

    def _field(self, key: Scalar, where: str, made: Mapping[Path, Value]) -> Path | None:
        """The path of an event on the left, or None after a problem."""
        if not is_path(key.text):
            hint = "write a path of an event, such as ecommerce.value"
            self._problems.add("E115", key.place, where, f'"{key.text}" is no path', hint)
            return None
        field = canonical(key.text)
        if (why := _OF_THE_SERVER.get(field[0])) is not None:
            self._problems.add("E123", key.place, where, f"{field[0]} is filled in by the server", why)
            return None
        if (whole := part_of(field)) is not None:
            self._problems.add("E123", key.place, where, f'"{key.text}" is read from {whole}', f"write {whole}")
            return None
        if any(map(is_number, field)):
            element = f'"{key.text}" is one element of a list, and a map puts whole values'
            group = ".".join(field[: next(at for at, step in enumerate(field) if is_number(step))])
            self._problems.add("E115", key.place, where, element, f"write {group}: with a list behind it")
            return None
        for other in made:
            shorter, longer = sorted((field, other), key=len)
            if longer[: len(shorter)] == shorter:
                said = "is the same field as" if field == other else "stands in the way of"
                message = f'"{key.text}" {said} "{".".join(other)}"'
                self._problems.add("E114", key.place, where, message, "keep one of them")
                return None
        self._names.near.field(key.text, key.place, where)
        return field

    def _value(self, node: Node, path: str) -> Value | None:
        """What stands on the right, or None after a problem."""
        if isinstance(node, Map) and any(key.text in LOOKUP.keys for key, _ in node.entries):
            return self._lookup(node, path)
        if isinstance(node, Map | Sequence):
            return compile_value(node, self._names, path)
        if not isinstance(node.value, str):
            self._names.refuse_cut(node, path)
            return constant(node.value)
        return self._text(node, path)

    def _text(self, node: Scalar, path: str) -> Value | None:
        """A text. A lone reference keeps its type. In a longer one nothing may be missing: an id of which a half is
        not there would be that of others."""
        self._names.look_at_text(node.text, node.place, path)
        pieces = self._names.pieces(node.text, node.place, path)
        if pieces is None:
            return None
        solid = [one for one in pieces if isinstance(one, Reference) or one.strip()]
        if len(solid) == 1 and isinstance(solid[0], Reference):
            return self._names.value(solid[0].name, node.place, path)
        parts: list[Value] = []
        for one in pieces:
            value = constant(one) if isinstance(one, str) else self._names.value(one.name, node.place, path)
            if value is None:
                return None
            parts.append(value)

        def joined(scope: Scope) -> Any:
            found = [part(scope) for part in parts]
            return MISSING if MISSING in found or None in found else "".join(map(join_text, found))

        return joined

    def _lookup(self, node: Node, path: str) -> Value | None:
        nodes = LOOKUP.nodes(self._decoder, node, path)
        for needed in ("lookup", "table"):
            if needed not in nodes:
                self._decoder.missing(node.place, path, needed, 'write {lookup: "{{ body.stage }}", table: {won: …}}')
                return None
        value = self._any(nodes["lookup"], f"{path}.lookup")
        default = self._any(nodes["default"], f"{path}.default") if "default" in nodes else None
        if value is None:
            return None
        tables = Tables(self._any, self._names, self._problems)
        found = tables.lookup(value, nodes["lookup"], nodes["table"], path)
        if default is None:
            return found
        last = default
        return lambda scope: last(scope) if (one := found(scope)) is MISSING else one

    def _any(self, node: Node, path: str) -> Value | None:
        return compile_value(node, self._names, path)


def _put(event: dict[str, Any], field: Path, value: Any) -> None:
    group = event
    for step in field[:-1]:
        group = group.setdefault(step, {})
    group[field[-1]] = value


def _written(node: Node) -> str:
    return "\n".join(_lines(node))


def _lines(node: Node) -> Iterator[str]:
    """A node in one form, however it is written in the file."""
    match node:
        case Map():
            yield "{"
            for key, held in node.entries:
                yield json.dumps(key.text)
                yield from _lines(held)
            yield "}"
        case Sequence():
            yield "["
            for item in node.items:
                yield from _lines(item)
            yield "]"
        case _:
            yield json.dumps(node.value, default=str)
