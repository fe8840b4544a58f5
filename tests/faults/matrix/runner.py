"""The fault matrix: `tests/faults/run` runs every row whose capability exists and lists the rest.

Each row is a process of its own with a seed, which is printed: `tests/faults/run P1 --seed 7` repeats it.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.matrix import faulter, soak
from tests.faults.matrix.declared import Row
from tests.faults.matrix.rows import CHAPTERS, ROWS
from tests.processes import ends_with_parent

ROOT = Path(__file__).parents[3]
LONGEST = 3600
"""Seconds that one row may take."""


def reports(rows: Sequence[Row], seed: int | None, jobs: int, *, long: bool) -> Iterator[dict[str, Any]]:
    """Run rows, `jobs` at a time; their reports as they end."""
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(report, row, seed, long=long) for row in rows]
        for done in as_completed(running):
            yield done.result()


def report(row: Row, seed: int | None, *, long: bool) -> dict[str, Any]:
    """Run one row in a process of its own."""
    made = _seed(seed)
    command = [sys.executable, "-m", "tests.faults.matrix.faulter", row.number, "--seed", str(made)]
    lost = {"number": row.number, "seed": made, "result": "failed", "seconds": 0.0, "numbers": {}}
    try:
        done = subprocess.run(
            [*command, "--long"] if long else command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
            preexec_fn=ends_with_parent(),
        )
    except subprocess.TimeoutExpired:
        return lost | {"reasons": [f"it did not end within {LONGEST} s"]}
    if done.returncode:
        return lost | {"reasons": [done.stderr[-2000:]]}
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def _seed(given: int | None) -> int:
    return secrets.randbelow(1 << 31) if given is None else given


def line(shown: dict[str, Any]) -> str:
    """One report, for the terminal."""
    numbers = ", ".join(f"{name} {number}" for name, number in shown["numbers"].items())
    head = f"{shown['number']:<4} {shown['result']:<7} {shown['seconds']:6.1f} s  seed {shown['seed']:<11} {numbers}"
    return "\n".join([head, *(f"     {reason}" for reason in shown["reasons"])])


def table(found: Sequence[dict[str, Any]]) -> str:
    """The reports of a whole run as Markdown, for the documentation."""
    by = {shown["number"]: shown for shown in found}
    lines = [
        f"Run of {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| row | fault | result | what was seen |",
        "|---|---|---|---|",
    ]
    for chapter in CHAPTERS:
        for row in chapter.rows:
            shown = by.get(row.number)
            if shown is not None:
                numbers = ", ".join(f"{name} {number}" for name, number in shown["numbers"].items())
                lines.append(f"| {row.number} | {row.fault} | {shown['result']} | {numbers} |")
            elif row.run is None:
                lines.append(f"| {row.number} | {row.fault} | waits | for {row.waits_for} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """The exit code: 0 when every row that ran has passed, or cannot be run on this machine."""
    parser = argparse.ArgumentParser(prog="tests/faults/run", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="such as P1 V3; all without")
    parser.add_argument("--quick", action="store_true", help="the rows that CI runs")
    parser.add_argument("--long", action="store_true", help="100 kills, 200,000 events")
    parser.add_argument("--soak", type=int, metavar="MINUTES", help="instead of the rows, one long run (30)")
    parser.add_argument("--list", action="store_true", help="say what there is, run nothing")
    parser.add_argument("--seed", type=int, help="repeat a run")
    parser.add_argument("--jobs", type=int, default=1, help="rows at a time")
    parser.add_argument("--table", action="store_true", help="print the table of the documentation, too")
    asked = parser.parse_args(words)
    if asked.soak:
        shown = asdict(faulter.run(soak.row(asked.soak), _seed(asked.seed)))
        print(line(shown))
        return 0 if shown["result"] == "passed" else 1
    known = {row.number: row for row in ROWS}
    if unknown := [name for name in asked.rows if name not in known]:
        parser.error(f"no such row: {', '.join(unknown)}; see --list")
    chosen = [known[name] for name in asked.rows] or [row for row in ROWS if row.quick or not asked.quick]
    runnable, waiting = [row for row in chosen if row.run], [row for row in chosen if not row.run]
    if asked.list:
        runnable, waiting = [], []
        for row in chosen:
            mark = "waits" if row.run is None else "quick" if row.quick else ""
            print(f"{row.number:<4} {mark:<6} {row.fault}" + (f"; for {row.waits_for}" if row.waits_for else ""))
    found = []
    for shown in reports(runnable, asked.seed, asked.jobs, long=asked.long):
        print(line(shown), flush=True)
        found.append(shown)
    for row in waiting:
        print(f"{row.number:<4} waits for {row.waits_for}: {row.fault}")
    if asked.table:
        print(table(found))
    counts = {word: sum(shown["result"] == word for shown in found) for word in ("passed", "failed", "void", "cannot")}
    if found:
        print(", ".join(f"{number} {word}" for word, number in counts.items()) + f", {len(waiting)} waiting")
    return 1 if counts["failed"] or counts["void"] else 0


if __name__ == "__main__":
    sys.exit(main())
