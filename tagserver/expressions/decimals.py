"""Numbers as people write them: decimals that are worked out exactly (0.1 plus 0.2 is 0.3), and a number of JSON at the
end.

A number takes what its digits take, whoever sent it: one with more of them, or with a longer exponent, is none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, NamedTuple

from tagserver.event.event import MISSING
from tagserver.expressions.scope import Scope, Value

_DIGITS = 40
"""Of a result. Money has 20 at most; a third has as many as there are."""
_CONTEXT = Context(prec=_DIGITS, rounding=ROUND_HALF_UP, Emax=308, Emin=-308, traps=[])
_LONGEST = 100
"""Characters of a number."""
_WRITTEN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
_LARGEST_WHOLE = 1 << 63
"""From here on readers of JSON have no whole numbers."""
_ZERO = Decimal(0)


def exact(value: Any) -> Decimal | None:
    """The number that a value is, or a text with a decimal point (`" 129.90 "`); None for what is none. True and false
    are none, and nor is a text with signs between groups."""
    if type(value) is float:
        found = Decimal(repr(value))
        return found if found.is_finite() else None
    if type(value) is int:
        return Decimal(value) if abs(value) < 10**_LONGEST else None
    if type(value) is str and len(value) <= _LONGEST and _WRITTEN.match(text := value.strip()):
        return Decimal(text)
    return None


def as_number(number: Decimal) -> Any:
    """A number of JSON: a whole one where it is whole and not too large; MISSING for what is larger than any."""
    if not number.is_finite():
        return MISSING
    if abs(number) < _LARGEST_WHOLE and number == (whole := int(number)):
        return whole
    made = float(number)
    return MISSING if math.isinf(made) else made


def rounded(value: int | float, digits: int) -> Any:
    """A number to so many digits behind the point, a half away from zero: 2.675 is 2.68, as on paper."""
    number = exact(value)
    exponent = number.as_tuple().exponent if number is not None else None
    if number is None or not isinstance(exponent, int) or exponent >= -digits:
        return value
    made = number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=400))
    return int(made) if type(value) is int else as_number(made)


Operation = Callable[[Decimal, Decimal], Decimal]
OPERATIONS: Mapping[str, Operation] = {
    "plus": _CONTEXT.add,
    "minus": _CONTEXT.subtract,
    "times": _CONTEXT.multiply,
    "divided by": _CONTEXT.divide,
}


class Step(NamedTuple):
    """What is done with a value. `missing` is what counts where it is missing, null or an empty text."""

    operation: Operation
    value: Value
    missing: Decimal | None


def calculation(steps: Sequence[Step]) -> Value:
    """The steps from left to right, beginning at 0. A value that is no number, or missing where nothing counts instead,
    leaves no result, and so do a division by 0 and a result that is too large."""

    def result(scope: Scope) -> Any:
        total = _ZERO
        for operation, value, missing in steps:
            found = value(scope)
            number = missing if _is_missing(found) else exact(found)
            if number is None:
                return MISSING
            total = operation(total, number)
        return as_number(total)

    return result


def _is_missing(value: Any) -> bool:
    return value is MISSING or value is None or (type(value) is str and (not value or value.isspace()))
