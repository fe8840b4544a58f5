"""The page on versions and releases: the constraints fit what `pyproject.toml` asks for, and its commands exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from .pages import ROOT, blocks

PAGE = ROOT / "config" / "operate" / "releases.md"
LINES = (ROOT / "config" / "operate" / "constraints.txt").read_text("ascii").splitlines()
PINS = dict(line.split("==") for line in LINES if not line.startswith("#"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = [name for name in PROJECT["optional-dependencies"] if name not in ("dev", "clients")]  # of the tests
ASKED = [
    *PROJECT["dependencies"],
    *(text for name in EXTRAS for text in PROJECT["optional-dependencies"][name]),
]


@pytest.mark.parametrize("text", ASKED)
def test_the_constraints_fit_what_is_asked_for(text: str) -> None:
    """Each requirement, also of the extras, is pinned within its bounds; and each has bounds both ways."""
    requirement = Requirement(text)
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])
    assert {one.operator for one in requirement.specifier} == {">=", "<"}


def test_the_constraints_hold_names_and_versions_alone() -> None:
    """No address, no hash, nothing that a second installation would not know."""
    for name, version in PINS.items():
        assert canonicalize_name(name) == name
        assert str(Version(version)) == version
    assert list(PINS) == sorted(PINS)
    assert not re.search(r"https?:|file:|@|--|/", "\n".join(LINES[2:]))


def test_the_classifiers_name_what_is_tested() -> None:
    """The floor of `requires-python` is the first of them, and the page names all."""
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert f"Python {named[0]} to {named[-1]}" in PAGE.read_text("utf-8")


def test_the_files_that_the_commands_name_are_there() -> None:
    """The constraints are in the sources, where the page says; and no command names a registry."""
    words = [word for block in blocks(PAGE, language="sh") for word in shlex.split(block.text, comments=True)]
    assert "config/operate/constraints.txt" in words
    assert not [word for word in words if "://" in word]


def test_the_changelog_tells_of_each_release_the_newest_first() -> None:
    """By its version and what changes for whoever upgrades."""
    text = PAGE.read_text("utf-8")
    changes = text[text.index("## Changes") :]
    versions = re.findall(r"^### (\S+)", changes, re.MULTILINE)
    assert versions[0] == "Unreleased"
    assert [Version(one) for one in versions[1:]] == sorted((Version(one) for one in versions[1:]), reverse=True)
