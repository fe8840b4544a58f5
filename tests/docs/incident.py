"""A shop in trouble: one destination, its vendor's stand-in, a server, and a shell in which the page's commands run."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..faults.matrix.preload import library
from ..faults.matrix.world import Cannot
from ..faults.process import Process, purchase
from .pages import ROOT, Block, blocks
from .world import says

ADMIN = "admin-token-of-the-drills-7q"
VENDOR_TOKEN = "vendor-token-of-the-drills-3k"
ORIGIN = "https://shop.example"
SERVER = """
collect: {origins: ["https://shop.example"]}
queue: {min_free: 24MiB}
egress: {allow: ["127.0.0.0/8"]}
reload: manual
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_ACCESS_TOKEN}", api_url: "VENDOR"}
triggers:
  purchase: {event: purchase}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
"""
TEST = """
- name: a purchase is sent
  event:
    event: purchase
    user_data: {email: a@example.com}
    ecommerce: {transaction_id: a, value: 1, currency: EUR}
  consent: granted
  expect: {send: [TAG]}
"""


def section(page: Path, title: str) -> Iterator[Block]:
    """The blocks of commands below a heading."""
    text = page.read_text("utf-8")
    first = text.count("\n", 0, text.index(f"\n## {title}\n"))
    rest = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for block in blocks(page):
        if first < block.line <= first + rest.count("\n") + 2 and block.language in ("sh", "console"):
            yield block


def titles(page: Path) -> list[str]:
    """The headings of the drills."""
    return re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)


class Incident:
    """`sudo`, `systemctl` and `editor` of the page are programs of the folder `bin`; its paths and its address are
    those of here. `tagserver` is what the page's first block makes of it."""

    def __init__(self, folder: Path, vendor: Process) -> None:
        self.folder, self._vendor = folder, vendor
        self.config, self.data, self.secrets = folder / "config", folder / "data", folder / "secrets.env"
        self.environ: dict[str, str] = {}
        """More for the server and the commands."""
        self._edited, self._clock = folder / "edited", folder / "clock"
        self._bin = folder / "bin"
        self._server: Process | None = None
        self._mounted = False
        self.config.mkdir()
        self._bin.mkdir()
        httpx.post(f"{vendor.address}/reset", trust_env=False).raise_for_status()
        self.write("server.yaml", SERVER)
        self.write("container.yaml", CONTAINER)
        self.secrets.write_text(f"TAGSERVER_ADMIN_TOKEN={ADMIN}\nMETA_ACCESS_TOKEN={VENDOR_TOKEN}\n")
        (folder / ".venv" / "bin").mkdir(parents=True)
        self._program("../.venv/bin/tagserver", f'exec {sys.executable} -m tagserver "$@"')
        self._program("sudo", 'if [ "$1" = -u ]; then shift 2; fi; exec "$@"')
        self._program("editor", f'cp {self._edited} "$1"')

    def _program(self, name: str, script: str) -> None:
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    # ── what is there

    def placed(self, text: str) -> str:
        """A text with the vendor's address in it."""
        return text.replace("VENDOR", self._vendor.address)

    def write(self, name: str, text: str) -> None:
        """A file of the configuration."""
        (self.config / name).write_text(self.placed(text))

    def will_edit(self, text: str) -> None:
        """What the operator writes when the page opens an editor."""
        self._edited.write_text(text)

    def on_a_small_disk(self, mib: int) -> None:
        """The data folder is a file system of its own. Skips where that cannot be made."""
        if os.geteuid() != 0:
            pytest.skip("it needs root, to mount a small disk")
        self.data.mkdir(mode=0o700)
        command = ["mount", "-t", "tmpfs", "-o", f"size={mib}M,mode=0700", "tmpfs", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mount says: {done.stderr.strip()}")
        self._mounted = True

    def with_a_clock(self) -> None:
        """The machine's clock is ours to set, for the server and for commands. Skips where that cannot be done."""
        try:
            preload = library(self.folder, "clock")
        except Cannot as why:
            pytest.skip(str(why))
        self._clock.write_bytes(bytes(8))
        self.environ |= {"LD_PRELOAD": str(preload), "CLOCK_FILE": str(self._clock)}

    def set_clock(self, seconds: int) -> None:
        """Wrong by so many seconds from now on."""
        with self._clock.open("r+b") as file:
            file.write(struct.pack("q", seconds))

    @staticmethod
    def fill(path: Path) -> Path:
        """A file that takes all that its disk has left."""
        with suppress(OSError), path.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 20)):
                pass
        return path

    def up(self) -> Process:
        """The server, as its unit starts it."""
        self._server = Process(
            *("serve", "--port", "0", "--env-file", str(self.secrets), "--data", str(self.data)),
            cwd=self.folder,
            pattern=r"listens on (http://127\.0\.0\.1:\d+)",
            environ=self.environ,
        )
        self._program("systemctl", f"kill -HUP {self._server.popen.pid}")
        return self._server

    @property
    def server(self) -> Process:
        """The one that runs."""
        assert self._server is not None
        return self._server

    def gone(self) -> None:
        """Everything that was made here ends."""
        try:
            self.end()
        finally:
            if self._mounted:
                subprocess.run(["umount", str(self.data)], check=True)

    def end(self) -> None:
        """Of the server; its log holds no traceback and no secret."""
        if self._server is not None:
            self._server.stop()
            said = self._server.text()
            assert "Traceback" not in said
            assert VENDOR_TOKEN not in said

    # ── the fault, and what is seen of it

    def vendor(self, **control: Any) -> None:
        """How the vendor behaves from now on."""
        httpx.post(f"{self._vendor.address}/control", json=control, trust_env=False).raise_for_status()

    def arrived(self) -> int:
        """Different events at the vendor."""
        stats: dict[str, int] = httpx.get(f"{self._vendor.address}/stats.json", trust_env=False).json()
        return stats["unique"]

    def post(self, *event_ids: str, **changes: Any) -> list[int]:
        """Purchases of the shop's page; the status of each answer."""
        codes = []
        for event_id in event_ids:
            event = purchase(event_id) | changes
            answer = httpx.post(
                f"{self.server.address}/collect", json=event, headers={"origin": ORIGIN}, trust_env=False
            )
            codes.append(answer.status_code)
        return codes

    def reload(self) -> None:
        """Somebody publishes the files."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        httpx.post(f"{self.server.address}/-/reload", headers=headers, trust_env=False).raise_for_status()

    def status(self, token: str | None = None) -> dict[str, Any]:
        """`status.json`."""
        token = token or re.findall(r"TAGSERVER_ADMIN_TOKEN=(.+)", self.secrets.read_text())[0]
        headers = {"authorization": f"Bearer {token}"}
        shown: dict[str, Any] = httpx.get(
            f"{self.server.address}/-/status.json", headers=headers, trust_env=False
        ).json()
        return shown

    def meta(self) -> dict[str, Any]:
        """The destination: state and counts, which always add up."""
        shown: dict[str, Any] = self.status()["destinations"]["meta"]
        assert shown["accepted"] == sum(shown[name] for name in ("delivered", "pending", "dead", "erased"))
        return shown

    def ready(self) -> str:
        """The one word of `/readyz`."""
        return httpx.get(f"{self.server.address}/readyz", trust_env=False).text.strip()

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for a condition."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.server.text()
            time.sleep(0.02)

    # ── the page

    def run(self, block: Block) -> str:
        """Run what a block shows, as the operator: what it prints, which is what is shown, where that is."""
        if block.language == "sh":
            return self._shell(block, block.text)
        said = []
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            said.append(self._shell(block, command))
            assert says(said[-1], self._here(expected)), f"{block}: {command}\n{said[-1]}"
        return "\n".join(said)

    def _shell(self, block: Block, script: str) -> str:
        begin = next(blocks(block.page, language="sh")).text.partition("tagserver doctor\n")[0]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(begin + script)],
            cwd=self.folder,
            env={
                "PATH": f"{self._bin}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "LANG": "C.UTF-8",
                **self.environ,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 1), f"{block}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _here(self, text: str) -> str:
        text = text.replace("/etc/tagserver", str(self.folder)).replace("/srv/tagserver", str(self.folder))
        return text.replace("http://127.0.0.1:8080", self.server.address)
