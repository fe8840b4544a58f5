"""The sentences that the code can say of a configuration, read from its syntax trees: each place that notes a
problem."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "tagserver" / "config"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Sentence:
    """One place, the code that it notes, and an expression that fits what it says."""

    place: str
    code: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.place} {self.code}"


def sentences() -> Iterator[Sentence]:
    """All of them: calls of `add`, `_Stop` and `Fault` whose message stands there, or in a name above."""
    for path in sorted(FOLDER.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        inner = {node for one in functions for node in ast.walk(one) if node is not one and isinstance(node, Function)}
        for function in functions:
            if function not in inner:
                yield from _of_function(function, path.name)


def _of_function(function: Function, file: str) -> Iterator[Sentence]:
    texts: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            texts.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        code: object = None
        if name == "Fault" and len(node.args) > 1:
            given = [one.value for one in node.keywords if one.arg == "code"]
            code, message = next((one.value for one in given if isinstance(one, ast.Constant)), "E101"), node.args[1]
        elif name in ("add", "_Stop") and len(node.args) > 3 and isinstance(node.args[0], ast.Constant):
            code, message = node.args[0].value, node.args[3]
        if isinstance(code, str):
            for one in (texts.get(message.id) if isinstance(message, ast.Name) else None) or [message]:
                yield Sentence(f"{file}:{node.lineno}", code, _pattern(one))


def _pattern(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=parts):
            return "".join(map(_pattern, parts))
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _pattern(left) + _pattern(right)
    return ".*"
