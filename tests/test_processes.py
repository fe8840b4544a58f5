"""A run that is interrupted leaves no server behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .processes import ends_with_parent

ROOT = Path(__file__).parent.parent
PARENT = """
import signal, subprocess
from tests.processes import ends_with_parent
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
child = subprocess.Popen(["sleep", "60"], preexec_fn=ends_with_parent(PREPARE))
print(child.pid, flush=True)
child.wait()
"""


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie that only waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
@pytest.mark.parametrize("prepare", ["None", "lambda: None"])
def test_what_a_test_has_started_ends_with_it(how: signal.Signals, prepare: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("PREPARE", prepare)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=ends_with_parent(),
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.send_signal(how)
        parent.wait(10)
        assert within(10, lambda: not runs(child))


def test_every_program_that_a_test_starts_and_leaves_running_ends_with_it() -> None:
    """Whoever starts one says so: `Popen` is called with `ends_with_parent` wherever it is called."""
    here = Path(__file__)
    sources = {path: path.read_text() for path in (*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/*.py"))}
    starting = {path: text for path, text in sources.items() if "subprocess.Popen(" in text and path != here}
    assert len(starting) > 3
    for path, text in starting.items():
        assert text.count("subprocess.Popen(") <= text.count("preexec_fn=ends_with_parent("), path
