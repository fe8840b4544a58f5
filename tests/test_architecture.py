"""The structure, read from the syntax trees: who may import whom, and no circle anywhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tagserver import plugin
from tagserver.plugin import identity, inbound, table, values

ROOT = Path(__file__).parent.parent
PACKAGES = {path.name: path for path in (ROOT / "tagserver", *sorted(ROOT.glob("plugins/*/tagserver_*")))}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of ours by its dotted name."""
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


@cache
def imported(name: str) -> frozenset[str]:
    """The dotted names that a module of ours imports, wherever in the file."""
    return frozenset(_imported(ast.parse(MODULES[name].read_text())))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def graph() -> dict[str, set[str]]:
    """Module → the modules of ours that it imports."""
    return {name: {one for one in imported(name) if one in MODULES and one != name} for name in MODULES}


def test_no_import_cycle() -> None:
    """Imports only go down."""
    done: set[str] = set()
    way: list[str] = []

    def walk(name: str) -> None:
        assert name not in way, f"a circle: {' → '.join([*way[way.index(name) :], name])}"
        if name in done:
            return
        way.append(name)
        for below in sorted(graph()[name]):
            # A package's own __init__ that only re-exports is not a step of the circle.
            if not way[-1].startswith(below + "."):
                walk(below)
        way.pop()
        done.add(name)

    for name in graph():
        walk(name)


PURE = [
    "tagserver.event",
    "tagserver.privacy",
    "tagserver.consent",
    "tagserver.outgoing",
    "tagserver.expressions",
    "tagserver.plugin.__init__",
    "tagserver.delivery.send_policy",
    "tagserver.pipeline",
    "tagserver.inbound",
]


def under(name: str, prefixes: list[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("name", [name for name in MODULES if under(name, PURE)])
def test_the_path_of_an_event_is_pure(name: str) -> None:
    """From Event to build() there is no I/O, no clock, no logging."""
    forbidden = {
        "asyncio",
        "httpx",
        "logging",
        "random",
        "requests",
        "socket",
        "sqlite3",
        "starlette",
        "time",
        "uvicorn",
        "yaml",
    }
    assert not {one.partition(".")[0] for one in imported(name)} & forbidden


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("yaml", ["tagserver.config.yaml.source", "tagserver.testing"]),
        ("starlette", ["tagserver.server", "tagserver.sandbox", "tagserver.demo"]),
        ("uvicorn", ["tagserver.server.serving", "tagserver.server.protocol", "tagserver.server.exchange"]),
        (
            "sqlite3",
            [
                *("tagserver.queue", "tagserver.delivery", "tagserver.doctor.doctor", "tagserver.metrics.labels"),
                "tagserver.records.sqlite",
            ],
        ),
        ("click", ["tagserver.cli"]),
        ("publicsuffixlist", ["tagserver.config.cookies"]),
        ("pluggy", ["tagserver.plugin", "tagserver.plugin.hookspecs", "tagserver.plugin.loading"]),
    ],
)
def test_each_library_has_its_room(library: str, rooms: list[str]) -> None:
    """A library is used where its idea lives and nowhere else."""
    users = {name for name in MODULES if library in {one.partition(".")[0] for one in imported(name)}}
    assert users, f"nobody uses {library}"
    assert all(under(name, rooms) for name in users), sorted(users)


def test_plugins_use_the_public_module_alone() -> None:
    """A first-party plugin has no more than a stranger's would: names that are public, and never another plugin."""
    faces = (plugin, identity, inbound, table, values)
    public = {"tagserver", *(face.__name__ for face in faces)}
    public |= {f"{face.__name__}.{name}" for face in faces for name in face.__all__}
    for name in MODULES:
        package = name.partition(".")[0]
        if package.startswith("tagserver_"):
            others = [one for one in imported(name) if one.partition(".")[0] != package]
            ours = {one for one in others if one.startswith("tagserver")}
            assert ours <= public, (name, ours - public)


# fmt: off
ROOMS = [
    "__main__", "cli", "testing", "demo", "sandbox",
    "server", "server.pages", "server.admin", "runtime", "pausing", "publishing", "backup", "explain", "doctor",
    "records.sqlite", "records", "records.masking", "ingest", "preview", "erasure", "delivery", "metrics",
    "queue.sqlite", "queue", "audit", "pipeline", "config", "config.lint", "config.yaml", "outgoing", "expressions",
    "inbound.clients", "inbound.files", "inbound", "plugin", "consent", "consent.cookies", "consent.decoders",
    "consent.model", "privacy", "event",
    "logs", "system",
]
# fmt: on
"""All packages, from top to bottom: each imports only what stands below it. This is the map of the house."""


def room(name: str) -> str:
    """The package that a module belongs to, as `ROOMS` calls it."""
    inner = name.removeprefix("tagserver.")
    return max((one for one in ROOMS if under(inner, [one])), key=len)


def test_imports_only_go_down() -> None:
    """One list of packages, and no import that goes up in it: so no packages import each other, however far around."""
    order = {one: place for place, one in enumerate(ROOMS)}
    up = {
        (name, below)
        for name, imports in graph().items()
        for below in imports
        if name.startswith("tagserver.")
        and below.startswith("tagserver.")
        and order[room(below)] < order[room(name)]
        and not under(name, [below])
    }
    assert up == set()


def test_no_folder_imports_itself_by_way_of_others() -> None:
    """A folder with all that lies in it is one room, too: `ROOMS` could stand in order and its folders in a circle."""
    folders: dict[str, set[str]] = {}
    for name, imports in graph().items():
        ours = [one.split(".")[1] for one in (name, *imports) if one.startswith("tagserver.")]
        if name.startswith("tagserver."):
            folders.setdefault(ours[0], set()).update(set(ours[1:]) - {ours[0]})
    assert len(list(TopologicalSorter(folders).static_order())) > 20  # raises CycleError with the way around


def test_the_sandbox_knows_nothing_of_us() -> None:
    """A stand-in that used our code would agree with our mistakes."""
    for name in MODULES:
        if under(name, ["tagserver.sandbox"]):
            assert all(under(below, ["tagserver.sandbox"]) for below in graph()[name]), name


def test_top_level() -> None:
    """Six things, a licence, and dot-files."""
    allowed = {"pyproject.toml", "README.md", "LICENSE", "tagserver", "plugins", "config", "tests"}
    assert {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} <= allowed | {"data", "dist"}


def test_what_needs_the_machine_for_itself_lies_where_it_is_run() -> None:
    """`tests/run` looks for the mark `alone` in tests/faults, and nowhere else."""
    files = (*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/**/*.py"))
    marked = {path for path in files if "mark.al" + "one" in path.read_text()}
    assert marked
    assert {path.relative_to(ROOT).parts[:2] for path in marked} == {("tests", "faults")}


def test_every_exception_to_a_rule_has_its_reason() -> None:
    """On its line, behind it."""
    bare = re.compile(r"#\s*(?:noqa(?:: [A-Z0-9, ]+)?|type: ignore(?:\[[a-z, -]+\])?)\s*$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("tagserver", "plugins", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
