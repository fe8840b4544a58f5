"""The benchmark in small runs to its end and prints every ratio. Never that a number is fast: machines differ."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path

import pytest

from tests.bench import stages
from tests.bench.goals import GOALS

RUN = Path(__file__).parent / "run"
SDK = RUN.parents[2] / ".venv" / "bench" / ".installed"
_line = re.compile(r"(?P<text>.+?)  +(?P<value>\S+)   \((?P<hope>.+?)\)").match


def test_stages_print_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    """The part that needs no server, so that the benchmark does not rot between its runs."""
    stages.main(repeats=1)
    printed = capsys.readouterr().out
    for name in ("other tag", "same tag"):
        assert GOALS[name].text in printed


@pytest.mark.slow  # it starts servers for half a minute: `tests/bench/run quick` is its own command
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
