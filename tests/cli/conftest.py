"""The command as a user calls it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.process import Process, start_sandbox, start_server, write_config
from tests.warm import tagserver

SERVER = "collect: {origins: ['https://shop.example']}\nenvironment: [PIXEL]\n"
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "${env:PIXEL}", access_token: "${env:META_TOKEN}"}
triggers: {buy: {event: purchase}}
tags:
  - {name: Meta purchase, destination: meta, triggers: [buy]}
"""
ENVIRON = {"PIXEL": "1234567890", "META_TOKEN": "meta-token-secret"}


@dataclass
class Done:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for machines."""
        return msgspec.json.decode(self.out)


class Shop:
    """A folder with a sound configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        self.config.mkdir()
        (self.config / "server.yaml").write_text(SERVER)
        (self.config / "container.yaml").write_text(CONTAINER)

    def write(self, text: str, name: str = "container.yaml") -> None:
        """Write a file of the configuration."""
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def __call__(self, *words: str, environ: dict[str, str] | None = None, stdin: str | bytes = b"") -> Done:
        """Run one command to its end. No command may ever show a traceback."""
        given = ENVIRON if environ is None else environ
        done = tagserver(
            *words,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | given,
            given=stdin.encode() if isinstance(stdin, str) else stdin,
        )
        made = Done(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in made.out + made.err, made.err
        assert "\x1b" not in made.out + made.err
        return made


Run = Callable[..., Done]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A folder with a sound configuration."""
    return Shop(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """A server that runs, with a stand-in for Meta."""
    vendor = start_sandbox(tmp_path)
    write_config(tmp_path, vendor.address)
    running = start_server(tmp_path)
    yield running
    running.stop()
    vendor.stop()
