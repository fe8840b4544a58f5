"""`tagserver WORDS` as a process of its own, without the third of a second that an interpreter and its imports take.

One process for each test worker has imported everything and forks for each command (`tests/warm_parent.py`). What comes
out of that has its own id, folder, environment, streams and signals, and ends as any other process does. What depends
on how Python starts (`PYTHON…`, locales, a preloaded library) is started afresh: see `fits`. How the program starts by
itself is proved by the fault matrix, `tests/cli/test_odd_words.py` and `tests/docs/test_service.py`.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from .processes import ends_with_parent

ROOT = Path(__file__).parents[1]
TOLD = struct.Struct("i")
AS_STARTED = {"LANG": "C.UTF-8", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
"""What the process that forks was started with, beside its path."""
AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
"""How names begin of what is read when Python starts, not later."""


def fits(environ: Mapping[str, str]) -> bool:
    """Whether a process with this environment may be forked: it asks nothing of Python's start that was not asked."""
    return not any(
        value and name.startswith(AT_START) and AS_STARTED.get(name) != value for name, value in environ.items()
    )


class _Parent:
    """The process that forks."""

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.owner = os.getpid()
        self.control = ours
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm_parent"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]} | AS_STARTED,
                stdin=its,
                preexec_fn=ends_with_parent(),
            )
        atexit.register(self.close)

    def close(self) -> None:
        """End it. What it has forked, the kernel ends with it."""
        if self.owner == os.getpid():
            self.control.close()
            self._process.wait(10)


_parents: list[_Parent] = []


def _parent() -> _Parent:
    if not _parents or _parents[-1].owner != os.getpid():
        _parents.append(_Parent())
    return _parents[-1]


class Started:
    """A command that runs, with the part of `subprocess.Popen` that tests use."""

    def __init__(
        self, words: Sequence[str], cwd: Path, environ: Mapping[str, str], streams: tuple[int, int, int]
    ) -> None:
        """`streams`: the descriptors that it gets as its own three; the caller closes the caller's."""
        self.returncode: int | None = None
        self._told, its = socket.socketpair()
        spec = {"words": list(words), "cwd": str(cwd), "env": dict(environ)}
        with its, tempfile.TemporaryFile() as file:
            file.write(json.dumps(spec).encode())
            file.seek(0)
            descriptors = [file.fileno(), *streams, its.fileno()]
            socket.send_fds(_parent().control, [b"x"], descriptors)
        self.pid = self._next(60)

    def _next(self, timeout: float | None) -> int:
        self._told.settimeout(timeout)
        message = self._told.recv(TOLD.size)
        if not message:
            raise ChildProcessError("the process that starts commands has ended")
        (number,) = TOLD.unpack(message)
        return int(number)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            try:
                status = self._next(timeout)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(["tagserver"], timeout or 0) from None
            self.returncode = os.waitstatus_to_exitcode(status)
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ends just now
                os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`."""
        self.send_signal(signal.SIGKILL)


def tagserver(
    *words: str,
    cwd: Path,
    env: Mapping[str, str],
    given: bytes = b"",
    stdin: int | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end. `given`: what its standard input holds; or `stdin`, a descriptor that is it.
    Raises subprocess.TimeoutExpired after `timeout` seconds."""
    if not fits(env):
        return _afresh(words, cwd, env, given, stdin, timeout)
    ours = -1
    if stdin is None:
        stdin, ours = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            started = Started(words, cwd, env, (stdin, out.fileno(), err.fileno()))
        finally:
            if ours >= 0:
                os.close(stdin)
        if ours >= 0:
            writer = threading.Thread(target=_write, args=(ours, given))
            writer.start()
        try:
            code = started.wait(timeout)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait(10)
            raise
        finally:
            if ours >= 0:
                writer.join(10)
        return subprocess.CompletedProcess(["tagserver", *words], code, _read(out), _read(err))


def _write(descriptor: int, given: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as file:
        file.write(given)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def _afresh(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], given: bytes, stdin: int | None, timeout: float
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tagserver", *words],
        cwd=cwd,
        env=dict(env),
        timeout=timeout,
        check=False,
        capture_output=True,
        preexec_fn=ends_with_parent(),
        **({"input": given} if stdin is None else {"stdin": stdin}),  # type: ignore[arg-type] # (one of the two)
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
