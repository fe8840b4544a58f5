"""Comparisons that never hold: a network under `equals`, a text under `greater_than`, a whole address under
`page.path`, `yes` where events say true.

What is compared with what is kept while conditions and tables are compiled, and judged when all variables are known:
a condition may name one that is declared below it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tagserver.config.lint.forms import (
    ANY,
    CASES,
    DATE,
    EMAIL,
    IP,
    MILLISECONDS,
    OF_KINDS,
    OF_PARTS,
    TRIMMED,
    WHOLE,
    Fault,
    Form,
    Part,
    form_of,
)
from tagserver.config.lint.forms import may_be_true as path_may_be_true
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Map, Node, Scalar
from tagserver.event.event import MISSING
from tagserver.event.values import js_number, js_text
from tagserver.expressions.conditions import NEGATED, TESTS
from tagserver.expressions.derive import written_number
from tagserver.expressions.networks import networks_of
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


@dataclass(frozen=True, slots=True)
class Sides:
    """What is known of a comparison's sides before any event: the shape of the left one; the constants that the operand
    may be, and whose they are, as ` of the variable "limit"`."""

    shape: Shape
    values: tuple[Any, ...]
    whose: str


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


PARTS: Mapping[str, Part] = {
    "equals": "whole",
    "one_of": "whole",
    ROW: "whole",
    "starts_with": "start",
    "ends_with": "end",
    "contains": "inside",
}
_AS_TESTED: Mapping[Part, str] = {"whole": "equals", "start": "starts_with", "end": "ends_with", "inside": "contains"}
_VERBS: Mapping[Part, str] = {"whole": "is", "start": "begins with", "end": "ends with", "inside": "has in it"}

MOST_SHOWN = 6
"""Of a list that is wrong throughout the beginning is enough."""

_YES = frozenset({"yes", "on", "y"})
_NO = frozenset({"no", "off", "n"})
"""What YAML 1.1 reads as true and false, and YAML 1.2 as texts."""
_PLACES = re.compile(r"(country|land|nation|market|region|lang|language|locale|shop|store|site|tld|cc)s?\Z")
"""How fields are called in which `no` is Norway, or its language."""


def judge(compared: Iterable[tuple[Comparison, Sides]], problems: Problems) -> None:
    """Warn of each comparison that never holds, or with `not_` in front always; of those in one list no more than
    `MOST_SHOWN`."""
    in_list: Counter[int] = Counter()
    for one, sides in compared:
        if in_list[id(one.beside)] == MOST_SHOWN:
            continue
        found = next(_faults(one, sides), None)
        if found is not None:
            in_list[id(one.beside)] += 1
            message, hint = found
            problems.add("W312", one.operand.place, one.path, message, hint)


def _faults(one: Comparison, sides: Sides) -> Iterator[Fault]:
    operator = NEGATED.get(one.operator, one.operator)
    shape, values, whose = sides.shape, sides.values, sides.whose
    if operator.startswith(("greater", "less")):
        yield from _of_numbers(one, shape, values, whose)
    elif operator == "matches":
        yield from (fault for text in map(js_text, values) if (fault := _of_pattern(one, shape, text)) is not None)
    elif (part := PARTS.get(operator)) is not None:
        if part == "whole" and shape.may_be_true and _is_yes_or_no(one):
            yield _as_boolean(one)
        found = [_of_text(shape, part, js_text(value), one.ignore_case) for value in values]
        if found and found[0] is not None and None not in found:
            # A person's data that somebody has written into a condition is not repeated.
            text = None if shape.form in (TRIMMED, EMAIL) else js_text(values[0])
            yield _said(one, _VERBS[part], text, found[0], whose)


def _of_pattern(one: Comparison, shape: Shape, pattern: str) -> Fault | None:
    """Of a network, which is no pattern; or of how whatever fits a pattern begins."""
    if shape.form is IP and "/" in pattern and networks_of(pattern):
        return _said(one, "matches", pattern, ("it is a single address", ""))
    beginning = beginning_of(pattern)
    fault = _of_text(shape, "start", beginning, one.ignore_case)
    if fault is None or shape.form in (TRIMMED, EMAIL):
        return None
    return f'{one.left} never begins with "{beginning}", as what fits this pattern does: {fault[0]}', ""


def _said(one: Comparison, verb: str, text: str | None, fault: Fault, whose: str = "") -> Fault:
    why, hint = fault
    hint = hint or ("" if text else "write {missing: true}, or {exists: true}")
    shown = "this" if text is None else f'"{text}"'
    hint = _as_networks(one) if text is not None and networks_of(text) else hint
    return f"{one.left} never {verb} {shown}{whose}: {why}", hint


def _as_networks(one: Comparison) -> str:
    """The operands of a comparison, or the first of them, under the operator that reads networks."""
    texts = [node.text for node in one.beside[: MOST_SHOWN + 1] if isinstance(node, Scalar)]
    found = [each for text in texts for each in networks_of(text) or (text,)]
    written = [f'"{each}"' if ":" in each or "{" in each else each for each in found]
    rest = ["…"] if written[MOST_SHOWN:] else []
    return f"write {one.left}: {{in: [{', '.join([*written[:MOST_SHOWN], *rest])}]}}"


def _of_text(shape: Shape, part: Part, text: str, ignore_case: bool) -> Fault | None:
    test = TESTS[_AS_TESTED[part]]
    missing = js_text(shape.default)  # a missing value compares as the text undefined
    if test(missing, text) or (ignore_case and test(missing.lower(), text.lower())):
        return None
    return shape.form.fault(text, part, ignore_case=ignore_case)


_COUNTED = 'a variable {items: "{{ items }}", sum: [quantity]} is one'


def _of_numbers(one: Comparison, shape: Shape, values: tuple[Any, ...], whose: str) -> Iterator[Fault]:
    test = TESTS[one.operator]
    said = one.operator.replace("_", " ")
    for value in values:
        number, text = js_number(value), js_text(value)
        if math.isnan(number):
            yield f'"{text}"{whose} is no number: {one.left} is never {said} that', _number_hint(text)
        possible = shape.form.numbers
        if possible is not None and not any(test(held, number) for held in (*possible, shape.default)):
            yield f"{one.left} is never {said} {text}{whose}: it is no number", _COUNTED if possible else ""


_NUMBER = re.compile(r"[-+]?[0-9][0-9 .,'’\u00a0\u202f]*")


def _number_hint(text: str) -> str:
    """The number that somebody meant, with a point before its decimals; both, where a sign may stand between groups."""
    written = found[0].rstrip(" .,'’\u00a0\u202f") if (found := _NUMBER.search(text)) else ""
    meant = [js_text(number) for mark in ".," if (number := written_number(written, mark)) is not None]
    return f"write {' or '.join(dict.fromkeys(meant))}" if meant else "write a number, with a point before its decimals"


def _is_yes_or_no(one: Comparison) -> bool:
    """Whether an operand without quotes is one of these words, beside nothing but such, and is no name of a country."""
    if not _is_word(one.operand, _YES | _NO):
        return False
    if one.operand.text.lower() == "no" and _PLACES.search(one.left.rpartition(".")[2].lower()):
        return False
    return all(_is_word(other, _YES | _NO) or _is_truth(other) for other in one.beside)


def _is_word(node: Node, words: frozenset[str]) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text.lower() in words


def _is_truth(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.value is None or isinstance(node.value, bool | int))


def _as_boolean(one: Comparison) -> Fault:
    word = one.operand.text
    right = "true" if word.lower() in _YES else "false"
    message = f"{word} is a text, and {right} is written `{right}`: where events hold {right}, {one.left} never is it"
    return message, f'write {right}, or "{word}" in quotes where events hold that text'


_LITERAL = re.compile(r"\\([^\w\s])|([^\\.^$*+?{}()\[\]|])")
"""A sign that stands for itself, or one that a backslash makes so."""


def beginning_of(pattern: str) -> str:
    """With which text whatever fits a pattern begins, as far as that is plain: `^/cart(/|$)` → `/cart`; empty where it
    may fit anywhere."""
    if not pattern.startswith("^") or _has_alternatives(pattern):
        return ""
    at, found = 1, ""
    while (literal := _LITERAL.match(pattern, at)) is not None:
        at = literal.end()
        if pattern[at : at + 1] in ("?", "*", "{"):  # it may be there, or not
            break
        found += literal[1] or literal[2]
        if pattern[at : at + 1] == "+":
            break
    return found


def _has_alternatives(pattern: str) -> bool:
    """Whether a bar stands outside of all brackets."""
    depth, in_class = 0, False
    for sign in re.sub(r"\\.", "", pattern):
        if in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            return True
    return False


_REFUSED = re.compile(r"\(\?[=!<]|\\[1-9]")


def pattern_hint(pattern: str) -> str:
    """What to change in a regular expression that RE2 does not take."""
    if _REFUSED.search(pattern):
        return "look-around and back-references are not taken (RE2)"
    return "a sign that stands for itself has \\ before it"
