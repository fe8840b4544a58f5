"""What the system refuses is one sentence with path and reason, whichever command meets it; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tagserver.cli import main
from tagserver.system.files import os_fault, os_reason

from .conftest import CONTAINER, SERVER

COMMANDS = [
    "init --config taken/below/config",
    "schema --into taken/below/schema.json",
    "schema --into folder",
    "snippet --npm taken/below",
    "new-plugin acme --into taken/below",
    "try folder",
    "try taken/below/event.json",
    "test --junit taken/below/junit.xml",
    "test --junit folder",
    "check --env-file taken/below/.env",
    "check --env-file folder",
    "serve --port 0 --data taken/below",
    "audit --data taken/below",
    "dead list --data taken/below",
    "plan --against config --events taken/below/events.jsonl",
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound configuration; a file where a folder should be, and the reverse."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "server.yaml").write_text(SERVER)
    (tmp_path / "config" / "container.yaml").write_text(CONTAINER)
    (tmp_path / "taken").write_text("a file stands in the way")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_refusal_names_the_path_and_the_reason(shop: Path, command: str) -> None:
    done = CliRunner().invoke(main, command.split(), env={"PIXEL": "1", "META_TOKEN": "meta-token-secret"})
    assert done.exit_code in (1, 2, 3), done.output
    assert isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    assert "taken" in done.output or "folder" in done.output


@pytest.mark.parametrize("command", ["check", "check --json", "schema", "plugins", "snippet"])
def test_standard_output_on_a_full_disk(shop: Path, command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tagserver", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=shop,
            env={"PATH": os.environ["PATH"], "PIXEL": "1", "META_TOKEN": "meta-token-secret"},
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "/a/b"), "/a/b: No such file or directory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(28, "No space left on device", b"/a/\xff"), "/a/\udcff: No space left on device"),
        (TimeoutError(), "TimeoutError"),
        (OSError("less than 5 MiB are free"), "less than 5 MiB are free"),
    ],
    ids=["path", "no path", "bytes", "no reason", "a sentence"],
)
def test_the_sentence(error: OSError, said: str) -> None:
    assert os_fault(error) == said
    assert said.endswith(os_reason(error))
