"""What may be changed in a function: small faults that a person could make, made in its syntax tree.

Each change is one node replaced by another. Changes of one operator in one function are numbered in the order of the
source, so that a change keeps its name when lines, or other functions, move.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Unit = ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign
"""A function with all that is in it, or a constant of a module or of a class."""

_OTHER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_NAMES = {"any": "all", "all": "any", "min": "max", "max": "min"}
_NOT_CODE = frozenset(
    {"annotation", "returns", "decorator_list", "type_params", "type_comment", "format_spec", "target"}
)
"""Fields of nodes in which a change is none, or none that a test could see."""
LARGE = 16
"""A number from here on is a limit or a duration: it is doubled, because one more or less of it promises nothing."""


@dataclass(frozen=True)
class Slot:
    """Where a node stands: a field of another one, and the place in it if that is a list."""

    parent: ast.AST
    field: str
    place: int | None

    @property
    def node(self) -> ast.AST:
        """What stands there."""
        value = getattr(self.parent, self.field)
        found: ast.AST = value if self.place is None else value[self.place]
        return found

    def put(self, node: ast.AST) -> None:
        """Replace it."""
        if self.place is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.place] = node


@dataclass(frozen=True)
class Change:
    """One replacement in a unit. `number`: which one of its operator, from 1 on."""

    operator: str
    number: int
    slot: Slot
    node: ast.AST

    @property
    def was(self) -> str:
        """The source of what is replaced, on one line."""
        return _line(self.slot.node)

    @property
    def now(self) -> str:
        """The source of what replaces it."""
        return _line(self.node)


def _line(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())


def changes(unit: Unit) -> Iterator[Change]:
    """Every change of a unit, in the order of its source."""
    seen: dict[str, int] = {}
    for slot in _slots(unit):
        for operator, replace in OPERATORS.items():
            for node in replace(slot):
                seen[operator] = seen.get(operator, 0) + 1
                yield Change(operator, seen[operator], slot, node)


def _slots(node: ast.AST) -> Iterator[Slot]:
    for field, value in ast.iter_fields(node):
        if field in _NOT_CODE or isinstance(node, ast.Assert):
            continue
        for place, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(one, ast.AST):
                yield Slot(node, field, place)
                yield from _slots(one)


def _compared(slot: Slot) -> Iterator[ast.AST]:
    """`<` becomes `<=`, `==` becomes `!=`, `in` becomes `not in`, and back."""
    node = slot.node
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            made = copy.deepcopy(node)
            made.ops[place] = _OTHER[type(operator)]()
            yield made


def _called(slot: Slot) -> Iterator[ast.AST]:
    """`any` becomes `all`, `min` becomes `max`, and back."""
    node = slot.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMES:
        made = copy.deepcopy(node)
        made.func = ast.Name(_NAMES[node.func.id], ast.Load())
        yield made


def _joined(slot: Slot) -> Iterator[ast.AST]:
    """`and` becomes `or`, `|` becomes `&`, and back."""
    node = slot.node
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), copy.deepcopy(node.values))
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.BitOr | ast.BitAnd):
        made = copy.deepcopy(node)
        made.op = ast.BitAnd() if isinstance(node.op, ast.BitOr) else ast.BitOr()
        yield made


def _negated(slot: Slot) -> Iterator[ast.AST]:
    """A condition becomes its contrary."""
    node = slot.node
    asks = slot.field == "ifs" or (slot.field == "test" and isinstance(slot.parent, ast.If | ast.While | ast.IfExp))
    # What is a comparison or a `not` already has its contrary by another operator, but for < and its kind.
    plain = not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)) and not isinstance(node, ast.Constant)
    if asks and plain and not (isinstance(node, ast.Compare) and _has_contrary(node)):
        yield ast.UnaryOp(ast.Not(), copy.deepcopy(node))


def _has_contrary(node: ast.Compare) -> bool:
    return len(node.ops) == 1 and not isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)


def _not(slot: Slot) -> Iterator[ast.AST]:
    """`not x` becomes `x`."""
    node = slot.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield copy.deepcopy(node.operand)


def _constant(slot: Slot) -> Iterator[ast.AST]:
    """A number becomes one more, or one less; a large one twice itself; True becomes False, and back."""
    if not isinstance(slot.parent, ast.arguments):
        yield from _another(slot.node)


def _default(slot: Slot) -> Iterator[ast.AST]:
    """The same for the default of a parameter."""
    if isinstance(slot.parent, ast.arguments):
        yield from _another(slot.node)


def _another(node: ast.AST) -> Iterator[ast.AST]:
    value: Any = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        for other in (value * 2,) if value >= LARGE else (value + 1, value - 1):
            yield ast.Constant(other)


def _dropped(slot: Slot) -> Iterator[ast.AST]:
    """A statement is left out."""
    node = slot.node
    match node:
        case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom()):
            pass
        case ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            pass
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) if not _of_a_constructor(node):
            pass
        case ast.Return(value=ast.expr() as value) if not (_is_none(value) or _is_last(slot)):
            pass
        case _:
            return
    yield ast.Pass()


def _of_a_constructor(node: ast.Assign) -> bool:
    """`self.x = x`: without it nothing works, and every test says so."""
    target = node.targets[0]
    return isinstance(target, ast.Attribute) and isinstance(node.value, ast.Name)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_last(slot: Slot) -> bool:
    """The result of a function: without it nothing works, either."""
    parent = slot.parent
    return isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) and slot.node is parent.body[-1]


OPERATORS: dict[str, Callable[[Slot], Iterator[ast.AST]]] = {
    "compare": _compared,
    "call": _called,
    "join": _joined,
    "negate": _negated,
    "not": _not,
    "constant": _constant,
    "default": _default,
    "drop": _dropped,
}
