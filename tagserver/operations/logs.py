"""Logs for people or for machines. What a line may hold: ids, names, outcomes, sizes and times; never a payload."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from tagserver.operations.printable import printable, printable_json
from tagserver.operations.redaction import redacted

Format = Literal["text", "json"]

LEVELS = ("debug", "info", "warning", "error")
FIELDS = ("destination", "event_id", "outcome", "reason", "tag")
"""What a line may carry beside its message (`extra=` of the logging calls)."""


LONGEST = 8000
"""Characters of a line's message. What is longer repeats what a stranger has sent."""


class Net(logging.Filter):
    """Takes personal data and secrets out of every line, whoever wrote it (see `redacted`), and what is too long."""

    _exceptions = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record, and lets it through."""
        try:
            record.msg = redacted(_cut(record.getMessage()))
        except Exception:  # Python would print the arguments of a line that cannot be formatted
            record.msg = f"{record.filename}:{record.lineno} has logged what cannot be written"
        record.args = ()
        if record.exc_info:
            record.exc_text = redacted(self._exceptions.formatException(record.exc_info))
            record.exc_info = None
        record.stack_info = None
        for name in FIELDS:
            if (value := getattr(record, name, None)) is not None:
                # Ids that look like hashes are what people search for.
                setattr(record, name, redacted(_cut(str(value)), hashes=name != "event_id"))
        return True


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"


class TextLines(logging.Formatter):
    """A line for people. What an event, a vendor or a plugin has said cannot begin another one: line ends and control
    characters are written out, and the lines of a traceback stand indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message; below it what went wrong."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        lines = (record.exc_text or "").splitlines()
        return "\n".join([printable(self.formatMessage(record)), *(f"    {printable(line)}" for line in lines)])


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """`time` (RFC 3339), `level`, `logger`, `message`, and those of FIELDS that are known."""
        shown = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        shown |= {name: str(value) for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_text:
            shown["exception"] = record.exc_text
        # Half a surrogate pair has no place in JSON; its line would be lost.
        return printable_json({name: text.encode(errors="backslashreplace").decode() for name, text in shown.items()})


def set_up_logs(form: Format, level: str) -> None:
    """Log to standard error. Called once, by the command that runs a server."""
    # A line that cannot be written is lost. Python would write a traceback in its place, with the line's arguments.
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Net())
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # uvicorn writes a line for each request that it cannot read: strangers could fill the disk. They are counted.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
