"""The entries under `variables:`, told apart by their key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tagserver.config.computed import outcomes
from tagserver.config.keys import Block, Key, compiled
from tagserver.config.lint.comparisons import shape_of_variable
from tagserver.config.names import Names
from tagserver.config.variable_types import BESIDE, TYPES, VariableTypes
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.config.yaml.suggestions import did_you_mean
from tagserver.event.event import MISSING
from tagserver.event.spelling import KNOWN_ROOTS, is_email
from tagserver.expressions.scope import Value
from tagserver.expressions.templates import ITEM, constant, with_default
from tagserver.plugin.registry import Registry

ROOTS = {"path": "", "header": "header.", "cookie": "cookie.", "query": "page.query."}
"""Types that are a path, and what the path begins with."""
PLAIN = ("path", "constant", "header", "cookie", "query", "template")
_BESIDE = frozenset(one.name for one in BESIDE)
LONGEST_CHAIN = 50


class VariableCompiler:
    """Makes values of nodes, and finds circles between them."""

    def __init__(
        self,
        names: Names,
        problems: Problems,
        known: Mapping[str, Any],
        environment: Callable[[Node, str], str | None],
        registry: Registry,
    ) -> None:
        """`known`: what is known of the container; `environment` reads a listed variable of the environment; the
        registry holds the types that plugins brought."""
        self._computed = VariableTypes(
            self.any_value, names, problems, known=known, environment=environment, brought=registry.variables
        )
        self._registry = registry
        self._types = (*TYPES, *registry.variables)
        self._names = names
        self._problems = problems
        self._decoder = Decoder(problems)
        self._needs: dict[str, set[str]] = {}

    def compile_all(self, declared: Mapping[str, tuple[Scalar, Node]]) -> None:
        """Compile every variable into `names.variables`; first those whose kind the conditions of others ask for:
        constants, and paths."""
        self._names.variables.update(dict.fromkeys(declared, constant(MISSING)))
        for name in sorted(declared, key=lambda one: not _is_plain(declared[one][1])):
            key, node = declared[name]
            path = f"variables.{name}"
            if name in KNOWN_ROOTS or name == ITEM:
                what = "stands for an item in fields and pluck" if name == ITEM else "is a field of every event"
                self._problems.add("E123", key.place, path, f'"{name}" {what}', "choose another name")
            with self._names.gathered() as needed:
                value = self._compile(name, path, key, node)
            self._needs[name] = {one for one in needed if self._names.is_declared(one)}
            self._names.paths[name] = frozenset(needed - self._needs[name])
            self._names.variables[name] = value if value is not None else constant(MISSING)
        self._find_circles(declared)
        self._spread_paths()

    def _spread_paths(self) -> None:
        """What a variable is made of is what its variables are made of, too."""
        paths = self._names.paths
        changed = True
        while changed:
            changed = False
            for name, needed in self._needs.items():
                whole = paths[name].union(*(paths[one] for one in needed))
                if whole != paths[name]:
                    paths[name], changed = whole, True

    def _compile(self, name: str, path: str, key: Scalar, node: Node) -> Value | None:
        if not isinstance(node, Map):
            self._decoder.wrong(node, path, "a map", "write {path: page.path}, {constant: x}, …")
            return None
        types = [one.text for one, _ in node.entries if one.text in self._types]
        if len(types) != 1:
            if types or not self._is_lost(node, path):
                self._no_type(node, path, key)
            return None
        kind = types[0]
        block = TYPES.get(kind) or Block("", Key(kind, compiled({}), ""), *BESIDE)
        nodes = block.nodes(self._decoder, node, path)
        given = block.values(self._decoder, nodes, path)
        self._names.outcomes[name] = list(outcomes(nodes))
        value = self._kind(name, kind, nodes, given, path)
        self._remember(name, kind, nodes)
        if value is not None and "default" in nodes:
            default = self.any_value(nodes["default"], f"{path}.default")
            value = None if default is None else with_default(value, default)
        if value is None or "format" not in nodes:
            return value
        form, plain_value = self._computed.format(nodes["format"], f"{path}.format"), value
        return lambda scope: form(plain_value(scope), scope)

    def _no_type(self, node: Map, path: str, key: Scalar) -> None:
        """Say which key is no kind, or that there are too many."""
        written = [one for one, _ in node.entries if one.text not in _BESIDE]
        types = [one.text for one in written if one.text in self._types]
        beside = {word for kind, block in TYPES.items() for word in block.keys if word != kind}
        for one in [one for one in written if one.text not in beside and not types]:
            if hint := self._problems.mean(path, one.text, self._types):
                message = f'"{one.text}" is no kind of variable'
                self._problems.add("E113", one.place, f"{path}.{one.text}", message, hint)
                return
        if types:
            message = f"{path} is of more than one kind: {', '.join(types)}"
            self._problems.add("E113", key.place, path, message, "keep one of them")
            return
        self._problems.add("E113", key.place, path, f"{path} needs exactly one of {', '.join(self._types)}")

    def _is_lost(self, node: Map, path: str) -> bool:
        """Whether the kind may be one of a plugin that could not be loaded; then the variable alone has no value."""
        strange = [one for one, _ in node.entries if one.text not in _BESIDE]
        if len(strange) != 1:
            return False
        alike = did_you_mean(strange[0].text, self._types)
        why = self._registry.why_missing(strange[0].text, sure=bool(alike))
        if why is None:
            return False
        message = f'no plugin has the kind of variable "{strange[0].text}"; {why}'
        self._problems.add("P211", strange[0].place, path, message, "the variable has no value until it is there")
        return True

    def _kind(
        self, name: str, kind: str, nodes: Mapping[str, Node], given: Mapping[str, Any], path: str
    ) -> Value | None:
        if kind not in PLAIN:
            return self._computed.compile(kind, name, nodes, given, path)
        node, where = nodes[kind], f"{path}.{kind}"
        if kind == "constant":
            value = self._names.plain(node, where)
            if "format" not in nodes:
                self._names.constants[name] = value
            return constant(value)
        text = given.get(kind)
        if text is None:
            return None
        if kind == "template":
            made = self._names.template(text, node.place, where)
            if isinstance(made, str) and "format" not in nodes:
                self._names.constants[name] = made
            return constant(made) if isinstance(made, str) else made
        if kind == "path":
            self._names.near.field(text, node.place, where)
            self._names.near.one_item(text, node.place, where)
            if is_email(text):
                self._names.emails.add(name)
        return self._names.read(ROOTS[kind] + text)

    def _remember(self, name: str, kind: str, nodes: Mapping[str, Node]) -> None:
        """What is known of the variable before any event, for what is compared with it."""
        node = nodes[kind]
        reads = ROOTS[kind] + node.text if kind in ROOTS and isinstance(node, Scalar) else None
        self._names.shapes[name] = shape_of_variable(kind, nodes, reads)
        if kind == "lookup" and "format" not in nodes and isinstance(table := nodes.get("table"), Map):
            held = [one for _, one in table.entries]
            held += [nodes["default"]] if "default" in nodes else []
            leaves = (self._names.fixed(one) for one in held if isinstance(one, Scalar))
            self._names.tables[name] = tuple(one for one in leaves if one is not MISSING)

    def any_value(self, node: Node, path: str) -> Value | None:
        """A scalar that may hold `{{ }}`, or any plain data."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            made = self._names.template(node.value, node.place, path)
            return constant(made) if isinstance(made, str) else made
        return constant(self._names.plain(node, path))

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


def _is_plain(node: Node) -> bool:
    return isinstance(node, Map) and any(node.get(kind) is not None for kind in ("constant", "path"))
