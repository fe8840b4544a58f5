"""The kinds of variables that compute something. Each reads its own keys and gives a function of the scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.config.computed import AnyValue, Calculations, Tables
from tagserver.config.items import compile_field, compile_rows, look_at_fields
from tagserver.config.names import Names, lone_name
from tagserver.config.parameters import compile_value
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Sequence
from tagserver.event.event import MISSING
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


class Kinds:
    """Compiles them. `known` is what is known of the container: its `version`, and whether it is of a server for tests
    (`debug`). `environment` gives a listed variable of the environment; `brought` are the kinds of plugins."""

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

    def compile(self, kind: str, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        """One variable of a kind in `KINDS`, or one that a plugin brought; None after a problem."""
        if kind in self._brought:
            return self._plugin(self._brought[kind], kind, nodes[kind], f"{path}.{kind}")
        made: Value | None = getattr(self, f"_{kind}")(name, nodes, path)
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

    def _url(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "url", path)
        part = self._decoder.choice(nodes.get("part"), f"{path}.part", derive.URL_PARTS, "url")
        key = self._decoder.name(nodes.get("key"), f"{path}.key")
        return None if value is None else lambda scope: derive.url_part(value(scope), part, key)

    def _device(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "device", path)
        return None if value is None else lambda scope: derive.device_class(value(scope))

    def _truncate_ip(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "truncate_ip", path)
        return None if value is None else lambda scope: derive.truncated_ip(value(scope))

    def _hash(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "hash", path)
        rule = self._decoder.choice(nodes.get("as"), f"{path}.as", derive.HASHES, "exact")
        return None if value is None else lambda scope: derive.hashed(value(scope), rule)

    def _time(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        which = self._decoder.choice(nodes["time"], f"{path}.time", ("event", "received"), "event")
        form = self._decoder.choice(nodes.get("as"), f"{path}.as", derive.TIMES, "ms")
        if which == "received":
            return lambda scope: derive.moment(scope.event.received, form)
        return lambda scope: derive.moment(scope.event.time, form)

    def _random(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        most = self._decoder.whole(nodes["random"], f"{path}.random", 2**31 - 1, 0)
        if "by" not in nodes:
            return lambda scope: derive.drawn(scope.event.event_id, name, most)
        key = self._any(nodes["by"], f"{path}.by")

        def draw(scope: Scope) -> Any:
            found = MISSING if key is None else key(scope)
            return MISSING if found in (MISSING, None, "") else derive.drawn(js_text(found), name, most)

        return draw

    def _coalesce(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        items = self._decoder.list(nodes["coalesce"], f"{path}.coalesce")
        found = [value for item, where in items if (value := self._any(item, where)) is not None]
        return lambda scope: derive.coalesced([value(scope) for value in found])

    def _split(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "split", path)
        by = self._decoder.text(nodes.get("by"), f"{path}.by") or ","
        index = self._decoder.whole(nodes.get("index"), f"{path}.index", 0, -1000)
        return None if value is None else lambda scope: derive.split(value(scope), by, index)

    def _property(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        if "of" not in nodes:
            self._decoder.missing(nodes["property"].place, path, "of", 'write of: "{{ name }}"')
            return None
        value = self._input(nodes, "of", path)
        text = nfc(self._decoder.text(nodes["property"], f"{path}.property") or "")
        if (of := lone_name(nodes["of"])) is not None and not self._names.is_declared(of):
            self._names.near.field(f"{of}.{text}", nodes["property"].place, f"{path}.property")
        way = text.split(".")
        return None if value is None else lambda scope: walk(value(scope), way)

    def _object(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        if not isinstance(nodes["object"], Map):
            self._decoder.wrong(nodes["object"], f"{path}.object", "a map")
            return None
        return compile_value(nodes["object"], self._names, f"{path}.object")

    def _list(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        if not isinstance(nodes["list"], Sequence):
            self._decoder.wrong(nodes["list"], f"{path}.list", "a list")
            return None
        return compile_value(nodes["list"], self._names, f"{path}.list")

    def _environment(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        found = self._read_environment(nodes["environment"], f"{path}.environment")
        return None if found is None else constant(found or MISSING)

    def _container(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        what = self._decoder.choice(nodes["container"], f"{path}.container", CONTAINER, "version")
        return constant(self._known[what])

    def _lookup(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "lookup", path)
        if "table" not in nodes:
            self._decoder.missing(nodes["lookup"].place, path, "table", "write table: {/: home, /cart: cart}")
            return None
        if self._names.is_event_name(lone_name(nodes["lookup"]) or ""):
            self._tables.look_at_events(nodes["table"], path)
        return None if value is None else self._tables.lookup(value, nodes["lookup"], nodes["table"], path)

    def _regex(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "regex", path)
        full, fold, replace = (
            self._decoder.flag(nodes.get(key), f"{path}.{key}", default=True)
            for key in ("full_match", "ignore_case", "replace")
        )
        if "table" not in nodes:
            self._decoder.missing(nodes["regex"].place, path, "table", "write table: {/p/(.*): product $1}")
            return None
        if value is None:
            return None
        return self._tables.regex(value, nodes["table"], path, full=full, fold=fold, replace=replace)

    def _choose(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        return self._tables.choose(nodes["choose"], path)

    def _calculate(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        return self._calculations.compile(nodes["calculate"], f"{path}.calculate")

    def _items(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._input(nodes, "items", path)
        rows = compile_rows(nodes, path, self._decoder, self._names)
        if self._names.is_items(lone_name(nodes["items"]) or ""):
            look_at_fields(nodes, path, self._names.near)
        pluck = compile_field(nodes.get("pluck"), f"{path}.pluck", self._decoder, self._names)
        total = tuple(map(nfc, self._decoder.texts(nodes.get("sum"), f"{path}.sum")))
        glue = self._decoder.text(nodes.get("join"), f"{path}.join")
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
        nodes = {name: held for name, (_, held) in self._decoder.map(node, path, FORMAT).items()}
        case = nodes.get("case")
        number = nodes.get("number")
        return derive.Format(
            case=self._decoder.choice(case, f"{path}.case", ("lower", "upper"), "lower") if case else None,
            replace={name: value for name in REPLACED if (value := self._replacement(nodes, name, path)) is not None},
            number=self._decoder.choice(number, f"{path}.number", ("point", "comma"), "point") if number else None,
            digits=self._decoder.whole(nodes["round"], f"{path}.round", 0, -15) if "round" in nodes else None,
            trim=self._decoder.flag(nodes.get("trim"), f"{path}.trim"),
        )

    def _replacement(self, nodes: Mapping[str, Node], name: str, path: str) -> Value | None:
        return self._any(nodes[name], f"{path}.{name}") if name in nodes else None


KINDS: Mapping[str, tuple[str, ...]] = {
    "lookup": ("table",),
    "url": ("part", "key"),
    "device": (),
    "truncate_ip": (),
    "hash": ("as",),
    "time": ("as",),
    "random": ("by",),
    "coalesce": (),
    "split": ("by", "index"),
    "property": ("of",),
    "object": (),
    "list": (),
    "environment": (),
    "container": (),
    "choose": (),
    "calculate": (),
    "regex": ("table", "full_match", "ignore_case", "replace"),
    "items": ("where", "fields", "pluck", "sum", "join"),
}
"""Each kind by its key, with the keys that may stand beside it."""
CONTAINER = ("version", "debug")
REPLACED = ("null", "undefined", "true", "false")
FORMAT = ("case", "trim", "null", "undefined", "true", "false", "number", "round")
