"""One process of a run: started as a user would, watched through its log, ended by its own process id."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.processes import ends_with_parent


class DidNotStart(Exception):
    """The process ended, or said nothing, before it was ready; the text is what it printed."""


class Child:
    """A running program. `log` holds all that it prints."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
        prepare: Callable[[], None] | None = None,
        keeps: Sequence[int] = (),
    ) -> None:
        """`keeps`: descriptors that it gets as they are."""
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=ends_with_parent(prepare),
                pass_fds=keeps,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def text(self) -> str:
        """What it has printed."""
        return self.log.read_text(errors="replace")

    def says(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        """The first match of `pattern` in what it prints. Raises DidNotStart."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := re.search(pattern, self.text()):
                return found
            if self.process.poll() is not None and not re.search(pattern, self.text()):
                raise DidNotStart(f"it ended with {self.process.returncode}: {self.text()[-2000:]}")
            time.sleep(0.02)
        raise DidNotStart(f"it did not say {pattern!r} within {seconds:g} s: {self.text()[-2000:]}")

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait(20)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def ends(self, seconds: float = 30) -> int | None:
        """Its exit code; None when it does not end within `seconds`."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, seconds: float = 30) -> int | None:
        """SIGTERM, and the exit code; killed when it does not end."""
        self.signal(signal.SIGTERM)
        code = self.ends(seconds)
        if code is None:
            self.kill()
        return code
