"""The types of variables, and those of them that compute something: each gives a function of the scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.config.computed import CHOICE, STEP, AnyValue, Calculations, Tables
from tagserver.config.items import FIELDS, WHERE, compile_field, compile_rows, look_at_fields
from tagserver.config.keys import FLAG, NAME, NOTES, TEXT, TEXTS, Block, Key, ValueType, choice, compiled, whole
from tagserver.config.names import Names, lone_name
from tagserver.config.parameters import compile_value
from tagserver.config.schema_parts import ANY, many, table
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Sequence
from tagserver.event.event import MISSING
from tagserver.event.ip_address import truncated_ip
from tagserver.event.paths import walk
from tagserver.event.spelling import nfc
from tagserver.event.values import js_text
from tagserver.expressions import derive
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import constant
from tagserver.outgoing.field_filter import owned
from tagserver.plugin.fault import failed
from tagserver.plugin.plain import sendable
from tagserver.plugin.variable import Variable

CONTAINER = ("version", "debug")
REPLACED = ("null", "undefined", "true", "false")
FORMAT = Block(
    "",
    Key("case", choice("lower", "upper"), "of a text"),
    Key("trim", FLAG, "without blanks around a text"),
    Key("null", compiled(ANY), "what takes the place of null; it may hold `{{ }}`"),
    Key("undefined", compiled(ANY), "what takes the place of a missing value; it may hold `{{ }}`"),
    Key("true", compiled(ANY), "what takes the place of true"),
    Key("false", compiled(ANY), "what takes the place of false"),
    Key("number", choice("point", "comma"), "a number from a text; which sign is the decimal one"),
    Key("round", whole(-15), "to so many digits"),
)
BESIDE = (
    Key("default", compiled(ANY), "used when there is no value at all; null and an empty text are values"),
    Key("format", compiled(FORMAT.schema), "changes the value, see below"),
    NOTES,
)
"""Keys that may stand beside any type."""
_VALUE = compiled(TEXT.schema)
"""A text that may hold `{{ }}`."""
_ANY = compiled(ANY)
_TABLE = compiled(table(ANY))


def _of(name: str, value: ValueType, doc: str, *beside: Key) -> Block:
    """A type of variable: its key, and those that may stand beside it."""
    return Block("", Key(name, value, doc, needed=True), *beside, *BESIDE)


_TYPES = (
    _of("path", TEXT, "what stands at a path of the event"),
    _of("constant", _ANY, "always this text, number, list or map"),
    _of("header", TEXT, "a header of the request"),
    _of("cookie", TEXT, "a cookie of the request"),
    _of("query", TEXT, "a parameter of the page's URL"),
    _of("template", TEXT, "a text with other values in it; a missing one adds nothing"),
    _of(
        "lookup",
        _VALUE,
        "the row of `table` for a text; nothing when there is no such row",
        Key("table", _TABLE, "the rows of a `lookup`; their values may hold `{{ }}`"),
    ),
    _of(
        "url",
        _VALUE,
        "a part of a URL",
        Key("part", choice(*derive.URL_PARTS), "which part of it"),
        Key("key", NAME, "one parameter of its query"),
    ),
    _of("device", _VALUE, "`desktop`, `mobile`, `tablet` or `bot`, guessed from a user agent"),
    _of("truncate_ip", _VALUE, "an IP address without the part that tells visitors apart"),
    _of(
        "hash",
        _VALUE,
        "SHA-256 of the normalised form",
        Key("as", choice(*derive.HASHES), "how the text is normalised first"),
    ),
    _of(
        "time",
        choice("event", "received"),
        "of the `event`, or when it was `received`",
        Key("as", choice(*derive.TIMES), "how it is written"),
    ),
    _of(
        "random",
        whole(),
        "a whole number from 0 to this one, drawn by the event's id: the same each time for that event",
        Key("by", _VALUE, "drawn by this value instead of the event's id"),
    ),
    _of("coalesce", compiled(many(ANY)), "the first of a list that is not missing, null or empty"),
    _of(
        "split",
        _VALUE,
        "a piece of a text",
        Key("by", TEXT, "what stands between the pieces"),
        Key("index", whole(-1000), "which piece: from 0; negative from the end"),
    ),
    _of("property", TEXT, "what stands at a path inside a value", Key("of", _VALUE, "the value")),
    _of("object", _TABLE, "a map with `{{ }}` in it"),
    _of("list", compiled(many(ANY)), "a list with `{{ }}` in it"),
    _of("environment", compiled(TEXT.schema), "a variable that `environment:` in `server.yaml` lists"),
    _of(
        "container", choice(*CONTAINER), "`version`: the container's; `debug`: whether `server.yaml` says `debug: true`"
    ),
    _of("choose", compiled(many(CHOICE.schema)), "the `value` of the first row whose `when` holds"),
    _of(
        "calculate",
        compiled({**many({"anyOf": [TEXT.schema, STEP.schema]}), "minItems": 2}),
        "a number, computed from left to right: the list begins with a value, each step applies the next one: "
        "`plus`, `minus`, `times` or `divided by`",
    ),
    _of(
        "regex",
        _VALUE,
        "the text, with the match replaced by the value of the first row whose expression matches. `$1` is its "
        "first group, `$<name>` a named one, `$&` the whole match",
        Key("table", _TABLE, "regular expression (RE2): value, with `$1` for its first group"),
        Key("full_match", FLAG, "the whole text must match (default true)"),
        Key("ignore_case", FLAG, "upper and lower case are the same (default true)"),
        Key("replace", FLAG, "false: the row's value alone (default true)"),
    ),
    _of(
        "items",
        _VALUE,
        "the items of a list: those that match `where`, and of these the `fields` under new names, one field "
        "(`pluck`), or a `sum` of products",
        WHERE,
        FIELDS,
        Key("pluck", compiled(TEXT.schema), "one field of each, or a template of it: `tee_{{ item.item_id }}`"),
        Key("sum", TEXTS, "the sum of the products of these fields"),
        Key("join", TEXT, "as one text, with this between"),
    ),
)
TYPES: Mapping[str, Block] = {next(iter(block.keys)): block for block in _TYPES}
"""Each type of variable by its key."""


class VariableTypes:
    """Compiles them. `known` is what is known of the container: its `version`, and whether it is a server for tests
    (`debug`). `environment` gives a listed variable of the environment; `brought` are the types of plugins."""

    def __init__(
        self,
        any_value: AnyValue,
        names: Names,
        problems: Problems,
        *,
        known: Mapping[str, Any],
        environment: Callable[[Node, str], str | None],
        brought: Mapping[str, Variable],
    ) -> None:
        self._any = any_value
        self._names = names
        self._tables = Tables(any_value, names, problems)
        self._calculations = Calculations(any_value, names, problems)
        self._problems = problems
        self._decoder = Decoder(problems)
        self._known = known
        self._brought = brought
        self._read_environment = environment

    def compile(
        self, kind: str, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str
    ) -> Value | None:
        """One variable of a type in `TYPES`, or of one that a plugin brought; None after a problem. `given`: the
        values of its keys, as far as they are sound."""
        if kind in self._brought:
            return self._plugin(self._brought[kind], kind, nodes[kind], f"{path}.{kind}")
        made: Value | None = getattr(self, f"_{kind}")(name, nodes, given, path)
        return made

    def _plugin(self, variable: Variable, kind: str, node: Node, path: str) -> Value:
        entries = self._decoder.map(node, path, variable.inputs)
        for name in variable.needed:
            if name not in entries:
                self._decoder.missing(node.place, path, name, variable.inputs[name])
        inputs = [(name, compile_value(held, self._names, f"{path}.{name}")) for name, (_, held) in entries.items()]

        def value(scope: Scope) -> Any:
            given = owned({name: one for name, held in inputs if (one := held(scope)) is not MISSING})
            try:
                found = variable.value(given)
            except BaseException as error:
                raise failed(error, variable, kind) from error
            if found is not MISSING and not sendable(found):
                raise TypeError(f"{kind} gives what JSON cannot hold")
            return found

        return value

    def _input(self, nodes: Mapping[str, Node], key: str, path: str) -> Value | None:
        """What a variable is made of: a text that is the same for every event is hardly meant."""
        self._names.look_at_input(nodes[key], f"{path}.{key}")
        return self._any(nodes[key], f"{path}.{key}")

    def _url(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "url", path)
        part = given.get("part", "url")
        key = given.get("key")
        return None if value is None else lambda scope: derive.url_part(value(scope), part, key)

    def _device(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "device", path)
        return None if value is None else lambda scope: derive.device_class(value(scope))

    def _truncate_ip(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "truncate_ip", path)
        return None if value is None else lambda scope: truncated_ip(value(scope))

    def _hash(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "hash", path)
        rule = given.get("as", "exact")
        return None if value is None else lambda scope: derive.hashed(value(scope), rule)

    def _time(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        which = given.get("time")
        form = given.get("as", "ms")
        if which == "received":
            return lambda scope: derive.moment(scope.event.received, form)
        return lambda scope: derive.moment(scope.event.time, form)

    def _random(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        most = given.get("random", 0)
        if "by" not in nodes:
            return lambda scope: derive.drawn(scope.event.event_id, name, most)
        key = self._any(nodes["by"], f"{path}.by")

        def draw(scope: Scope) -> Any:
            found = MISSING if key is None else key(scope)
            return MISSING if found in (MISSING, None, "") else derive.drawn(js_text(found), name, most)

        return draw

    def _coalesce(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        items = self._decoder.list(nodes["coalesce"], f"{path}.coalesce")
        found = [value for item, where in items if (value := self._any(item, where)) is not None]
        return lambda scope: derive.coalesced([value(scope) for value in found])

    def _split(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "split", path)
        by = given.get("by") or ","
        index = given.get("index", 0)
        return None if value is None else lambda scope: derive.split(value(scope), by, index)

    def _property(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        if "of" not in nodes:
            self._decoder.missing(nodes["property"].place, path, "of", 'write of: "{{ name }}"')
            return None
        value = self._input(nodes, "of", path)
        text = nfc(given.get("property", ""))
        if (of := lone_name(nodes["of"])) is not None and not self._names.is_declared(of):
            self._names.near.field(f"{of}.{text}", nodes["property"].place, f"{path}.property")
        way = text.split(".")
        return None if value is None else lambda scope: walk(value(scope), way)

    def _object(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        if not isinstance(nodes["object"], Map):
            self._decoder.wrong(nodes["object"], f"{path}.object", "a map")
            return None
        return compile_value(nodes["object"], self._names, f"{path}.object")

    def _list(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        if not isinstance(nodes["list"], Sequence):
            self._decoder.wrong(nodes["list"], f"{path}.list", "a list")
            return None
        return compile_value(nodes["list"], self._names, f"{path}.list")

    def _environment(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        found = self._read_environment(nodes["environment"], f"{path}.environment")
        return None if found is None else constant(found or MISSING)

    def _container(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        what = given.get("container", "version")
        return constant(self._known[what])

    def _lookup(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "lookup", path)
        if "table" not in nodes:
            self._decoder.missing(nodes["lookup"].place, path, "table", "write table: {/: home, /cart: cart}")
            return None
        if self._names.is_event_name(lone_name(nodes["lookup"]) or ""):
            self._tables.look_at_events(nodes["table"], path)
        return None if value is None else self._tables.lookup(value, nodes["lookup"], nodes["table"], path)

    def _regex(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "regex", path)
        full, fold, replace = (given.get(key, True) for key in ("full_match", "ignore_case", "replace"))
        if "table" not in nodes:
            self._decoder.missing(nodes["regex"].place, path, "table", "write table: {/p/(.*): product $1}")
            return None
        if value is None:
            return None
        return self._tables.regex(value, nodes["table"], path, full=full, fold=fold, replace=replace)

    def _choose(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        return self._tables.choose(nodes["choose"], path)

    def _calculate(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        return self._calculations.compile(nodes["calculate"], f"{path}.calculate")

    def _items(self, name: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str) -> Value | None:
        value = self._input(nodes, "items", path)
        rows = compile_rows(nodes, path, self._decoder, self._names)
        if self._names.is_items(lone_name(nodes["items"]) or ""):
            look_at_fields(nodes, path, self._names.near)
        pluck = compile_field(nodes.get("pluck"), f"{path}.pluck", self._decoder, self._names)
        total = tuple(map(nfc, given.get("sum", ())))
        glue = given.get("join")
        if sum(key in nodes for key in ("fields", "pluck", "sum")) > 1:
            message = f"{path} has more than one of fields, pluck and sum"
            self._problems.add("E115", nodes["items"].place, path, message)
        if value is None:
            return None

        def reshape(scope: Scope) -> Any:
            found = rows(value(scope), scope)
            if total:
                return derive.items_sum(found, total)
            made: list[Any] = [dict(row) for row in found]
            if pluck is not None:
                of = pluck(scope)
                made = [one for row in found if (one := of(row)) is not MISSING and one is not None]
            if not made:
                return MISSING
            return made if glue is None else glue.join(js_text(one) for one in made)

        return reshape

    def format(self, node: Node, path: str) -> Callable[[Any, Scope], Any]:
        """The `format:` of any variable; what takes the place of null and its kind may hold `{{ }}`."""
        given = FORMAT.read(self._decoder, node, path)
        return derive.Format(
            case=given.get("case"),
            replace={name: value for name in REPLACED if (value := self._replacement(given, name, path)) is not None},
            number=given.get("number"),
            digits=given.get("round"),
            trim=given.get("trim", False),
        )

    def _replacement(self, nodes: Mapping[str, Node], name: str, path: str) -> Value | None:
        return self._any(nodes[name], f"{path}.{name}") if name in nodes else None
