"""One program becomes the next in the same process: what is sent to that process meanwhile reaches one of the two."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, os, signal, socket, sys
from tagserver.server.succession import VARIABLE, aside, become, inherited, last_signals

if VARIABLE in os.environ:
    inherited(os.environ)
    print("the next program goes on", flush=True)
    sys.exit(0)

async def main():
    heard = []
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, heard.append, "the end")
    if sys.argv[1] == "before":
        os.kill(os.getpid(), signal.SIGTERM)
    await last_signals()
    if heard:
        print("heard", flush=True)
        return
    if sys.argv[1] == "after":
        os.kill(os.getpid(), signal.SIGTERM)
    bound = socket.create_server(("127.0.0.1", 0))
    become(aside(bound.fileno()), (), kept=False)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [
        ("never", 0, "the next program goes on\n"),
        ("before", 0, "heard\n"),
        ("after", -signal.SIGTERM, ""),
    ],
    ids=["never", "before", "after"],
)
def test_a_signal_to_end_at_the_change_is_not_lost(sent: str, code: int, said: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(program), sent], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (code, said), done.stderr
