"""The command line: one word a command. Exit 0 fine, 1 problems found, 2 wrong usage, 3 server not reachable."""

from __future__ import annotations

from tagserver.cli.main import main

__all__ = ["main"]
