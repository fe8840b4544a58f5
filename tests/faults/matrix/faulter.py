"""One row of the matrix, run once: `python -m tests.faults.matrix.faulter P1 --seed 7` prints its Report (JSON)."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.faults.matrix.declared import Row
from tests.faults.matrix.rows import ROWS
from tests.faults.matrix.world import Cannot, World


@dataclass
class Report:
    """What came of a row. `void`: the run shows nothing, because there was too little traffic or no fault.
    `cannot`: this machine does not allow it. The reasons say why."""

    number: str
    seed: int
    result: Literal["passed", "failed", "void", "cannot"]
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)


def run(row: Row, seed: int, *, long: bool = False) -> Report:
    """Run one row in a folder of its own. The folder stays when the row fails, and is named among the reasons."""
    number = row.number
    assert row.run is not None, f"{number} waits for {row.waits_for}"
    if row.root and os.geteuid() != 0:
        return Report(number, seed, "cannot", reasons=["it needs root"])
    began = time.monotonic()
    world = World(Path(tempfile.mkdtemp(prefix=f"fault-{number}-")), seed, long, row.untimed)
    cannot: list[str] = []
    try:
        row.run(world)
    except Cannot as why:
        cannot.append(str(why))
    except Exception:
        world.failures.append(traceback.format_exc(limit=-3))
    finally:
        world.end()
    if world.failures:
        world.failures.append(f"its logs are in {world.folder}")
        result: Literal["passed", "failed", "void", "cannot"] = "failed"
    else:
        result = "cannot" if cannot else "void" if world.void or not world.faults else "passed"
        shutil.rmtree(world.folder)
    reasons = world.failures + cannot + world.void
    if result == "void" and not reasons:
        reasons = ["no fault was noted"]
    return Report(number, seed, result, round(time.monotonic() - began, 1), reasons, world.numbers | world.faults)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("row", choices=[row.number for row in ROWS if row.run])
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--long", action="store_true", help="with the sizes of the long run")
    asked = parser.parse_args()
    chosen = next(row for row in ROWS if row.number == asked.row)
    print(json.dumps(asdict(run(chosen, asked.seed, long=asked.long))))
