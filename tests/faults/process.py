"""A real `tagserver serve` and a real `tagserver sandbox`, started as a user would and ended by their own process
ids."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.processes import ends_with_parent
from tests.warm import Started, fits

SERVER = """
collect: {origins: ["https://shop.example"]}
queue: {min_free: 1MiB}
egress: {allow: ["127.0.0.0/8"]}
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", api_url: "VENDOR"}
tags: [{name: Meta, destination: meta, triggers: [all]}]
"""
ADMIN = "admin-token"


PASSES = """
import os, sys
descriptor, count, *words = sys.argv[1:]
os.dup2(int(descriptor), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=count)
os.execv(sys.executable, [sys.executable, *words])
"""


def passing(held: socket.socket, *words: str, count: int = 1) -> list[str]:
    """The command that starts `python WORDS` as systemd does, with a socket that it goes on to hold itself. `held` has
    to be in `pass_fds`."""
    return [sys.executable, "-c", PASSES, str(held.fileno()), str(count), *words]


class Process:
    """One command under test. `address` is what it printed that it listens on."""

    def __init__(
        self,
        *words: str,
        cwd: Path,
        pattern: str,
        environ: dict[str, str] | None = None,
        held: socket.socket | None = None,
    ) -> None:
        """`held`: a listening socket that is passed to it."""
        self.log = cwd / f"{words[0]}-{time.monotonic_ns()}.log"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")} | (environ or {})
        self.popen: subprocess.Popen[bytes] | Started
        with self.log.open("wb") as log, Path(os.devnull).open("rb") as nothing:
            if held is None and fits(environment):
                streams = (nothing.fileno(), log.fileno(), log.fileno())
                self.popen = Started(words, cwd, environment, streams)
            else:
                command = ["-m", "tagserver", *words]
                self.popen = subprocess.Popen(
                    passing(held, *command) if held else [sys.executable, *command],
                    pass_fds=[held.fileno()] if held else [],
                    cwd=cwd,
                    env=environment,
                    stdin=nothing,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    preexec_fn=ends_with_parent(),
                )
        self.address = self._wait_for(pattern)

    def _wait_for(self, pattern: str) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = re.search(pattern, self.text())
            if found:
                return found.group(1)
            if self.popen.poll() is not None:
                raise AssertionError(f"ended with {self.popen.returncode}: {self.text()}")
            time.sleep(0.02)
        raise AssertionError(f"did not come up: {self.text()}")

    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """`kill -9`."""
        self.popen.kill()
        self.popen.wait(10)

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, and the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(seconds)


def start_sandbox(folder: Path) -> Process:
    """A stand-in for Meta on a free port."""
    return Process("sandbox", "--port", "0", cwd=folder, pattern=r"(http://127\.0\.0\.1:\d+)")


def write_config(folder: Path, vendor: str) -> None:
    """A configuration that sends every event to one stand-in."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    (config / "server.yaml").write_text(SERVER)
    (config / "container.yaml").write_text(CONTAINER.replace("VENDOR", vendor))


def start_server(folder: Path, *words: str, token: str = "t", held: socket.socket | None = None) -> Process:
    """A server on a free port, or on a socket that somebody holds, with its data in `folder/data`."""
    return Process(
        *["serve", "--port", "0", *words],
        cwd=folder,
        pattern=r"listens on (http://127\.0\.0\.1:\d+)",
        environ={"META_TOKEN": token, "TAGSERVER_ADMIN_TOKEN": ADMIN},
        held=held,
    )


def purchase(event_id: str) -> dict[str, object]:
    """An event that Meta takes."""
    return {
        "event": "purchase",
        "event_id": event_id,
        "page": {"location": "https://shop.example/thanks"},
        "user_data": {"email": f"{event_id}@example.com"},
        "ecommerce": {"transaction_id": event_id, "value": 1.5, "currency": "EUR"},
        "consent": {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"},
    }


def status(server: Process) -> dict[str, int]:
    """The counts of the one destination."""
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = httpx.get(f"{server.address}/-/status.json", headers=headers, trust_env=False)
    counts: dict[str, int] = answer.json()["destinations"]["meta"]
    return counts


def drained(server: Process, seconds: float = 30) -> dict[str, int]:
    """The counts once nothing is pending."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        counts = status(server)
        if counts["pending"] == 0:
            return counts
        time.sleep(0.05)
    raise AssertionError(f"still pending: {status(server)}")
