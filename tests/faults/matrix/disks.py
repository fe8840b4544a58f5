"""Disks of a row's own, made by root and gone with the row: a small one in memory, and one in an image file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.faults.matrix.world import Cannot, World


def small(world: World, mib: int) -> Path:
    """A file system of so many MiB. Raises Cannot."""
    folder = world.folder / f"disk-{mib}"
    folder.mkdir()
    _mount(world, folder, "-t", "tmpfs", "-o", f"size={mib}M,mode=0700", "tmpfs")
    return folder


def image(world: World, name: str, mib: int) -> tuple[Path, Path]:
    """A new ext4 file system in an image file: the image, and where it is mounted. Raises Cannot."""
    path = world.folder / f"{name}.img"
    with path.open("wb") as file:
        file.truncate(mib << 20)
    _run("mkfs.ext4", "-q", "-F", str(path))
    return path, mounted(world, path)


def mounted(world: World, path: Path) -> Path:
    """Where the file system of an image is mounted from now on. Raises Cannot."""
    folder = world.folder / path.stem
    folder.mkdir()
    _mount(world, folder, "-o", "loop", str(path))
    return folder


def _mount(world: World, folder: Path, *words: str) -> None:
    if os.geteuid() != 0:
        raise Cannot("it needs root, to mount a disk of its own")
    _run("mount", *words, str(folder))
    world.at_end.append(lambda: _run("umount", str(folder)))


def _run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise Cannot(f"there is no {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Cannot(f"{command[0]} says: {done.stderr.strip()[-300:]}")
