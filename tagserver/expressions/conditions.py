"""Conditions: one value of an event against one operand, with the meaning that Google Tag Manager gives the
operator.

A negated operator is the plain opposite of its positive one, so that `not_equals` holds for a missing value too.
Regular expressions run in RE2: linear time whatever the pattern and the text.
"""

from __future__ import annotations

import operator as compare
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import re2

from tagserver.event.event import MISSING
from tagserver.event.values import js_number, js_text
from tagserver.expressions.networks import Networks
from tagserver.expressions.scope import Scope, Value

Test = Callable[[Any, Any], bool]


class BadPattern(ValueError):
    """A regular expression that RE2 does not take; the text says what is not supported."""


_MEMORY, _LITTLE_MEMORY = 8 << 20, 32 << 10
"""Bytes that RE2 may use for a pattern of the container's, and for one that an event brings."""


def _compiled(pattern: str, ignore_case: bool, memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise BadPattern(said.decode() if isinstance(said, bytes) else str(said)) from None
    except UnicodeEncodeError:
        raise BadPattern("it holds half a character") from None


def compile_pattern(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """A partial match in RE2's dialect, as a test of a text. Raises BadPattern."""
    search = compile_search(pattern, ignore_case=ignore_case)
    return lambda text: search(text) is not None


def compile_search(pattern: str, *, ignore_case: bool = False) -> Callable[[str], Any]:
    """A partial match in RE2's dialect: gives the match with its groups, or None. Raises BadPattern."""
    found = _compiled(pattern, ignore_case, _MEMORY)

    def search(text: str) -> Any:
        try:
            return found.search(text)
        except UnicodeEncodeError:
            return None

    return search


LONGEST_PATTERN = 64
"""Characters of a pattern that an event brings."""
_MOST_STEPS = 1 << 23
"""Instructions of its program times bytes of the text; a millisecond or so."""
_COSTLY = ("\\p", "\\P", "\\x")
"""Classes of Unicode: three letters that become thousands of instructions. Ranges beyond ASCII do, too."""


def matches_of_event(pattern: str, text: str, ignore_case: bool) -> bool:
    """Whether a pattern that an event brings matches a text. Whoever sends both decides what it costs: a pattern that
    is long or costly to read, or is too much work for this text, matches nothing, as an invalid one does."""
    if len(pattern) > LONGEST_PATTERN or any(one in pattern for one in _COSTLY):
        return False
    if "[" in pattern and not pattern.isascii():
        return False
    try:
        found = _compiled(pattern, ignore_case, _LITTLE_MEMORY)
        if found.programsize * len(text) > _MOST_STEPS:
            return False
        return found.search(text) is not None
    except (BadPattern, UnicodeEncodeError):
        return False


COMPARISONS: Mapping[str, Test] = {
    "greater_than": compare.gt,
    "greater_or_equal": compare.ge,
    "less_than": compare.lt,
    "less_or_equal": compare.le,
}
"""Of numbers. Python compares integers with floats exactly, and NaN is false in every comparison, as it should be."""


def _numbers(test: Test) -> Test:
    return lambda left, right: test(js_number(left), js_number(right))


TESTS: Mapping[str, Test] = {
    "equals": lambda left, right: js_text(left) == js_text(right),
    "contains": lambda left, right: js_text(right) in js_text(left),
    "starts_with": lambda left, right: js_text(left).startswith(js_text(right)),
    "ends_with": lambda left, right: js_text(left).endswith(js_text(right)),
    **{name: _numbers(test) for name, test in COMPARISONS.items()},
}
NEGATED: Mapping[str, str] = {"not_equals": "equals", "not_contains": "contains", "not_matches": "matches"}
OPERATORS = (
    *("equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "matches", "not_matches"),
    *("greater_than", "greater_or_equal", "less_than", "less_or_equal", "one_of", "in", "exists", "missing"),
)


class Operand(NamedTuple):
    """A right side: its value, and the same where it holds no template, else MISSING."""

    value: Value
    constant: Any = MISSING


class Ask(NamedTuple):
    """Whether the left side, by its name and as a value, is one text."""

    name: str
    left: Value
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """`left operator operand`. `name` is the left side as written; `private` values are never shown."""

    name: str
    operator: str
    operand: str
    test: Callable[[Scope], bool]
    left: Value
    private: bool = False
    only: str | None = None
    """The one text for which it holds, where there is just one."""

    @property
    def ask(self) -> Ask | None:
        """What it asks, where one text alone is the answer."""
        return None if self.only is None else Ask(self.name, self.left, self.only)

    @property
    def words(self) -> str:
        """What it demands of its left side: `equals "/thanks"`."""
        return f"{self.operator} {self.operand}".rstrip()

    def explain(self, scope: Scope) -> str:
        """The condition with both operands, as a person reads it."""
        left = self.left(scope)
        return f"{self.name} {self.words}, is {_shown(left, self.private)}"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when one of its groups of conditions does."""

    groups: tuple[tuple[Clause, ...], ...]
    name: ClassVar[str] = "any"

    def test(self, scope: Scope) -> bool:
        """Whether all conditions of one of the groups hold."""
        return any(all(clause.test(scope) for clause in group) for group in self.groups)

    @property
    def words(self) -> str:
        """One of which groups must hold."""
        groups = (" and ".join(f"{one.name} {one.words}" for one in group) for group in self.groups)
        return "of: " + "; or ".join(groups)

    def explain(self, scope: Scope) -> str:
        """The first failing condition of each group."""
        failing = (next((clause for clause in group if not clause.test(scope)), group[0]) for group in self.groups)
        return "none of: " + "; ".join(clause.explain(scope) for clause in failing)


@dataclass(frozen=True, slots=True)
class NotAll:
    """Holds when one of its conditions does not: the opposite of a `when`."""

    clauses: tuple[Clause, ...]
    name: ClassVar[str] = "not"

    def test(self, scope: Scope) -> bool:
        """Whether one of the conditions fails."""
        return not all(clause.test(scope) for clause in self.clauses)

    @property
    def words(self) -> str:
        """What must not hold together."""
        return " and ".join(f"{one.name} {one.words}" for one in self.clauses)

    def explain(self, scope: Scope) -> str:
        """The condition that fails, or all of them when none does."""
        failing = next((clause for clause in self.clauses if not clause.test(scope)), None)
        shown = self.clauses if failing is None else (failing,)
        return "not: " + " and ".join(clause.explain(scope) for clause in shown)


Clause = Condition | AnyOf | NotAll


def all_of(tests: Sequence[Callable[[Scope], bool]]) -> Callable[[Scope], bool]:
    """One test that holds when all of them do, asked in their order."""
    match tests:
        case []:
            return lambda scope: True
        case [only]:
            return only
        case [first, second]:
            return lambda scope: first(scope) and second(scope)

    def holds(scope: Scope) -> bool:
        for test in tests:  # noqa: SIM110 (a generator costs more than the tests)
            if not test(scope):
                return False
        return True

    return holds


def _shown(value: Any, private: bool) -> str:
    if value is MISSING:
        return "missing"
    if value is None:
        return "null"
    if private:
        return f"a value of {len(js_text(value))} characters"
    text = js_text(value)
    text = text if len(text) <= 80 else text[:79] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def _one_of(left: Value, operands: Sequence[Operand], ignore_case: bool) -> Callable[[Scope], bool]:
    """A look among the texts that are the same for every event, then each of the others."""

    def text_of(value: Any) -> str:
        text = js_text(value)
        return text.lower() if ignore_case else text

    known = frozenset(text_of(one.constant) for one in operands if one.constant is not MISSING)
    others = [make_test("equals", left, [one], ignore_case) for one in operands if one.constant is MISSING]
    return lambda scope: text_of(left(scope)) in known or any(test(scope) for test in others)


def in_networks(left: Value, networks: Networks) -> Callable[[Scope], bool]:
    """The compiled test of `in`: whether the left side is an address in one of some networks."""
    return lambda scope: networks.hold(left(scope))


def make_test(operator: str, left: Value, operands: Sequence[Operand], ignore_case: bool) -> Callable[[Scope], bool]:
    """The compiled test of a condition. `operands` are the right side: several for `one_of`. Raises BadPattern."""
    if operator in ("exists", "missing"):
        wanted = operator == "exists"

        def there(scope: Scope) -> bool:
            value = left(scope)
            return (value is not MISSING and value is not None) is wanted

        return there
    if operator in NEGATED:
        positive = make_test(NEGATED[operator], left, operands, ignore_case)
        return lambda scope: not positive(scope)
    if operator == "one_of":
        return _one_of(left, operands, ignore_case)
    ((right, constant),) = operands
    if operator == "matches":
        if constant is not MISSING:
            matches = compile_pattern(js_text(constant), ignore_case=ignore_case)
            return lambda scope: matches(js_text(left(scope)))

        return lambda scope: matches_of_event(js_text(right(scope)), js_text(left(scope)), ignore_case)
    if operator in COMPARISONS and constant is not MISSING:
        return _compared(left, COMPARISONS[operator], js_number(constant))
    test = TESTS[operator]
    if ignore_case and operator not in COMPARISONS:
        return lambda scope: test(js_text(left(scope)).lower(), js_text(right(scope)).lower())
    if operator == "equals" and isinstance(constant, str):

        def equal(scope: Scope) -> bool:
            value = left(scope)
            return value == constant if type(value) is str else js_text(value) == constant

        return equal
    if constant is not MISSING:
        return lambda scope: test(left(scope), constant)
    return lambda scope: test(left(scope), right(scope))


def _compared(left: Value, test: Test, fixed: int | float) -> Callable[[Scope], bool]:
    def compared(scope: Scope) -> bool:
        value = left(scope)
        return test(value if type(value) is float else js_number(value), fixed)

    return compared
