"""What people type and scripts pass: empty, odd and wrong words are wrong usage (2), said in a sentence; and the
streams of a command may be closed or write no Unicode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from tagserver.cli import main
from tagserver.cli.options import GivenPath

from .conftest import ENVIRON, Shop

WORDS = [
    ("pause", ""),
    ("pause", "x" * 3000),
    ("pause", "mteta"),
    ("resume", "mteta"),
    ("pause", "meta", "--for", "0s"),
    ("pause", "meta", "--note", "x" * 501),
    ("rollback", "9" * 30),
    ("audit", "--since", "999999w"),
    ("audit", "--since", "2H"),
    ("audit", "--verify", "--since", "2h"),
    ("audit", "--verify", "--event-id", "e-1"),
    ("dead", "list", "--since", "999999w"),
    ("dead", "list", "--after", ""),
    ("backup", ""),
    ("restore", "", "--force"),
    ("check", "--config", ""),
    ("check", "--env-file", ""),
    ("schema", "--into", ""),
    ("serve", "--data", ""),
    ("snippet", "https://shop.example/\n"),
    ("snippet", "https://shop.example/ "),
    ("snippet", "https://shop.example/a b"),
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(one[:20] for one in words))
def test_wrong_usage_is_said(shop: Shop, words: tuple[str, ...]) -> None:
    done = shop(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith("Error: ")
    assert "Expected `" not in done.err


def leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its words."""
    yield name, command
    if isinstance(command, click.Group):
        for word in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), word)
            assert below is not None
            yield from leaves(below, f"{name} {word}".strip())


def test_no_path_may_be_empty() -> None:
    """An empty one would be the folder that the command runs in: `restore --force --data "$UNSET"` would move it."""
    paths = [
        (name, parameter)
        for name, command in leaves(main)
        for parameter in command.params
        if isinstance(parameter.type, click.Path | click.File)
    ]
    assert len(paths) > 40
    assert [(name, one.name) for name, one in paths if not isinstance(one.type, GivenPath)] == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["check", "check --config nowhere", "pause meta", "resume meta", "dead drop --all"])
def test_streams_may_be_closed(shop: Shop, command: str, closed: str) -> None:
    """Neither a traceback, nor is the number of a closed stream that of the queue's file."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m tagserver {command} {closed}"],
        cwd=shop.folder,
        env={"PATH": os.environ["PATH"]} | ENVIRON,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1, 3)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode(shop: Shop, encoding: str) -> None:
    shop.write('destinations: {"kä✔😀se": {type: none_such}}\n')
    environ = ENVIRON | {"PYTHONIOENCODING": encoding, "LC_ALL": "C", "PATH": os.environ["PATH"]}
    shown = {}
    for words in (("check",), ("check", "--json"), ("restore", "--help")):
        command = [sys.executable, "-m", "tagserver", *words]
        done = subprocess.run(command, cwd=shop.folder, env=environ, capture_output=True, timeout=60, check=False)
        assert b"Traceback" not in done.stderr
        shown[words] = done.stdout
    assert b"\\u2714" in shown["check",]
    assert "kä✔😀se" in str(json.loads(shown["check", "--json"].decode("ascii")))


def test_versions_of_a_folder_that_is_not_there(shop: Shop) -> None:
    done = shop("versions", "--data", "nowhere", "--json")
    assert (done.code, done.out) == (1, "")
    assert "there is no data folder nowhere" in done.err


def test_a_folder_that_is_none(shop: Shop) -> None:
    for words in (("versions",), ("restore", "--without-journal"), ("audit",)):
        done = shop(*words, "--data", "config/server.yaml")
        assert (done.code, done.out) == (1, "")
        assert "Errno" not in done.err


def test_the_doctor_goes_on_where_the_audit_cannot_be_read(shop: Shop) -> None:
    (shop.folder / "data" / "audit" / "00000001.jsonl").mkdir(parents=True)
    done = shop("doctor", "--offline", "--json")
    matters = {one["matter"]: one for one in done.json["findings"]}
    assert (done.code, matters["audit"]["level"], "clock" in matters) == (1, "error", True)
    assert "Is a directory (as the user" in matters["audit"]["message"]
    assert shop("audit").code == 1
