"""Standard input, output and error as commands find them: some may be closed, and some cannot write every sign."""

from __future__ import annotations

import io
import os
import sys


def sound_streams() -> None:
    """To be called first. What is closed leads to nowhere from then on: the number of a closed stream would go to the
    next file that is opened, which may be the queue, and a line for people would be written into it. A sign that the
    terminal's encoding has not is written out (`\\u2714`)."""
    _fill()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fill() -> None:
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    # Python has none for what was closed when it began.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (for the process's whole life)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (likewise)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (likewise)
