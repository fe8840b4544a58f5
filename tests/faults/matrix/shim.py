"""`shim.c` for the servers of a world: a disk that is slow, fails, lies, or ends the process in place of a call."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.faults.matrix.world import Cannot, World

SOURCE = Path(__file__).with_name("shim.c")


def compiler() -> str | None:
    """The C compiler of this machine, if there is one; the shim is for Linux alone."""
    return shutil.which("cc") or shutil.which("gcc") if os.uname().sysname == "Linux" else None


class Shim:
    """One fault of the disk, for the processes that are started `with shim.on():`.

    `do`, `call`, `file` and `after` as in `shim.c`; `ms` for `slow`. Raises Cannot without a C compiler.
    """

    def __init__(
        self,
        world: World,
        do: Literal["slow", "fail", "lie", "kill"],
        *,
        call: Literal["sync", "write"] = "sync",
        file: str = "",
        after: int = 0,
        ms: int = 0,
    ) -> None:
        self._world = world
        self._note = world.folder / f"shim-{len(list(world.folder.glob('shim-*')))}"
        self._note.touch()
        wanted = {"SHIM_DO": do, "SHIM_CALL": call, "SHIM_AFTER": str(after), "SHIM_MS": str(ms)}
        self._environment = {"LD_PRELOAD": str(_library(world)), "SHIM_NOTE": str(self._note)} | wanted
        if file:
            self._environment["SHIM_FILE"] = file

    @contextmanager
    def on(self) -> Iterator[None]:
        """Processes that are started inside have this disk."""
        before = self._world.environment
        self._world.environment = before | self._environment
        try:
            yield
        finally:
            self._world.environment = before

    def made(self) -> list[float]:
        """The moment of each fault, in the machine's monotonic seconds."""
        return [float(line) for line in self._note.read_text().split()]


def _library(world: World) -> Path:
    library = world.folder / "libshim.so"
    if not library.exists():
        cc = compiler()
        if cc is None:
            raise Cannot("it needs Linux and a C compiler (cc or gcc)")
        command = [cc, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise Cannot(f"the C compiler fails: {done.stderr[-300:]}")
    return library
