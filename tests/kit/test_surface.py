"""What is public: one sorted list, each name with a docstring, versioned."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

from tagserver import plugin, testing
from tagserver.plugin import API_VERSION, Destination, identity, inbound, table, values

ROOT = Path(__file__).parents[2]
FACES = [plugin, identity, inbound, table, values, testing]


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions; each by the alphabet."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name


@pytest.mark.parametrize("module", FACES, ids=lambda module: str(module.__name__))
def test_the_list_is_sorted_and_whole(module: ModuleType) -> None:
    """Everything that the module imports from us is public, and everything public is there."""
    assert list(module.__all__) == sorted(module.__all__, key=order)
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    ours = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tagserver")
        for alias in node.names
    }
    assert ours <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("module", FACES, ids=lambda module: str(module.__name__))
def test_every_public_class_and_function_says_what_it_does(module: ModuleType) -> None:
    """And so does each method of theirs."""
    silent = []
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            members = vars(value).items() if inspect.isclass(value) else ()
            public = [(key, one) for key, one in members if inspect.isfunction(one) and not key.startswith("_")]
            silent += [f"{name}.{key}" for key, one in public if not inspect.getdoc(one)]
            silent += [] if inspect.getdoc(value) else [name]
    assert silent == []


def test_the_version_is_stated_and_has_its_changes() -> None:
    """In the guide's own list for authors, the newest first."""
    page = (ROOT / "plugins" / "README.md").read_text("utf-8")
    _, _, section = page.partition("### Changes for authors\n")
    versions = [int(line.split("|")[1]) for line in section.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert versions == list(range(API_VERSION, 0, -1))
    assert f"`tagserver.plugin.API_VERSION` is {API_VERSION}." in page
    assert Destination.api_version == API_VERSION
