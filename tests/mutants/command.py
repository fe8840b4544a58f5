"""`tests/mutants/run`: makes the mutants of the table, runs their tests, and says which ones nobody noticed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .forks import TIMED_OUT, Forks, Job, Result
from .table import Mutant, Table, Wrong, read
from .watching import function

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("core.yaml")
SLOWER = 4
"""How many times as long as the slowest one without a change a test may take; a busy machine is slow, too."""


def main(words: Sequence[str]) -> int:
    """The exit code: 0 when each mutant was killed or is known to be none, 1 for one that survived, 2 for a wrong
    table."""
    options = _options(words)
    began = time.monotonic()
    try:
        table = read(options.table, options.root)
        mutants = _wanted(table, options)
        if options.list:
            print(*(f"{one}: {one.was} → {one.now}" for one in mutants), sep="\n")
            return 0
        survivors, timed_out = _run(mutants, table.libraries, options)
    except Wrong as wrong:
        print(f"tests/mutants/run: {wrong}", file=sys.stderr)
        return 2
    return _report(table, mutants, survivors, timed_out, time.monotonic() - began, whole=not options.words)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/mutants/run", description=__doc__)
    parser.add_argument("words", nargs="*", help="functions or modules: every mutant of those, not only the chosen")
    parser.add_argument("--list", action="store_true", help="say which mutants would be made")
    parser.add_argument("--fast", action="store_true", help="run only the tests that call what was changed")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds that a test may take in any case")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--root", type=Path, default=ROOT, help="where the modules and tests of the table lie")
    return parser.parse_args(words)


def _wanted(table: Table, options: argparse.Namespace) -> list[Mutant]:
    if not options.words:
        return table.chosen
    found = [
        one
        for one in table.every
        if any(word in (one.unit, one.module, f"{one.module}:{one.unit}") for word in options.words)
    ]
    if not found:
        raise Wrong(f"there is no mutant of {' '.join(options.words)}")
    return found


def _run(mutants: Sequence[Mutant], libraries: Sequence[str], options: argparse.Namespace) -> tuple[list[Mutant], int]:
    """Survivors, and how many took too long. Raises Wrong when a test fails without a change."""
    forks = Forks(options.root, options.jobs, libraries)
    files: dict[tuple[str, ...], set[str]] = {}
    for one in mutants:
        files.setdefault(one.tests, set()).add(str(one.path))
    plain: dict[tuple[str, ...], Result] = {}
    for job, result in forks.run([Job(None, tests, tuple(paths)) for tests, paths in files.items()]):
        if not result.passed:
            raise Wrong(f"{result.by} fails without any change")
        plain[job.tests] = result
        print(f"{result.seconds:.0f} s without a change: {len(result.calls)} tests", flush=True)
    survivors: list[Mutant] = []
    timed_out = 0
    for job, result in forks.run([_job(one, plain[one.tests], options.patience, fast=options.fast) for one in mutants]):
        assert job.mutant is not None
        timed_out += result.by == TIMED_OUT
        if result.passed:
            survivors.append(job.mutant)
        word = "SURVIVED" if result.passed else "killed  "
        print(f"{word} {job.mutant} ({result.seconds:.1f} s of {len(job.likely)}) {result.by}", flush=True)
    return survivors, timed_out


def _job(mutant: Mutant, plain: Result, patience: float, *, fast: bool) -> Job:
    name = function(str(mutant.path), mutant.unit)
    likely = frozenset(test for test, functions in plain.calls.items() if name in functions)
    return Job(mutant, mutant.tests, (), likely, fast, max(patience, SLOWER * plain.slowest))


def _report(
    table: Table,
    mutants: Sequence[Mutant],
    survivors: Sequence[Mutant],
    timed_out: int,
    seconds: float,
    *,
    whole: bool,
) -> int:
    known = [one for one in survivors if any(same.is_it(one) for same in table.known)]
    unknown = [one for one in survivors if one not in known]
    killed = len(mutants) - len(survivors)
    print(
        f"\n{len(mutants)} mutants: {killed} killed ({timed_out} by {TIMED_OUT}), {len(known)} known to change nothing,"
        f" {len(unknown)} survived; {seconds:.0f} s"
    )
    for one in unknown:
        print(f"\n{one}\n{one.diff()}")
    stale = [one for one in table.known if whole and not any(one.is_it(mutant) for mutant in mutants)]
    for same in stale:
        print(f"\nlisted as equivalent, and not made any more: {same.unit}: {same.was} → {same.now}")
    return 1 if unknown or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
