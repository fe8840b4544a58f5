"""The documentation is true: its configuration compiles, its commands run and print what is shown, its links lead on,
and what it names exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tagserver.cli import main

from .pages import (
    EVERY,
    LANGUAGE,
    META,
    PAGES,
    PLUGINS,
    README,
    ROOT,
    TESTS,
    Block,
    blocks,
    first_names,
    headings,
    rows,
)
from .world import Stage, completed, file_of, folder, load, needs_a_server

# ── examples
# ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page != PLUGINS and page.name != "incidents.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands_print_what_is_shown(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page is played from top to bottom: files are written, commands run, outputs compared."""
    monkeypatch.chdir(tmp_path)
    stage = Stage(tmp_path)
    stage.play(page)
    shown = [block for block in blocks(page, language="console") if not needs_a_server(block)]
    assert stage.played == sum(block.text.count("\n$ ") + 1 for block in shown)


@pytest.mark.parametrize(
    "block",
    [
        block
        for block in blocks(README, *LANGUAGE, TESTS, META, language="yaml")
        if file_of(block) is None and not block.text.startswith("# examples/")
    ],
    ids=str,
)
def test_configuration_compiles(block: Block) -> None:
    """Each YAML block that names no file, completed by what it leaves out, is sound; at most something in it is not
    used."""
    problems = load(completed(block.text)).problems
    assert [str(problem) for problem in problems if problem.code != "W301"] == []


def commands() -> Iterator[Any]:
    """Every `tagserver …` of the shell blocks and of the unit."""
    for block in blocks():
        if block.language in ("sh", "console", "ini"):
            for line in block.text.splitlines():
                if block.language == "ini":
                    line = line.partition("=")[2] if line.startswith("Exec") else ""
                line = line.removeprefix("$ ").partition(" # ")[0].partition(" < ")[0]
                for part in re.split(r"&&|\|", line.removeprefix("sudo -u tagserver ")):
                    words = shlex.split(part) if "tagserver" in part and "'" not in part else []
                    if words and words[0].endswith("tagserver"):
                        yield pytest.param(words[1:], id=f"{block} {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()))
def test_commands_parse(words: list[str], tmp_path: Path) -> None:
    """Every command with its options and arguments, wherever it stands."""
    (tmp_path / "secrets.env").touch()
    words = [str(tmp_path / "secrets.env") if "--env-file" in words[:at][-1:] else one for at, one in enumerate(words)]
    if words == ["--version"]:
        assert CliRunner().invoke(main, words).exit_code == 0
        return
    command: click.Command = main
    while isinstance(command, click.Group) and (words or not command.invoke_without_command):
        assert words, "a group needs a command"
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    command.make_context(str(command.name), list(words))


def test_the_example_configuration_is_sound() -> None:
    """The folder that everybody starts from."""
    assert folder(ROOT / "config").compile().problems == ()


# ── what is named exists
# ────────────────────────────────────────────────────────────────────────────────────────────

_TEST = re.compile(r"`((?:tests|plugins)/[\w/]+\.py)(?:::(\w+))?`")


def test_every_named_test_exists() -> None:
    """In all pages, `path/test_x.py` and `path/test_x.py::name`."""
    for page in PAGES:
        for path, name in _TEST.findall(page.read_text("utf-8")):
            assert (ROOT / path).is_file(), path
            text = (ROOT / path).read_text("utf-8")
            assert not name or re.search(rf"^\s*(?:async )?def {name}\(|^{name} = ", text, re.MULTILINE), (
                f"{path}::{name}"
            )


def test_both_tables_of_promises_agree() -> None:
    """The README names one test of each promise, `tests/README.md` all of them, in the same order."""
    short = {row[0]: set(_TEST.findall(row[1])) for row in rows(README, "## What it promises")}
    full = {row[0]: set(_TEST.findall(row[1])) for row in rows(TESTS, "## Which test holds which promise")}
    assert list(short) == list(full)
    assert all(tests and tests <= full[promise] for promise, tests in short.items())


def test_every_folder_of_tests_is_described() -> None:
    """In the table of what lies where."""
    real = {path.parent.name for path in (ROOT / "tests").glob("*/*") if path.suffix in (".py", ".yaml")}
    assert real <= {name.rstrip("/") for name in first_names(TESTS, "## What lies where")}


def test_every_named_file_exists() -> None:
    """The walk of one event names real files."""
    for path in re.findall(r"`((?:tagserver|plugins|config)/[\w/]+\.\w+)`", README.read_text("utf-8")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", EVERY, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files of the repository, and headings in them: each to one heading only."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        path, _, heading = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), target
        if heading:
            assert headings(there).count(heading) == 1, target
