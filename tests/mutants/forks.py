"""Runs tests against a mutant: in a process of its own, which is forked from one that has imported pytest and the
libraries already, but nothing of what is tested. The working tree is not touched: the one module is compiled from its
changed tree when it is imported.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tests.processes import ends_with_parent

from .table import Mutant, Wrong
from .watching import Calls, Witness

POLL = 0.02


@dataclass(frozen=True)
class Result:
    """What became of one run. `by`: the test that failed first, empty when all passed. Without a mutant, also how many
    seconds the slowest test took, and the functions that each test calls."""

    seconds: float
    by: str
    slowest: float = 0.0
    calls: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no test noticed anything."""
        return not self.by


TIMED_OUT = "a time limit"


class _Changed(SourceFileLoader):
    """Loads one module from the tree of a mutant."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._mutant.tree(), str(self._mutant.path), "exec", dont_inherit=True)
        return code


class _Finder:
    """Finds the module of a mutant before anybody else does."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return spec_from_file_location(name, self._mutant.path, loader=_Changed(self._mutant))


@dataclass(frozen=True)
class Job:
    """One run of tests: with a mutant, or with the code as it is to learn which tests call what. `likely`: tests that
    call what was changed, which are run first; `alone`: no others are. `limit`: seconds that one test may take."""

    mutant: Mutant | None
    tests: tuple[str, ...]
    files: tuple[str, ...] = ()
    likely: frozenset[str] = frozenset()
    alone: bool = False
    limit: float = 0.0


class Forks:
    """Runs of tests below `root`, so many at a time. `libraries` are imported once for all of them. Must be made before
    anything that is tested is imported."""

    def __init__(self, root: Path, at_a_time: int, libraries: Sequence[str] = ()) -> None:
        for name in libraries:
            importlib.import_module(name)
        sys.path.insert(0, str(root))
        self._root = root
        self._at_a_time = at_a_time

    def run(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Result]]:
        """The result of each job, as they end."""
        waiting = list(jobs)[::-1]
        running: list[_Run] = []
        try:
            while waiting or running:
                while waiting and len(running) < self._at_a_time:
                    running.append(_Run(self._root, waiting.pop()))
                time.sleep(POLL)
                for one in [*running]:
                    if (result := one.ended()) is not None:
                        running.remove(one)
                        yield one.job, result
        finally:
            for one in running:
                one.stop()


class _Run:
    """One process that runs tests."""

    def __init__(self, root: Path, job: Job) -> None:
        self.job = job
        if job.mutant is not None and job.mutant.module in sys.modules:
            raise Wrong(f"{job.mutant.module} is imported already")
        self._folder = tempfile.TemporaryDirectory(prefix="mutant-")
        self._told = Path(self._folder.name, "told.json")
        self._began = time.monotonic()
        bound = ends_with_parent()
        sys.stdout.flush()
        self._pid = os.fork()
        if not self._pid:
            code = 70
            try:
                os.setpgid(0, 0)
                bound()
                code = self._child(root)
            finally:
                os._exit(code)
        with contextlib.suppress(OSError):  # the child did it, and went on
            os.setpgid(self._pid, self._pid)

    def _child(self, root: Path) -> int:
        output = os.open(Path(self._folder.name, "output"), os.O_WRONLY | os.O_CREAT, 0o600)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.chdir(root)
        job = self.job
        options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        options += ["--basetemp", str(Path(self._folder.name, "tests")), "--hypothesis-profile", "ci"]
        options += ["-m", "not slow and not alone and not browser", *job.tests]
        witness = Witness(job.likely, job.limit, alone=job.alone)
        plugins: list[Any] = [witness]
        if job.mutant is not None:
            sys.meta_path.insert(0, _Finder(job.mutant))  # type: ignore[arg-type]  # it has what is asked of one
        else:
            plugins.append(calls := Calls(job.files))
        code = int(pytest.main(options, plugins=plugins))
        told = (
            {"by": witness.by}
            if job.mutant is not None
            else {"by": witness.by, "slowest": calls.slowest, "calls": calls.by_test}
        )
        self._told.write_text(json.dumps(told))
        return code

    def ended(self) -> Result | None:
        """The result, once there is one. Raises Wrong when no test was run."""
        seconds = time.monotonic() - self._began
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return None
        code = os.waitstatus_to_exitcode(status)
        told: dict[str, Any] = json.loads(self._told.read_text()) if self._told.exists() else {}
        by: str = told.get("by", "")
        output = Path(self._folder.name, "output").read_text(errors="replace")
        self._folder.cleanup()
        if code in (pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.USAGE_ERROR) and not by:
            raise Wrong(f"{' '.join(self.job.tests)}: {output[-2000:]}")
        if code == -signal.SIGALRM:
            by = TIMED_OUT
        return Result(
            seconds,
            by or ("" if code == 0 else f"the end of the process ({code})"),
            told.get("slowest", 0.0),
            {test: frozenset(functions) for test, functions in told.get("calls", {}).items()},
        )

    def stop(self) -> None:
        """End it, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._folder.cleanup()
