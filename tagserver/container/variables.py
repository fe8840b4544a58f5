"""The entries under `variables:`, told apart by their key."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tagserver.container.decode import Decoder, plain
from tagserver.container.kinds import KINDS as COMPUTED
from tagserver.container.kinds import Kinds
from tagserver.container.names import Names, is_private, path_value
from tagserver.container.problems import Problems
from tagserver.container.source import Map, Node, Scalar
from tagserver.event import MISSING
from tagserver.scope import Scope, Value
from tagserver.spelling import KNOWN_ROOTS
from tagserver.templates import constant, with_default
from tagserver.values import js_text

PLAIN = ("path", "constant", "header", "cookie", "query", "template", "lookup")
KINDS = (*PLAIN, *COMPUTED)
"""What tells a variable's kind."""


LONGEST_CHAIN = 50


class VariableCompiler:
    """Makes values of nodes, and finds circles between them."""

    def __init__(
        self, names: Names, problems: Problems, version: str, environment: Callable[[Node, str], str | None]
    ) -> None:
        """`version` is the container's; `environment` reads a listed variable of the environment."""
        self._computed = Kinds(self.any_value, names, problems, version=version, environment=environment)
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._needs: dict[str, set[str]] = {}

    def compile_all(self, declared: Mapping[str, tuple[Scalar, Node]]) -> None:
        """Compile every variable into `names.variables`."""
        for name, (key, node) in declared.items():
            path = f"variables.{name}"
            if name in KNOWN_ROOTS:
                self._problems.add(
                    "E123", key.place, path, f'"{name}" is a field of every event', "choose another name"
                )
            needed: set[str] = self._needs.setdefault(name, set())
            self._names.needs = needed.add
            value = self._compile(name, path, key, node)
            self._names.needs = lambda name: None
            self._names.variables[name] = value if value is not None else constant(MISSING)
        self._find_circles(declared)
        self._spread_privacy()

    def _spread_privacy(self) -> None:
        """What is made of something private is private."""
        private = self._names.private
        changed = True
        while changed:
            changed = False
            for name, needed in self._needs.items():
                if not private.get(name) and any(private.get(one) for one in needed):
                    private[name] = changed = True

    def _compile(self, name: str, path: str, key: Scalar, node: Node) -> Value | None:
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a map", "write {path: page.path}, {constant: x}, …")
            return None
        kinds = [one.text for one, _ in node.entries if one.text in KINDS]
        if len(kinds) != 1:
            message = f"{path} needs exactly one of {', '.join(KINDS)}"
            self._problems.add("E113", key.place, path, message)
            return None
        kind = kinds[0]
        beside = ("table",) if kind == "lookup" else COMPUTED.get(kind, ())
        known = (kind, *beside, "default", "format")
        nodes = {one: held for one, (_, held) in self._decoder.map(node, path, known).items()}
        self._names.saw_private = False
        value = self._kind(name, kind, nodes, path)
        if value is not None and "default" in nodes:
            default = self.any_value(nodes["default"], f"{path}.default")
            value = None if default is None else with_default(value, default)
        self._names.private[name] = self._names.private.get(name, False) or self._names.saw_private
        if value is None or "format" not in nodes:
            return value
        form, plain_value = self._computed.format(nodes["format"], f"{path}.format"), value
        return lambda scope: form(plain_value(scope))

    def _kind(self, name: str, kind: str, nodes: Mapping[str, Node], path: str) -> Value | None:
        if kind in COMPUTED:
            return self._computed.compile(kind, name, nodes, path)
        node, where = nodes[kind], f"{path}.{kind}"
        if kind == "constant":
            return constant(plain(node))
        text = self._decoder.text(node, where)
        if text is None:
            return None
        self._names.private[name] = kind in ("header", "cookie") or (kind == "path" and is_private(text))
        if kind in ("template", "lookup"):
            made = self._names.template(text, node.place, where)
            if made is None:
                return None
            value = constant(made) if isinstance(made, str) else made
            return value if kind == "template" else self._lookup(value, nodes.get("table"), path, node)
        return path_value({"path": "", "header": "header.", "cookie": "cookie.", "query": "page.query."}[kind] + text)

    def _lookup(self, value: Value, table: Node | None, path: str, node: Node) -> Value | None:
        if table is None:
            self._decoder.missing(node.place, path, "table", "write table: {/: home, /cart: cart}")
            return None
        rows: dict[str, Value] = {}
        for row, (_, held) in self._decoder.map(table, f"{path}.table").items():
            made = self.any_value(held, f"{path}.table.{row}")
            if made is not None:
                rows[row] = made

        def look_up(scope: Scope) -> object:
            row = rows.get(js_text(value(scope)))
            return MISSING if row is None else row(scope)

        return look_up

    def any_value(self, node: Node, path: str) -> Value | None:
        """A scalar that may hold `{{ }}`, or any plain data."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            made = self._names.template(node.value, node.place, path)
            return constant(made) if isinstance(made, str) else made
        return constant(plain(node))

    def _find_circles(self, declared: Mapping[str, tuple[Scalar, Node]]) -> None:
        """Circles, and chains that are longer than anybody means: each link costs the interpreter a call."""
        depth: dict[str, int] = {}
        for start in declared:
            way: list[tuple[str, list[str]]] = [(start, sorted(self._needs.get(start, ())))]
            on_way = {start: 0}
            while way:
                name, left = way[-1]
                if left:
                    needed = left.pop()
                    if needed in on_way:
                        circle = [*(one for one, _ in way[on_way[needed] :]), needed]
                        message = f"variables need each other in a circle: {' → '.join(circle)}"
                        self._problems.add("E122", declared[needed][0].place, f"variables.{needed}", message)
                    elif needed not in depth:
                        on_way[needed] = len(way)
                        way.append((needed, sorted(self._needs.get(needed, ()))))
                    continue
                way.pop()
                on_way.pop(name)
                depth[name] = 1 + max((depth.get(one, 0) for one in self._needs.get(name, ())), default=0)
                if depth[name] == LONGEST_CHAIN + 1:
                    message = f"more than {LONGEST_CHAIN} variables need each other in a row"
                    self._problems.add("E122", declared[name][0].place, f"variables.{name}", message)
