"""Each build knows its version and commit: of a tag, between tags, without any, of an sdist, without a repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tagserver import BUILD, __version__
from tagserver.cli import main
from tagserver.metrics.labels import build_info
from tagserver.system.version import VARIABLE, Build, described, of_checkout

ROOT = Path(__file__).parents[2]
COMMIT = "1a2b3c4d5e6f"

SAID = [
    (f"v0.2.0-0-g{COMMIT}", Build("0.2.0", COMMIT)),
    (f"v0.2.0-7-g{COMMIT}", Build(f"0.2.1.dev7+g{COMMIT}", COMMIT)),
    (f"v0.2.0-0-g{COMMIT}-dirty", Build(f"0.2.0+g{COMMIT}.dirty", COMMIT)),
    (f"v0.2.0-7-g{COMMIT}-dirty", Build(f"0.2.1.dev7+g{COMMIT}.dirty", COMMIT)),
    (f"1.9-3-g{COMMIT}", Build(f"1.10.dev3+g{COMMIT}", COMMIT)),
    (f"{COMMIT}\n", Build(f"0.1.0.dev42+g{COMMIT}", COMMIT)),
    (f"{COMMIT}-dirty", Build(f"0.1.0.dev42+g{COMMIT}.dirty", COMMIT)),
    ("v0.2.0", None),
    ("vNext-1-gxyz", None),
    ("", None),
    ("fatal: not a git repository", None),
]


@pytest.mark.parametrize(("said", "build"), SAID)
def test_what_git_says_is_a_version(said: str, build: Build | None) -> None:
    """A release is its tag; what comes after it sorts before the next one."""
    assert described(said, 42) == build


def test_what_runs_is_told() -> None:
    """By the command, and to Prometheus."""
    said = CliRunner().invoke(main, ["--version"]).output
    assert said == f"tagserver, version {__version__}, commit {BUILD.commit or 'unknown'}\n"
    assert build_info(__version__) | {"version": BUILD.version, "commit": BUILD.commit} == build_info(__version__)


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def build(folder: Path, kind: str, **environ: str) -> Path:
    """The archive that a build of these sources makes."""
    out = folder.parent / f"{folder.name}-out"
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    subprocess.run(words, cwd=folder, env=inherited | environ, check=True, capture_output=True)
    return max(out.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def noted(wheel: Path) -> str:
    """What stands in the file that the wheel's code reads; exactly one."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.namelist().count("tagserver/build.txt") == 1
        return archive.read("tagserver/build.txt").decode().strip()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources without their repository."""
    folder = tmp_path_factory.mktemp("version") / "sources"
    ignored = shutil.ignore_patterns("__pycache__", "build.txt", "tests", "data")
    for name in ("tagserver", "plugins", ".build"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_builds_of_a_clone(sources: Path, tmp_path: Path) -> None:
    """Without a tag, with one, after it; and of an sdist, which has no repository."""
    clone = tmp_path / "clone"
    shutil.copytree(sources, clone)
    git(clone, "init", "-q")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "one")
    first = of_checkout(clone)
    assert first is not None
    assert first.version == f"0.1.0.dev1+g{first.commit}"
    wheel = build(clone, "wheel")
    assert (wheel.name, noted(wheel)) == (f"tagserver-{first.version}-py3-none-any.whl", " ".join(first))
    git(clone, "tag", "v9.8.7")
    sdist = build(clone, "sdist")
    assert sdist.name == "tagserver-9.8.7.tar.gz"
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    again = build(tmp_path / "unpacked" / "tagserver-9.8.7", "wheel")
    assert (again.name, noted(again)) == ("tagserver-9.8.7-py3-none-any.whl", f"9.8.7 {first.commit}")
    git(clone, "commit", "-qm", "two", "--allow-empty")
    second = of_checkout(clone)
    assert second is not None
    assert second.version == f"9.8.8.dev1+g{second.commit}"
    assert not list(clone.glob("**/build.txt")), "a build changes no sources"


def test_builds_without_a_repository(sources: Path) -> None:
    """A container's: by what it is told, or honestly unknown."""
    wheel = build(sources, "wheel", **{VARIABLE: f"v1.2.3-0-g{COMMIT}"})
    assert (wheel.name, noted(wheel)) == ("tagserver-1.2.3-py3-none-any.whl", f"1.2.3 {COMMIT}")
    assert noted(build(sources, "wheel")) == "0.1.0.dev0+unknown"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        build(sources, "wheel", **{VARIABLE: "newest"})
    assert b"TAGSERVER_BUILD=newest: give it what `git describe" in refused.value.stderr
