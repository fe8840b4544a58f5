"""Which build this is: its version, and the commit that it was made of.

A wheel and an sdist know both from a file that is written when they are built; a checkout asks git. The version is that
of the tag (`v0.2.0`); between two tags it is the next one, with the number of commits since and the commit:
`0.2.1.dev7+g1a2b3c4d5e6f`. Standard library alone: the build reads this file before anything is installed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

FIRST = "0.1.0"
"""As long as there is no tag."""
VARIABLE = "TAGSERVER_BUILD"
"""What git would say (`git describe --tags --long --always --abbrev=12`), for a build without a repository."""
NOTE = "build.txt"
"""Beside this file, in what was built: version and commit in one line."""

_DESCRIBED = re.compile(r"(?:v?(\d{1,6}(?:\.\d{1,6}){1,3})-(\d{1,9})-g)?([0-9a-f]{7,40})(-dirty)?\Z")


class Build(NamedTuple):
    """`commit` is empty where it is not known."""

    version: str
    commit: str = ""


def described(said: str, commits: int = 0) -> Build | None:
    """What `git describe` says, as a version; None for anything else. `commits`: how many there are, where there is no
    tag that they could be counted from."""
    found = _DESCRIBED.match(said.strip())
    if found is None:
        return None
    tag, since, commit, dirty = found[1], found[2], found[3][:12], ".dirty" if found[4] else ""
    if tag and int(since) == 0:
        return Build(f"{tag}+g{commit}{dirty}" if dirty else tag, commit)
    first, _, last = (tag or "").rpartition(".")
    coming = f"{first}.{int(last) + 1}" if tag else FIRST
    return Build(f"{coming}.dev{since or commits}+g{commit}{dirty}", commit)


def of_checkout(root: Path, *, dirty: bool = False) -> Build | None:
    """What git says of a checkout; None where there is none, or no git. `dirty`: whether to look for edits."""
    if not (root / ".git").exists():
        return None
    words = ["describe", "--tags", "--long", "--always", "--abbrev=12", "--match", "v[0-9]*"]
    said = _git(root, *words, *(["--dirty"] if dirty else []))
    if said is None or (found := described(said)) is None:
        return None
    if found.version.startswith(f"{FIRST}.dev0+"):
        return described(said, int(_git(root, "rev-list", "--count", "HEAD") or 0))
    return found


def to_build(root: Path) -> Build:
    """What a build of the sources in `root` is: by the variable, by git, or as they were built before (an sdist)."""
    if given := os.environ.get(VARIABLE, ""):
        if (found := described(given)) is None:
            raise ValueError(f"{VARIABLE}={given}: give it what `git describe --tags --long --always` says")
        return found
    return of_checkout(root, dirty=True) or _noted(root / "tagserver" / NOTE) or Build(f"{FIRST}.dev0+unknown")


def of_this() -> Build:
    """What runs here."""
    here = Path(__file__).parent.parent
    return _noted(here / NOTE) or of_checkout(here.parent) or _installed()


def _noted(path: Path) -> Build | None:
    try:
        version, _, commit = path.read_text("ascii").strip().partition(" ")
    except (OSError, ValueError):
        return None
    return Build(version, commit) if version else None


def _installed() -> Build:
    from importlib import metadata  # not needed by what was built, and slow to import

    try:
        return Build(metadata.version("tagserver"))
    except metadata.PackageNotFoundError:
        return Build(f"{FIRST}.dev0+unknown")


def _git(root: Path, *words: str) -> str | None:
    import subprocess  # likewise

    try:
        done = subprocess.run(  # noqa: S603 (no word of it is anybody's but ours)
            ["git", "-c", "core.fsmonitor=false", *words],  # noqa: S607 (the git that the developer uses)
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
