"""No regular expression of ours costs more than the length of the text it is given.

All of them are found in the syntax trees, wherever they stand, and judged by their structure: who adds one that
backtracks over long texts fails here, whatever texts other tests think of.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tagserver.consent.cookies.tools import TOOLS
from tagserver.event.consent_fields import COOKIES

from ..test_architecture import MODULES
from .backtracking import findings

AT_ONE_PLACE = {"match", "fullmatch"}
FUNCTIONS = {"compile", "search", "split", "findall", "finditer", "sub", "subn", *AT_ONE_PLACE}
LOCAL: Mapping[str, dict[str, Any]] = {
    "tagserver.consent.cookies.tools": {"tools": tuple(TOOLS), "TOOLS": TOOLS, "COOKIES": COOKIES},
    "tagserver.config.yaml.report": {"first": "a", "sought": "a"},
    "tagserver.explain.expectations": {"detail": "a"},
    "tagserver.config.yaml.problems": {"sought": r"(?<!\w)a\ secret(?!\w)"},
    "tagserver_file.jsonl": {"name": "events"},
    "tagserver_file.parquet": {"name": "events"},
}
"""What stands in the variables of functions that make a pattern."""
OF_THE_FILES = {
    r"\$\{(env|file):([^}]*)\}": "a text of the configuration, which may have at most a mebibyte",
    r"\\\{\{|\{\{(.*?)\}\}|\{\{": "a template of the configuration, whose first unclosed braces end the reading",
}
"""Patterns that no stranger's text meets."""


@dataclass(frozen=True)
class Written:
    """A pattern, where it stands, and whether it is only ever tried at one place of a text."""

    module: str
    line: int
    pattern: str | bytes
    flags: int
    anchored: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line}"


def written() -> Iterator[Written]:
    """Every pattern of the core and of the plugins."""
    for name, path in MODULES.items():
        text = path.read_text()
        if not any(word in text for word in ("import re", "from re ")):
            continue  # parsing costs, and this is done at every collection
        tree = ast.parse(text)
        if any(alias.name == "re" for node in ast.walk(tree) for alias in _imports(node)):
            yield from _of(name, tree)


def _imports(node: ast.AST) -> list[ast.alias]:
    assert not (isinstance(node, ast.ImportFrom) and node.module == "re"), "write import re, so that patterns are found"
    return node.names if isinstance(node, ast.Import) else []


def _of(name: str, tree: ast.Module) -> Iterator[Written]:
    known = vars(importlib.import_module(name)) | LOCAL.get(name, {})
    uses = _uses(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        function = node.func
        if not (isinstance(function.value, ast.Name) and function.value.id == "re" and function.attr in FUNCTIONS):
            continue
        pattern = _value(node.args[0], known)
        assert isinstance(pattern, str | bytes), f"{name}:{node.lineno}"
        flags = next((one.value for one in node.keywords if one.arg == "flags"), None)
        if flags is None and len(node.args) == 2 and function.attr == "compile":
            flags = node.args[1]
        ways = uses.get(id(node), set()) if function.attr == "compile" else {function.attr}
        found = 0 if flags is None else int(_value(flags, known))
        yield Written(name, node.lineno, pattern, found, bool(ways) and ways <= AT_ONE_PLACE)


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "pattern", "eval"), dict(known))


def _uses(tree: ast.Module) -> dict[int, set[str]]:
    """The call of `re.compile` → the methods of its pattern that are used. Of one that is handed on nothing is known,
    and `search` is assumed."""
    found: dict[int, set[str]] = {}
    named: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
            found[id(node.value)] = {node.attr}
        elif (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name)
        ):
            named[node.targets[0].id] = id(node.value)
            if not node.targets[0].id.startswith("_"):
                found.setdefault(id(node.value), set()).add("search")
    of_methods = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in named:
            found.setdefault(named[node.value.id], set()).add(node.attr)
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and id(node) not in of_methods
            and node.id in named
        ):
            found.setdefault(named[node.id], set()).add("search")
    return found


ALL = list(written())


def test_they_are_found() -> None:
    """Those that stand in a call, in a table, and are made in a function."""
    assert len(ALL) > 80
    assert {"tagserver.logs.logs", "tagserver.consent.cookies.tools", "tagserver_meta_capi.answers"} <= {
        one.module for one in ALL
    }
    assert any(isinstance(one.pattern, bytes) for one in ALL)
    assert set(OF_THE_FILES) <= {one.pattern for one in ALL}


@pytest.mark.parametrize("one", [one for one in ALL if one.pattern not in OF_THE_FILES], ids=str)
def test_a_pattern_is_linear(one: Written) -> None:
    """In the length of the text, whatever stands in it."""
    assert findings(one.pattern, one.flags, anchored=one.anchored) == []


@pytest.mark.parametrize(
    ("pattern", "anchored"),
    [
        (r"[+-]?\d+\.?\d*\Z", True),
        (r"(a+)+b", True),
        (r"(?:a*)*b", True),
        (r"(?:a?b?)*c", True),
        (r"(a|aa)+b", True),
        (r"(?:[a-z]+\.)*[a-z.]+@", True),
        (r"(?i)[a-z]+[A-Z]+!", True),
        (r"x*y*x*z", True),
        (r"a.*b.*c", True),
        (r"\d{1,5000}\d{1,5000}x", True),
        (r"a*a{1,9}a*b", True),
        (r"(.*)\1", True),
        (r"a(?=.*b)", True),
        (r"\s+$", False),
        (r"[\w.]+@", False),
        (r"\{\{(.*?)\}\}", False),
        (r"\w+\b!", False),
        (r"(?<!b)a+x", False),
        (r"(?m)^\s*x", False),
        (r"a+(?:b.*c)?", False),
    ],
)
def test_the_judge_sees(pattern: str, anchored: bool) -> None:
    """Repeats that share a text, one within another, one that a search begins anew, what cannot be judged."""
    assert findings(pattern, anchored=anchored)


@pytest.mark.parametrize(
    ("pattern", "anchored"),
    [
        (r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", True),
        (r"a+b", True),
        (r"x*y+z", True),
        (r"(?:a{1,64}\.){1,8}b", True),
        (r"(?:[a-z]+\.)*[0-9]+@", True),
        (r"a(?=[/?#]|\Z)", True),
        (r"[a-z]+", False),
        (r"(\s+)", False),
        (r"^a*b", False),
        (r"(?<![a-z])[a-z]+@", False),
        (r"\b\w+@", False),
        (r"x(?:y.*)?", False),
        (r"[0-9]{3,}(?:[ -][0-9]{3,})*", False),
    ],
)
def test_the_judge_lets_pass(pattern: str, anchored: bool) -> None:
    """What is linear: no false alarm that would make people write worse patterns."""
    assert findings(pattern, anchored=anchored) == []
