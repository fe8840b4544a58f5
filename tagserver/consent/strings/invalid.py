"""A text that is no string of its format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why a text cannot be read: a phrase for people. It never holds the text itself."""

    reason: str


class Malformed(Exception):
    """Ends the reading of one string. Inside this package only: every public reader turns it into Invalid."""


class TooLong(Malformed):
    """All fields were read, and something follows that is not padding."""
