"""Comparisons of e-mail addresses, on the form in which they are hashed: who is asked for by an address is found,
however a page writes it.

Of several addresses one is enough: a condition holds when it holds for one of them, and its opposite when it holds for
none.
"""

from __future__ import annotations

import operator as compare
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tagserver.event.event import MISSING
from tagserver.event.normalise import email_form
from tagserver.event.values import js_text
from tagserver.expressions.conditions import NEGATED, Operand, compile_pattern, make_test, matches_of_event
from tagserver.expressions.scope import Scope, Value

_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": compare.eq,
    "contains": compare.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def make_email_test(operator: str, left: Value, operands: Sequence[Operand]) -> Callable[[Scope], bool]:
    """As `make_test`, for a left side that holds e-mail addresses. Upper and lower case are the same on both sides,
    also in patterns. Raises BadPattern."""
    if operator in NEGATED:
        positive = make_email_test(NEGATED[operator], left, operands)
        return lambda scope: not positive(scope)
    if operator == "one_of":
        known = frozenset(_form(one.constant) for one in operands if one.constant is not MISSING)
        asked = [one.value for one in operands if one.constant is MISSING]
        return lambda scope: any(
            text in known or any(text == _form(value(scope)) for value in asked) for text in _forms(left(scope))
        )
    if operator == "matches":
        (pattern,) = operands
        if pattern.constant is not MISSING:
            matches = compile_pattern(js_text(pattern.constant), ignore_case=True)
            return lambda scope: any(map(matches, _forms(left(scope))))
        return lambda scope: any(
            matches_of_event(js_text(pattern.value(scope)), text, True) for text in _forms(left(scope))
        )
    test = _TESTS.get(operator)
    if test is None:  # whether it is there, and numbers
        return make_test(operator, left, operands, False)
    (right,) = operands

    def holds(scope: Scope) -> bool:
        wanted = _form(right.value(scope))
        return any(test(text, wanted) for text in _forms(left(scope)))

    return holds


def _form(value: Any) -> str:
    return email_form(js_text(value))


def _forms(value: Any) -> list[str]:
    return [_form(one) for one in value] if isinstance(value, list) else [_form(value)]
