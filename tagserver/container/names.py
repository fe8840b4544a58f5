"""Names in the configuration: what stands on the left of a condition or between braces is a variable, or else a
path of the event."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping

from tagserver.container.problems import Place, Problems, did_you_mean
from tagserver.event import MISSING, reader
from tagserver.scope import Scope, Value
from tagserver.spelling import KNOWN_ROOTS
from tagserver.templates import BadTemplate, Reference, compile_template, constant

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_$-]+)*\Z")

PRIVATE_ROOTS = frozenset({"user_data", "ip", "cookie", "user_id", "client_id", "header", "user_agent"})
"""Roots of personal data: their values are never shown in an explanation."""


def is_private(path: str) -> bool:
    """Whether a path may hold personal data."""
    return path.partition(".")[0] in PRIVATE_ROOTS


def path_value(path: str) -> Value:
    """A compiled read of an event's path."""
    read = reader(path)
    return lambda scope: read(scope.event)


class Names:
    """Resolves names against the variables that are declared. `variables` grows while they are compiled."""

    def __init__(self, declared: Mapping[str, Place], problems: Problems) -> None:
        self._declared = declared
        self._problems = problems
        self.variables: dict[str, Value] = {}
        self.private: dict[str, bool] = {}
        self.saw_private = False
        self.used: set[str] = set()
        self.needs: Callable[[str], None] = lambda name: None

    def value(self, name: str, place: Place, path: str) -> Value | None:
        """The value behind a name, or None after a problem."""
        if name in self._declared:
            self.used.add(name)
            self.needs(name)
            return self._variable(name)
        if not _PATH.match(name):
            hint = did_you_mean(name, self._declared) or "define it under variables:, or write a path such as page.path"
            self._problems.add("E112", place, path, f'nothing is named "{name}"', hint)
            return None
        root = name.partition(".")[0]
        if root not in KNOWN_ROOTS:
            known = [*self._declared, *KNOWN_ROOTS]
            like = difflib.get_close_matches(root, known, n=1, cutoff=0.8)
            if like:
                message = f'"{name}" is read as a field of your own'
                self._problems.add("W304", place, path, message, f'did you mean "{like[0]}"?')
        self.saw_private = self.saw_private or is_private(name)
        return path_value(name)

    def is_private(self, name: str) -> bool:
        """Whether a name leads to personal data."""
        return self.private.get(name, False) if name in self._declared else is_private(name)

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
            except Exception as error:  # a failing variable has no value, and hurts nobody else
                scope.faults[name] = type(error).__name__
                return MISSING
            return found

        return value

    def template(self, text: str, place: Place, path: str) -> Value | str | None:
        """A text that may hold `{{ }}`: a value, the plain text, or None after a problem."""
        sound = True

        def resolve(reference: Reference) -> Value:
            nonlocal sound
            at = Place(place.file, place.line, place.column, place.length)
            value = self.value(reference.name, at, path)
            if value is None:
                sound = False
                return constant(None)
            return value

        try:
            made = compile_template(text, resolve)
        except BadTemplate as bad:
            self._problems.add("E121", place, path, f"{path}: {bad}", bad.hint)
            return None
        return made if sound else None
