"""The mutants of `core.yaml`: which there are, and which of them are made.

Chosen is by a hash of function, operator and number, and of nothing else: neither the name of the module nor a line
counts, so that the choice stays when code moves. Each function of a module gives one before any gives two.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .operators import Change, Unit, changes


class Wrong(Exception):
    """The table says what is not so; the sentence is for the person who wrote it."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module. `unit`: the function, by its qualified name. `tests`: what is run for it, in this
    order."""

    module: str
    path: Path
    unit: str
    operator: str
    number: int
    was: str
    now: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.module}:{self.unit} {self.operator} {self.number}"

    @property
    def rank(self) -> bytes:
        """What it is chosen by; the same in every process."""
        return hashlib.sha256(f"{self.unit} {self.operator} {self.number}".encode()).digest()

    def tree(self) -> ast.Module:
        """The syntax tree of the module with the change."""
        tree = _parsed(self.path)
        change = self._change(dict(units(tree))[self.unit])
        change.slot.put(change.node)
        return ast.fix_missing_locations(tree)

    def diff(self) -> str:
        """The function before and after: the lines that differ, each with its neighbours. Comments are gone."""
        unit = dict(units(_parsed(self.path)))[self.unit]
        before = ast.unparse(unit).splitlines()
        change = self._change(unit)
        change.slot.put(change.node)
        after = ast.unparse(ast.fix_missing_locations(unit)).splitlines()
        return "\n".join(line for line in list(difflib.unified_diff(before, after, n=2, lineterm=""))[3:])

    def _change(self, unit: Unit) -> Change:
        for change in changes(unit):
            if (change.operator, change.number) == (self.operator, self.number):
                return change
        raise Wrong(f"{self} is no more")


@dataclass(frozen=True)
class Known:
    """A change that changes nothing that can be promised, and why."""

    unit: str
    was: str
    now: str
    why: str

    def is_it(self, mutant: Mutant) -> bool:
        """Whether a mutant is this one."""
        return (self.unit, self.was, self.now) == (mutant.unit, mutant.was, mutant.now)


@dataclass
class Table:
    """A table that was read. `every`: all mutants that can be made; `chosen`: those that a run makes; `known`: those of
    them that change nothing; `libraries`: what takes time to import and is not tested."""

    every: list[Mutant] = field(default_factory=list)
    chosen: list[Mutant] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)


def read(path: Path, root: Path) -> Table:
    """The table of a file; modules and tests lie below `root`. Raises Wrong."""
    said: dict[str, Any] = yaml.safe_load(path.read_text())
    table = Table()
    table.known = [Known(**one) for one in said.get("equivalent") or ()]
    table.libraries = said.get("libraries", [])
    for group in said["groups"]:
        of_group = tuple(group["tests"])
        if missing := [one for one in of_group if not (root / one).exists()]:
            raise Wrong(f"{group['name']}: there is no {', '.join(missing)}")
        wanted: Counter[str] = Counter()
        for one in group["modules"]:
            wanted.update(one)
        for name, take in wanted.items():
            every = [one for module, file in _modules(name, root) for one in _mutants(module, file, of_group)]
            table.every += every
            table.chosen += chosen(every, take)
    return table


def chosen(every: Sequence[Mutant], take: int) -> list[Mutant]:
    """So many of them. Raises Wrong when there are fewer."""
    of_unit: dict[str, list[Mutant]] = {}
    for mutant in sorted(every, key=lambda one: one.rank):
        of_unit.setdefault(mutant.unit, []).append(mutant)
    ranked = sorted((place, one.rank, one) for its in of_unit.values() for place, one in enumerate(its))
    if len(ranked) < take:
        raise Wrong(f"{take} mutants are wanted where there are {len(ranked)}")
    return [one for _, _, one in ranked[:take]]


def _modules(name: str, root: Path) -> Iterator[tuple[str, Path]]:
    """A module, or the modules of a package."""
    at = root.joinpath(*name.split("."))
    if at.with_suffix(".py").is_file():
        yield name, at.with_suffix(".py")
    elif (at / "__init__.py").is_file():
        for path in sorted(at.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
    else:
        raise Wrong(f"there is no module {name}: the table names what has moved, or is gone")


def _mutants(module: str, path: Path, tests: tuple[str, ...]) -> Iterator[Mutant]:
    for name, unit in units(_parsed(path)):
        for change in changes(unit):
            yield Mutant(module, path, name, change.operator, change.number, change.was, change.now, tests)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def units(tree: ast.AST, around: str = "") -> Iterator[tuple[str, Unit]]:
    """The functions and constants of a module by their qualified names; what is within a function is part of it."""
    seen: dict[str, int] = {}
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.ClassDef():
                yield from units(node, f"{around}{node.name}.")
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                name = node.name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case _:
                continue
        seen[name] = seen.get(name, 0) + 1
        # A property and its setter have one name.
        yield f"{around}{name}" + (f"#{seen[name]}" if seen[name] > 1 else ""), node
