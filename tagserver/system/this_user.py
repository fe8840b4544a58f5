"""Whom the system takes this process for, as sentences name it."""

from __future__ import annotations

import os
import pwd


def this_user() -> str:
    """`the user NAME`, or its number where it has no name."""
    number = os.geteuid()
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:  # containers like to run under numbers without a name
        return f"the user with the number {number}"
