"""What runs: our version, its commit, and the libraries that matter when somebody asks for help."""

from __future__ import annotations

import platform
import sqlite3


def build_info(version: str) -> dict[str, str]:
    """The labels of `tagserver_info`. The version of a checkout ends with its commit; of a release that is empty."""
    return {
        "version": version,
        "commit": version.partition("+g")[2].partition(".")[0],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
