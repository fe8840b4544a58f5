"""What runs: our version, its commit, and the libraries that matter when somebody asks for help."""

from __future__ import annotations

import platform
import sqlite3

from tagserver import BUILD


def build_info(version: str) -> dict[str, str]:
    """The labels of `tagserver_info`."""
    return {
        "version": version,
        "commit": BUILD.commit,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
