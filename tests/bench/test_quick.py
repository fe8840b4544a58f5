"""The benchmark in small runs to its end and prints every ratio. Never that a number is fast: machines differ."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path

from tests.bench.goals import GOALS

RUN = Path(__file__).parent / "run"
SDK = RUN.parents[2] / ".venv" / "bench" / ".installed"
_line = re.compile(r"(?P<text>.+?)  +(?P<value>\S+)   \((?P<hope>.+?)\)").match


def test_quick_prints_every_ratio() -> None:
    ran = subprocess.run([RUN, "quick"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    values = {found["text"]: found["value"] for line in ran.stdout.splitlines() if (found := _line(line))}
    for name, goal in GOALS.items():
        if name.startswith("sdk") and not SDK.exists():
            assert values[goal.text] == "-"  # no network, no SDK to compare with
        else:
            value = float(values[goal.text].replace(",", ""))
            assert 0 < value < math.inf, f"{goal.text}: {value}"
