"""The documentation is true: its code runs, its commands exist, its configuration compiles, its links lead on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tagserver.cli import main
from tagserver.configuration import ConfigurationFolder
from tagserver.container.problems import CODES
from tagserver.registry import Registry

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "config" / "README.md",
    ROOT / "plugins" / "README.md",
    ROOT / "tests" / "README.md",
    *sorted(ROOT.glob("plugins/*/README.md")),
]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
ENVIRON = dict.fromkeys(("META_ACCESS_TOKEN", "BACKEND_KEY", "CRM_KEY"), "value-of-a-secret") | {"META_PIXEL_ID": "1"}

CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}
triggers: {purchase: {event: purchase}}
tags: [{name: Meta, destination: meta, triggers: [purchase]}]
"""


def blocks(language: str, *pages: Path) -> Iterator[Any]:
    """The fenced blocks of a language, named by page and line."""
    for page in pages or PAGES:
        text = page.read_text()
        for found in _FENCE.finditer(text):
            if found[2] == language:
                line = text.count("\n", 0, found.start()) + 1
                yield pytest.param(found[3], id=f"{page.relative_to(ROOT)}:{line}")


@pytest.mark.parametrize("block", list(blocks("yaml")))
def test_configuration_compiles(block: str, tmp_path: Path) -> None:
    """Each YAML block, completed by what it leaves out, is sound."""
    server = "collect:" in block and "queue:" in block
    config = tmp_path / "config"
    config.mkdir()
    if server:
        (config / "server.yaml").write_text(block)
        (config / "container.yaml").write_text(CONTAINER)
    else:
        (config / "server.yaml").write_text("environment: [META_PIXEL_ID]\n")
        (config / "container.yaml").write_text(completed(block))
    loaded = ConfigurationFolder(config, Registry.load(), ENVIRON).compile()
    assert [str(problem) for problem in loaded.problems if problem.severity != "warning"] == []


def completed(block: str) -> str:
    """The block with the parts of a container that it does not show."""
    parts = [block]
    if "destinations:" not in block:
        parts.append(
            'destinations:\n  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}"}\n'
        )
    if "triggers:\n" not in block:
        parts.append("triggers: {purchase: {event: purchase}}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("page", [ROOT / "plugins" / "README.md"], ids=["plugins/README.md"])
def test_python_runs(page: Path) -> None:
    """The Python blocks of a page, one after another, as one program."""
    known: dict[str, Any] = {"__name__": "tagserver_acme"}
    for block in blocks("python", page):
        exec(compile(block.values[0], str(page), "exec", dont_inherit=True), known)
    assert Registry.of(known["Acme"]).destinations["acme"] is known["Acme"]


def commands() -> Iterator[Any]:
    """Every `tagserver …` of the shell blocks."""
    for language in ("sh", "console"):
        for block in blocks(language):
            for line in block.values[0].splitlines():
                for part in line.removeprefix("$ ").split("&&"):
                    words = shlex.split(part, comments=True)
                    if words and words[0].endswith("tagserver"):
                        yield pytest.param(words[1:], id=f"{block.id} {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()))
def test_commands_exist(words: list[str]) -> None:
    """With all their options."""
    command: Any = main
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]
        words = words[1:]
    assert command is not main, f"there is no command {words}"
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0


def test_the_problem_that_is_shown_is_the_one_that_comes(tmp_path: Path) -> None:
    """The first example of `tagserver check`, word for word."""
    page = (ROOT / "config" / "README.md").read_text()
    shown = page[page.index("$ tagserver check\n") :].partition("\n")[2].partition("```")[0]
    config = tmp_path / "config"
    config.mkdir()
    text = CONTAINER.strip().replace("tags: [{name: Meta, destination: meta, triggers: [purchase]}]", "")
    lines = [*text.splitlines(), *[""] * 20][:8]
    lines += ["tags:", "  - name: Meta purchase", "    destination: meta", "    triggers: [purchas]"]
    (config / "container.yaml").write_text("\n".join(lines) + "\n")
    result = CliRunner().invoke(main, ["check", "--config", str(config)], env=ENVIRON)
    said = result.output.replace(str(config), "config")
    assert shown.split("\n\n")[0] in said


def test_every_problem_code_is_documented() -> None:
    page = (ROOT / "config" / "README.md").read_text()
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning} |" in page


def test_every_named_test_exists() -> None:
    """In all pages, `path/test_x.py::name` and `path/test_x.py`."""
    for page in PAGES:
        for path, _, name in re.findall(r"`((?:tests|plugins)/[\w/]+\.py)(::(\w+))?`", page.read_text()):
            assert (ROOT / path).exists(), path
            if name:
                assert f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_every_named_file_exists() -> None:
    """The walk of one event names real files."""
    for path in re.findall(r"`((?:tagserver|plugins)/[\w/]+\.\w+)`", (ROOT / "README.md").read_text()):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files, and headings in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        path, _, heading = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target


@pytest.mark.parametrize("example", ["config"])
def test_the_example_configuration_is_sound(example: str) -> None:
    """The folder that everybody starts from."""
    loaded = ConfigurationFolder(ROOT / example, Registry.load(), ENVIRON).compile()
    assert loaded.problems == ()
    assert json.dumps(sorted(loaded.container.destinations)) if loaded.container else False
