"""The configurations that people copy are valid: those that are shipped, and those of the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tagserver.cli import main

from .pages import GUIDE, LANGUAGE, ROOT, blocks
from .world import ENVIRON, Configuration, configurations

DEMO = ROOT / "tagserver" / "demo"
SHIPPED = {
    "config": (ROOT / "config",),
    "demo": (DEMO / "container",),
    "demo --all": (DEMO / "container", DEMO / "everyone"),
}


def sound(files: Mapping[str, str], folder: Path, *, whole: bool = True) -> None:
    """No problem at all, cases that hold, and nothing that leaves without consent; `whole`: the cases leave nothing
    out."""

    def answer(*words: str) -> Any:
        return json.loads(CliRunner().invoke(main, [*words, "--config", str(folder), "--json"], env=ENVIRON).output)

    for name, text in files.items():
        (folder / name).write_text(text)
    assert answer("check")["problems"] == []
    if any(name.endswith(".test.yaml") for name in files):
        said = answer("test", "--consent-matrix")
        assert said["failed"] == said["consent_matrix"] == []
        assert {what: names for what, names in said["untouched"].items() if names and whole} == {}


@pytest.mark.parametrize("folders", SHIPPED.values(), ids=list(SHIPPED))
def test_shipped(folders: tuple[Path, ...], tmp_path: Path) -> None:
    """As it lies there, with its own cases."""
    files = {path.name: path.read_text("utf-8") for folder in folders for path in sorted(folder.glob("*.yaml"))}
    assert any(name.endswith(".test.yaml") for name in files)
    sound(files, tmp_path)


@pytest.mark.parametrize(
    "shown", [one for page in LANGUAGE for one in configurations(page) if not one.is_wrong], ids=str
)
def test_shown(shown: Configuration, tmp_path: Path) -> None:
    """Every configuration of the pages that is not there to show a mistake."""
    sound(shown.files, tmp_path, whole="No case " not in shown.said)


def test_the_shipped_container_is_shown() -> None:
    """The whole shop at the end of the first chapter, word by word."""
    text = (ROOT / "config" / "container.yaml").read_text("utf-8")
    assert [block for block in blocks(GUIDE, language="yaml") if block.text == f"# config/container.yaml\n{text}"]
