"""Versions of LinkedIn's marketing API: one for each month, and each lives about a year. Source: LinkedIn, Versioning;
202511 went on 2026-11-16."""

from __future__ import annotations

import re
from datetime import date

NEWEST_SEEN = "202604"
_version = re.compile(r"(20[0-9]{2})(0[1-9]|1[0-2])").fullmatch
LAST_DAY = 16
"""Of the month, a year later."""


def version_fault(value: str) -> str | None:
    """A check of the setting: what is wrong with a version, or None."""
    return None if _version(value) else f"a version is a year and a month, such as {NEWEST_SEEN}"


def ends(version: str) -> date | None:
    """The day on which LinkedIn ends a version; None for what is none."""
    found = _version(version)
    return date(int(found[1]) + 1, int(found[2]), LAST_DAY) if found else None
