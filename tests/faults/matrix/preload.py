"""C sources of this folder as libraries for LD_PRELOAD, compiled when a row needs one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.faults.matrix.world import Cannot


def library(folder: Path, name: str) -> Path:
    """The library made of `NAME.c`, in a folder. Raises Cannot without Linux and a C compiler."""
    made = folder / f"lib{name}.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or os.uname().sysname != "Linux":
        raise Cannot("it needs Linux and a C compiler (cc or gcc)")
    source = Path(__file__).with_name(f"{name}.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Cannot(f"the C compiler fails: {done.stderr[-300:]}")
    return made
