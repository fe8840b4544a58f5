"""Names in the configuration: what stands on the left of a condition or between braces is a variable, or else a
path of the event."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from tagserver.config.lint.comparisons import UNKNOWN, Comparison, Shape, Sides, shape_of_path
from tagserver.config.lint.near_names import ITEMS, NearNames, is_known_path, is_path
from tagserver.config.references import ExternalValues, has_reference
from tagserver.config.yaml.mistakes import slip
from tagserver.config.yaml.problems import Place, Problems
from tagserver.config.yaml.source import Map, Node, Scalar, Sequence
from tagserver.config.yaml.suggestions import GTM_PATHS
from tagserver.event.event import MISSING, reader
from tagserver.event.spelling import canonical, is_email
from tagserver.expressions.scope import Scope, Value
from tagserver.expressions.templates import (
    ITEM,
    BadTemplate,
    Reference,
    compile_template,
    constant,
    lone_reference,
    parse_template,
)
from tagserver.plugin.fault import PluginFailed
from tagserver.privacy.rules import is_personal, is_private


class Names:
    """Resolves names against the variables that are declared. `variables` grows while they are compiled, `constants`
    with the values of those that are the same for every event, `tables` with the constants that a lookup may give,
    `outcomes` with all that stands in a variable as its value, `shapes` with what else is known of them; `emails` are
    those that are a path to e-mail addresses. `compared` is what conditions and tables compare.

    `external` gives the variables of the environment that anybody may read; `near` says what looks misspelt. `rows` are
    those of all tables, each named for people: what tests can touch.
    """

    environment_is_free: ClassVar[bool] = False
    """Whether texts may name any variable of the environment: in `server.yaml`; else those that it lists."""

    def __init__(
        self, declared: Mapping[str, Place], external: ExternalValues, near: NearNames, problems: Problems
    ) -> None:
        self.near = near
        self._declared = declared
        self._external = external
        self._problems = problems
        self._gathering: list[set[str]] = []
        self.variables: dict[str, Value] = {}
        self.paths: dict[str, frozenset[str]] = {}
        self.constants: dict[str, Any] = {}
        self.emails: set[str] = set()
        self.tables: dict[str, tuple[Any, ...]] = {}
        self.shapes: dict[str, Shape] = {}
        self.compared: list[Comparison] = []
        self.outcomes: dict[str, list[Node]] = {}
        self.used: set[str] = set()
        self.rows: list[str] = []

    @contextmanager
    def gathered(self) -> Iterator[set[str]]:
        """A set that fills with the names, of variables and paths, that are resolved meanwhile."""
        names: set[str] = set()
        self._gathering.append(names)
        try:
            yield names
        finally:
            self._gathering.remove(names)

    def value(self, name: str, place: Place, path: str) -> Value | None:
        """The value behind a name, or None after a problem."""
        if name in self._declared:
            self.used.add(name)
            self._gather(name)
            return self._variable(name)
        if not is_path(name):
            hint = self._problems.did_you_mean(name, [*self._declared, *GTM_PATHS.values()])
            hint = hint or "define it under variables:, or write a path such as page.path"
            self._problems.add("E112", place, path, f'nothing is named "{name}"', hint, about=name)
            return None
        self.near.field(name, place, path, self._declared)
        self.near.one_item(name, place, path)
        return self.read(name)

    def read(self, path: str) -> Value:
        """A compiled read of an event's path."""
        self._gather(path)
        read = reader(path)
        return lambda scope: read(scope.event)

    def _gather(self, name: str) -> None:
        for names in self._gathering:
            names.add(name)

    def is_event_name(self, name: str) -> bool:
        """Whether a name leads to the name of the event."""
        return name not in self._declared and canonical(name) == ("event",)

    def is_items(self, name: str) -> bool:
        """Whether a name leads to the items of the order."""
        return name not in self._declared and canonical(name) == ITEMS

    def texts_behind(self, node: Node, met: set[str]) -> Iterator[Scalar]:
        """The texts that a value may be: itself, or what stands in the variable that it names, and in those that this
        one names; but for the variables that were met before."""
        ahead = [node]
        while ahead:
            one = ahead.pop()
            if (name := lone_name(one)) is None:
                if isinstance(one, Scalar) and isinstance(one.value, str) and "{{" not in one.value:
                    yield one
            elif name not in met:
                met.add(name)
                ahead += self.outcomes.get(name, ())

    def is_declared(self, name: str) -> bool:
        """Whether a variable has this name."""
        return name in self._declared

    def is_email(self, name: str) -> bool:
        """Whether a name stands for e-mail addresses as an event holds them."""
        return name in self.emails if name in self._declared else is_email(name)

    def paths_behind(self, names: set[str]) -> frozenset[str]:
        """The paths of the event that some names lead to, through variables too."""
        made: set[str] = set()
        for name in names:
            made |= self.paths.get(name, frozenset()) if name in self._declared else {name}
        return frozenset(made)

    def is_private(self, name: str) -> bool:
        """Whether a name leads to data that is never shown."""
        return any(is_private(path) for path in self.paths_behind({name}))

    def personal(self, names: set[str]) -> frozenset[str]:
        """The personal ones of the paths behind some names."""
        return frozenset(path for path in self.paths_behind(names) if is_personal(path))

    def _variable(self, name: str) -> Value:
        # Looked up when it is evaluated: a variable may be declared below its use.
        variables = self.variables

        def value(scope: Scope) -> object:
            known = scope.values
            if name in known:
                return known[name]
            known[name] = MISSING  # what it is while it is worked out, and when that fails
            try:
                found = known[name] = variables[name](scope)
            except MemoryError:
                raise
            except Exception as error:  # a failing variable has no value, and hurts nobody else
                scope.faults[name] = error.cause if isinstance(error, PluginFailed) else type(error).__name__
                return MISSING
            return found

        return value

    def template(self, text: str, place: Place, path: str) -> Value | str | None:
        """A text that may hold `{{ }}` and `${env:NAME}`: a value, the plain text, or None after a problem."""
        sound = True

        def resolve(reference: Reference) -> Value:
            nonlocal sound
            value = self._braced(reference.name, place, path)
            if value is None:
                sound = False
                return constant(None)
            return value

        self.look_at_text(text, place, path)
        filled = self._filled(text, place, path)
        if not isinstance(filled, str):
            return None if filled is None else constant(MISSING)
        try:
            made = compile_template(filled, resolve)
        except BadTemplate as bad:
            self._problems.add("E121", place, path, f"{path}: {bad}", bad.hint)
            return None
        return made if sound else None

    def look_at_text(self, text: str, place: Place, path: str) -> None:
        """Of a text without two braces, whether it is the name of a value that somebody wanted: a known path, or in one
        brace that of a variable, too."""
        found = _ONE_BRACE.match(text)
        name = found[1].strip() if found else text
        if is_known_path(name) or (found and name in self._declared):
            self.say_text(text, name, place, path)

    def look_at_input(self, node: Node, path: str) -> None:
        """Of what a variable is made of, whether it is the mere name of another one."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.text in self._declared:
            self.say_text(node.text, node.text, node.place, path)

    def say_text(self, text: str, name: str, place: Place, path: str) -> None:
        """Note a text that stands where the value of this name is wanted."""
        if name in self._declared:
            self.used.add(name)  # it is meant
        message = f'"{text}" is a text here, the same for every event'
        self._problems.add("W304", place, path, message, f'write "{{{{ {name} }}}}" for the value')

    def _braced(self, name: str, place: Place, path: str) -> Value | None:
        """The value behind a name between braces where no item is meant."""
        if name.partition(".")[0] != ITEM or name in self._declared:
            return self.value(name, place, path)
        message = f'"{name}" is a field of one item, and there is none here'
        hint = "it may stand in fields and pluck; for a field of your own make a variable {path: item.name}"
        self._problems.add("E123", place, path, message, hint)
        return None

    def pieces(self, text: str, place: Place, path: str) -> list[str | Reference] | None:
        """The pieces of a template of one item, with `${env:NAME}` filled in; None after a problem."""
        filled = self._filled(text, place, path)
        if filled is None:
            return None
        try:
            pieces = parse_template(filled if isinstance(filled, str) else "")
            if any(isinstance(one, Reference) and one.name == ITEM for one in pieces):
                raise BadTemplate(f'"{ITEM}" is a whole item', "name a field of it: {{ item.item_id }}")
        except BadTemplate as bad:
            self._problems.add("E121", place, path, f"{path}: {bad}", bad.hint)
            return None
        return pieces

    def fixed(self, leaf: Scalar) -> Any:
        """The value of a leaf that is the same for every event: as it stands, or a variable's that is a constant;
        MISSING for everything else."""
        text = leaf.value
        if not isinstance(text, str) or not ("{{" in text or has_reference(text)):
            return text
        return self.constants.get(lone_reference(text) or "", MISSING)

    def constants_in(self, text: str) -> tuple[tuple[Any, ...], str]:
        """The constants that an operand may be: itself, or those of the variable that it names; and whose they are, as
        ` of the variable "limit"`. None for what an event or the environment says."""
        if not ("{{" in text or has_reference(text)):
            return (text,), ""
        name = lone_reference(text) or ""
        found = (self.constants[name],) if name in self.constants else self.tables.get(name, ())
        return tuple(one for one in found if one is not MISSING), f' of the variable "{name}"'

    def sides(self) -> Iterator[tuple[Comparison, Sides]]:
        """Each comparison with what is known of its sides, now that all variables are."""
        for one in self.compared:
            is_variable = self.is_declared(one.left)
            shape = self.shapes.get(one.left, UNKNOWN) if is_variable else shape_of_path(one.left)
            yield one, Sides(shape, *self.constants_in(one.operand.text))

    def plain(self, node: Node, path: str) -> Any:
        """Plain data as it stands, but for `${env:NAME}`; MISSING for a variable of the environment that is not set,
        and after a problem."""
        match node:
            case Map():
                made = {key.text: self.plain(held, f"{path}.{key.text}") for key, held in node.entries}
                return {key: value for key, value in made.items() if value is not MISSING}
            case Sequence():
                found = (self.plain(item, f"{path}[{index}]") for index, item in enumerate(node.items))
                return [value for value in found if value is not MISSING]
        if not isinstance(node.value, str):
            self.refuse_cut(node, path)
            return node.value
        filled = self._filled(node.value, node.place, path, braces=False)
        return MISSING if filled is None else filled

    def refuse_cut(self, node: Scalar, path: str) -> None:
        """Note a value that a `#` made a comment: null may stand there, and is not what was meant."""
        if node.cut:
            self._problems.add("E111", node.place, path, f"{path} is nothing", slip(node, "a text"))

    def _filled(self, text: str, place: Place, path: str, *, braces: bool = True) -> Any:
        """A text with its `${env:NAME}`, or MISSING when that is all of it and not set; None after a problem.

        `braces`: it is a template, and braces in the variable of the environment are none of it.
        """
        if not has_reference(text):
            return text
        shown, free = r"\{{" if braces else "{{", self.environment_is_free
        found = self._external.text(text, place, path, self._problems, free=free, braces=shown)
        if found is None:
            return None
        value, why = found
        if why is not None:
            self._problems.add("W307", place, path, f"{path}: {why}", "nothing stands in its place")
        return value or MISSING


_ONE_BRACE = re.compile(r"\$?\{([^{}:]{1,100})\}\Z")


def lone_name(node: Node) -> str | None:
    """The name in a text that is one reference and nothing else: `{{ page.path }}`."""
    return lone_reference(node.value) if isinstance(node, Scalar) and isinstance(node.value, str) else None
