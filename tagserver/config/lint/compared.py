"""What is compared with what, and what is known of its left side before any event: kept while conditions and tables are
compiled, judged in `comparisons`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tagserver.config.lint.forms import ANY, CASES, DATE, MILLISECONDS, OF_KINDS, OF_PARTS, WHOLE, Form, form_of
from tagserver.config.lint.forms import may_be_true as path_may_be_true
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.event.event import MISSING
from tagserver.expressions.templates import is_template

ROW = "a row of the table"
"""The operator of a key of a lookup's table: the value is it, or the key of another row."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator operand`, as written; `beside` are all operands of its list, or keys of its table. `place` is that
    of the operand."""

    left: str
    operator: str
    operand: Scalar
    beside: Sequence[Node]
    path: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a value: its form; what it is where it would be missing, or MISSING; whether it may be true or
    false."""

    form: Form = ANY
    default: Any = MISSING
    may_be_true: bool = False


UNKNOWN = Shape()


def shape_of_path(path: str) -> Shape:
    """Of what stands at a path of the event."""
    return Shape(form_of(path), MISSING, path_may_be_true(path))


def shape_of_variable(kind: str, nodes: Mapping[str, Node], path: str | None) -> Shape:
    """Of a variable of some kind, by its keys; `path`: the one that it reads, if it does nothing else."""
    if path is not None:
        shape = shape_of_path(path)
    elif kind == "url":
        part = "" if "key" in nodes else _text(nodes.get("part"), "url")
        shape = Shape(OF_PARTS.get(part, ANY))
    elif kind == "time":
        shape = Shape({"ms": MILLISECONDS, "seconds": WHOLE, "date": DATE}.get(_text(nodes.get("as"), "ms"), ANY))
    elif kind == "container" and _text(nodes["container"], "") == "debug":
        shape = Shape(may_be_true=True)
    else:
        shape = Shape(OF_KINDS.get(kind, ANY))
    if "default" in nodes:
        default = nodes["default"]
        if not isinstance(default, Scalar) or is_template(default.text):
            return UNKNOWN
        may_be_true = shape.may_be_true and not isinstance(default.value, str)
        shape = replace(shape, default=default.value, may_be_true=may_be_true)
    return _formatted(shape, nodes["format"]) if "format" in nodes else shape


def _formatted(shape: Shape, node: Node) -> Shape:
    """A format that does nothing but write all in one case leaves the rest of the form as it is."""
    if not isinstance(node, Map) or {key.text for key, _ in node.entries} != {"case"}:
        return UNKNOWN
    case = CASES.get(_text(node.get("case"), ""))
    if case is None or shape.default is not MISSING:
        return UNKNOWN
    return replace(shape, form=shape.form.written(case))


def _text(node: Node | None, default: str) -> str:
    return node.text if isinstance(node, Scalar) else default
