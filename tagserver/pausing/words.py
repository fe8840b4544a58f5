"""How a pause reads: in states and logs, and on the operator's terminal."""

from __future__ import annotations

from tagserver.logs.redaction import redacted
from tagserver.queue.errors import Full, OutboxError
from tagserver.queue.pauses import Pause
from tagserver.system.moments import shown
from tagserver.system.printable import printable

LONGEST_NOTE = 500
"""Characters of a note: it stands in each line that shows the state."""
LONGEST_TERM = 366 * 86400
"""Seconds of a term."""


def reason(pause: Pause, until: int | None) -> str:
    """Why a destination stands still: by whom, since when, until when, and why."""
    end = "until somebody resumes it" if until is None else f"until {shown(until)}"
    note = f": {pause.note}" if pause.note else ""
    return f"paused by {pause.by} since {shown(pause.since)}, {end}{note}"


def unwritten(error: OutboxError) -> str:
    """What to say where neither a pause nor its end could be written."""
    todo = "; make room on the disk of the data folder" if isinstance(error, Full) else ""
    return f"nothing was changed, because it could not be written: {error}{todo}"


def line(text: str) -> str:
    """What somebody has typed, as it may stand in states, logs and pages: one line, without contacts and secrets."""
    return " ".join(printable(redacted(" ".join(text.split()))).split())
