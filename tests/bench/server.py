"""The servers that are measured: processes on a core of their own, with what they cost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tests.processes import ends_with_parent

HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SERVERS, LOAD = 0, 1
"""Cores: one for the server, the other for the load and the vendor."""


def pin_load() -> None:
    """Keep this process off the server's core, where there are two."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD})


class Server:
    """A process that listens on a loopback port."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port

    def cpu(self) -> float:
        """Seconds of user and system time, threads included."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss(self) -> float:
        """Resident memory in MB."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * PAGE / 1e6

    def written(self) -> int:
        """Bytes that it has handed to the disk."""
        found = dict(line.split(": ") for line in Path(f"/proc/{self._process.pid}/io").read_text().splitlines())
        return int(found["write_bytes"])

    async def up(self, within: float = 60.0) -> None:
        """Return when it listens. Ends the run when it does not."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise SystemExit(f"a server ended with {self._process.returncode}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
        raise SystemExit("a server did not come up")


@asynccontextmanager
async def _running(command: list[str]) -> AsyncIterator[Server]:
    """`PORT` in the command is replaced by a free port."""
    port = _free_port()
    command = [str(port) if word == "PORT" else word for word in command]
    pin = ["taskset", "-c", str(SERVERS)] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else []
    # A large environment would slow a rival down that copies it for every request.
    environ = {"PATH": os.environ["PATH"], "BENCH_TOKEN": "bench", "HOME": "/"}
    environ |= {"PYTHONPATH": str(HERE.parents[1])} if command[0] == sys.executable else {}
    process = subprocess.Popen(  # noqa: ASYNC220 (nothing else runs yet)
        [*pin, *command],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=ends_with_parent(),
    )
    server = Server(process, port)
    try:
        await server.up()
        yield server
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)  # the vendor here must go on answering meanwhile


Starting = AbstractAsyncContextManager[Server]


def tagserver(config: Path, data: Path) -> Starting:
    """Ours, as operations start it."""
    folders = ["--config", str(config), "--data", str(data)]
    return _running([sys.executable, "-m", "tagserver", "serve", "--port", "PORT", *folders])


def echo() -> Starting:
    """The floor."""
    return _running([sys.executable, str(HERE / "echo.py"), "PORT"])


def direct(python: str, vendor: int, *, batch: bool = False) -> Starting:
    """The rival, in its own environment; `batch`: it forwards the events of a request as one."""
    return _running([python, str(HERE / "direct.py"), "PORT", str(vendor), *(["batch"] if batch else [])])


def direct_node(modules: str, vendor: int) -> Starting:
    """The rival in Node, which forwards the events of a request as one. `modules`: the folder that npm has filled."""
    return _running(["node", str(HERE / "direct.cjs"), "PORT", str(vendor), modules])


def versions(sdk_python: str | None, node_modules: str | None) -> str:
    """What the rivals are made of."""
    found: list[str] = []
    if sdk_python is not None:
        ask = "from importlib.metadata import version; print('facebook-business', version('facebook-business'))"
        told = subprocess.run([sdk_python, "-c", ask], capture_output=True, text=True, check=True)
        found.append(told.stdout.strip())
    if node_modules is not None:
        package = Path(node_modules) / "node_modules" / "facebook-nodejs-business-sdk" / "package.json"
        found.append(f"facebook-nodejs-business-sdk {json.loads(package.read_text())['version']}")
    return ", ".join(found)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
