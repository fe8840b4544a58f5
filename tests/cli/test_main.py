"""A command does not wait for what the others need."""

from __future__ import annotations

import subprocess
import sys

import click

from tagserver.cli import main


def test_every_command_is_found_under_its_name() -> None:
    for name, command in main.commands.items():
        assert isinstance(command, click.Command)
        assert command.name == name


def test_only_what_is_called_is_imported() -> None:
    """A server's parts are not needed to ask for the version, nor to list dead letters."""
    script = (
        "import sys; from tagserver.cli import main; main.commands['dead'];"
        "print(sorted(one for one in sys.modules if one in ('starlette', 'uvicorn', 'tagserver.runtime.runtime')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
