"""The kinds of variables that compute something. Each reads its own keys and gives a function of the scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tagserver import derive
from tagserver.conditions import BadPattern, all_of, compile_search
from tagserver.container.decode import Decoder, plain
from tagserver.container.names import Names
from tagserver.container.parameters import compile_value
from tagserver.container.problems import Problems
from tagserver.container.source import Map, Node, Scalar, Sequence
from tagserver.container.triggers import TriggerCompiler
from tagserver.event import MISSING
from tagserver.scope import Scope, Value
from tagserver.templates import constant
from tagserver.values import js_text


class AnyValue(Protocol):
    """Compiles a node that may hold `{{ }}`."""

    def __call__(self, node: Node, path: str) -> Value | None:
        """A value, or None after a problem."""
        ...


class Kinds:
    """Compiles them. `version` is the container's, `environment` gives a listed variable of the environment."""

    def __init__(
        self,
        any_value: AnyValue,
        names: Names,
        problems: Problems,
        *,
        version: str,
        environment: Callable[[Node, str], str | None],
    ) -> None:
        self._any = any_value
        self._names = names
        self._triggers = TriggerCompiler(names, problems)
        self._problems = problems
        self._decoder = Decoder(problems)
        self._version = version
        self._read_environment = environment

    def compile(self, kind: str, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        """One variable of a kind in `KINDS`, or None after a problem."""
        made: Value | None = getattr(self, f"_{kind}")(name, nodes, path)
        return made

    def _url(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["url"], f"{path}.url")
        part = self._decoder.choice(nodes.get("part"), f"{path}.part", derive.URL_PARTS, "url")
        key = self._decoder.text(nodes.get("key"), f"{path}.key")
        return None if value is None else lambda scope: derive.url_part(value(scope), part, key)

    def _device(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["device"], f"{path}.device")
        return None if value is None else lambda scope: derive.device_class(value(scope))

    def _truncate_ip(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["truncate_ip"], f"{path}.truncate_ip")
        return None if value is None else lambda scope: derive.truncated_ip(value(scope))

    def _hash(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["hash"], f"{path}.hash")
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
        return lambda scope: derive.drawn(scope.event.event_id, name, most)

    def _coalesce(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        items = self._decoder.list(nodes["coalesce"], f"{path}.coalesce")
        found = [value for item, where in items if (value := self._any(item, where)) is not None]
        return lambda scope: derive.coalesced([value(scope) for value in found])

    def _split(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["split"], f"{path}.split")
        by = self._decoder.text(nodes.get("by"), f"{path}.by") or ","
        index = self._decoder.whole(nodes.get("index"), f"{path}.index", 0, -1000)
        return None if value is None else lambda scope: derive.split(value(scope), by, index)

    def _property(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        if "of" not in nodes:
            self._decoder.missing(nodes["property"].place, path, "of", 'write of: "{{ name }}"')
            return None
        value = self._any(nodes["of"], f"{path}.of")
        way = (self._decoder.text(nodes["property"], f"{path}.property") or "").split(".")
        return None if value is None else lambda scope: derive.walk(value(scope), way)

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
        self._decoder.choice(nodes["container"], f"{path}.container", ("version",), "version")
        return constant(self._version)

    def _choose(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        rows: list[tuple[Callable[[Scope], bool], Value]] = []
        for item, where in self._decoder.list(nodes["choose"], f"{path}.choose"):
            parts = {key: held for key, (_, held) in self._decoder.map(item, where, ("when", "value")).items()}
            for needed in ("when", "value"):
                if needed not in parts:
                    self._decoder.missing(item.place, where, needed)
            if "when" in parts and "value" in parts:
                clauses = self._triggers.when(parts["when"], f"{where}.when")
                value = self._any(parts["value"], f"{where}.value")
                if value is not None:
                    rows.append((all_of([clause.test for clause in clauses]), value))

        def choose(scope: Scope) -> Any:
            return next((value(scope) for holds, value in rows if holds(scope)), MISSING)

        return choose

    def _regex(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["regex"], f"{path}.regex")
        full = self._decoder.flag(nodes.get("full_match"), f"{path}.full_match", default=True)
        fold = self._decoder.flag(nodes.get("ignore_case"), f"{path}.ignore_case", default=True)
        if "table" not in nodes:
            self._decoder.missing(nodes["regex"].place, path, "table", "write table: {/p/(.*): product $1}")
            return None
        rows = []
        for pattern, (key, held) in self._decoder.map(nodes["table"], f"{path}.table").items():
            made = self._any(held, f"{path}.table.{pattern}")
            try:
                search = compile_search(rf"^(?:{pattern})\z" if full else pattern, ignore_case=fold)
            except BadPattern as bad:
                hint = "look-around and back-references are not taken (RE2)"
                self._problems.add("E120", key.place, f"{path}.table", f"{path}.table: {bad}", hint)
                continue
            if made is not None:
                rows.append((search, made))
        if value is None:
            return None

        def look_up(scope: Scope) -> Any:
            text = js_text(value(scope))
            for search, made in rows:
                if (found := search(text)) is not None:
                    return _replaced(text, found, made(scope))
            return MISSING

        return look_up

    def _items(self, name: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        value = self._any(nodes["items"], f"{path}.items")
        wanted = self._decoder.map(nodes.get("where"), f"{path}.where")
        where = {key: _as_list(held) for key, (_, held) in wanted.items()}
        fields = {
            key: text
            for key, (_, held) in self._decoder.map(nodes.get("fields"), f"{path}.fields").items()
            if (text := self._decoder.text(held, f"{path}.fields.{key}")) is not None
        }
        pluck = self._decoder.text(nodes.get("pluck"), f"{path}.pluck")
        total = self._decoder.texts(nodes.get("sum"), f"{path}.sum")
        glue = self._decoder.text(nodes.get("join"), f"{path}.join")
        if sum([bool(fields), pluck is not None, bool(total)]) > 1:
            message = f"{path} has more than one of fields, pluck and sum"
            self._problems.add("E115", nodes["items"].place, path, message)
        if value is None:
            return None

        def reshape(scope: Scope) -> Any:
            rows = derive.items_where(value(scope), where)
            if total:
                return derive.items_sum(rows, total)
            made: list[Any] = [dict(row) for row in rows]
            if pluck is not None:
                made = [row[pluck] for row in rows if row.get(pluck) is not None]
            elif fields:
                made = [{new: row[old] for new, old in fields.items() if old in row} for row in rows]
            if not made:
                return MISSING
            return made if glue is None else glue.join(js_text(one) for one in made)

        return reshape

    def format(self, node: Node, path: str) -> derive.Format:
        """The `format:` of any variable."""
        nodes = {name: held for name, (_, held) in self._decoder.map(node, path, FORMAT).items()}
        case = nodes.get("case")
        number = nodes.get("number")
        return derive.Format(
            case=self._decoder.choice(case, f"{path}.case", ("lower", "upper"), "lower") if case else None,
            replace={name: plain(nodes[name]) for name in ("null", "undefined", "true", "false") if name in nodes},
            number=self._decoder.choice(number, f"{path}.number", ("point", "comma"), "point") if number else None,
            digits=self._decoder.whole(nodes["round"], f"{path}.round", 0, -15) if "round" in nodes else None,
            trim=self._decoder.flag(nodes.get("trim"), f"{path}.trim"),
        )


KINDS: Mapping[str, tuple[str, ...]] = {
    "url": ("part", "key"),
    "device": (),
    "truncate_ip": (),
    "hash": ("as",),
    "time": ("as",),
    "random": (),
    "coalesce": (),
    "split": ("by", "index"),
    "property": ("of",),
    "object": (),
    "list": (),
    "environment": (),
    "container": (),
    "choose": (),
    "regex": ("table", "full_match", "ignore_case"),
    "items": ("where", "fields", "pluck", "sum", "join"),
}
"""Each kind by its key, with the keys that may stand beside it."""
FORMAT = ("case", "trim", "null", "undefined", "true", "false", "number", "round")


def _as_list(node: Node) -> list[Any]:
    value = plain(node)
    return value if isinstance(value, list) else [node.text if isinstance(node, Scalar) else value]


def _replaced(text: str, found: Any, value: Any) -> Any:
    """The row's value; with `$1` in it, the text with what matched replaced by it."""
    if not isinstance(value, str) or "$" not in value:
        return value

    def group(reference: re.Match[str]) -> str:
        if reference[1] == "$":
            return "$"
        number = int(reference[1])
        return (found.group(number) or "") if number <= len(found.groups()) else reference[0]

    made = re.sub(r"\$(\$|[0-9])", group, value)
    return text[: found.start()] + made + text[found.end() :]
