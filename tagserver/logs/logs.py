"""Logs for people or for machines. What a line may hold: ids, names, outcomes, sizes and times; never a payload."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from tagserver.logs.event_lines import switch
from tagserver.logs.redaction import redacted
from tagserver.system.printable import printable, printable_json

LEVELS = ("debug", "info", "warning", "error")
Format = Literal["text", "json"]

FIELDS: Mapping[str, str] = {
    "destination": "name of a destination",
    "tag": "name of a tag",
    "event_id": "the event",
    "events": "of many events that died alike: the ids of the first ones, with blanks between",
    "event": "its name, with `log.events`",
    "source": "`browser`, or the name of a key, with `log.events`",
    "deliveries": "how many deliveries an accepted event has",
    "attempts": "how often a delivery was sent until it arrived",
    "outcome": "`dead`: it became a dead letter. `plugin_error`: a plugin fails",
    "reason": "of a dead letter, a word; of a state, the sentence",
    "state": "what a destination, the server or a condition is from now on",
    "previous": "what it was; `none` at the start",
    "condition": "what degrades the server, `begun` or `over`",
    "status": "HTTP status: of a vendor's answer, or of ours to who was turned away",
    "code": "the vendor's code; of who was turned away `unknown_key`, `origin` or `admin_token`",
    "said": "the vendor's own words, without what tells of a person",
    "lasted_s": "seconds that the state before has lasted; of `ok` and `ready`, all that was not well",
    "waiting": "deliveries that wait for the destination",
    "unsaid": "changes since the last line that no line tells, because they went back and forth",
    "count": "how many this line stands for",
    "network": "where who was turned away came from, without the last byte (IPv4) or 80 bits (IPv6)",
    "networks": "how many such networks",
    "origin": "the page's origin, as the browser says it",
    "queue_mib": "what the queue holds",
    "free_mib": "what the disk has left",
}
"""What a line may carry beside its message (`extra=` of the logging calls), and what it means."""
_SENTENCES = frozenset({"reason", "said", "outcome"})
"""Fields that a line for people does not repeat: its message has them."""


_LIKE_A_FIELD = re.compile(f"({'|'.join(FIELDS)})=")
"""What nobody but this module writes into a line for people."""
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
            value = getattr(record, name, None)
            if value is not None and type(value) not in (int, float):
                # Ids that look like hashes are what people search for.
                setattr(record, name, redacted(_cut(str(value)), hashes=name not in ("event_id", "events")))
        return True


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"


class TextLines(logging.Formatter):
    """A line for people. What an event, a vendor or a plugin has said cannot begin another one: line ends and control
    characters are written out, and the lines of a traceback stand indented. Nor can it forge a field: whoever looks for
    `state=paused` finds the lines of that state."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message, and the known of FIELDS as `name=value`; below it what went wrong."""
        record.message = _no_field(record.getMessage())
        record.asctime = self.formatTime(record)
        lines = (record.exc_text or "").splitlines()
        fields = [f"{name}={_word(value)}" for name, value in _known(record) if name not in _SENTENCES]
        line = " ".join([self.formatMessage(record), *fields])
        return "\n".join([printable(line), *(f"    {printable(line)}" for line in lines)])


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """`time` (RFC 3339), `level`, `logger`, `message`, and those of FIELDS that are known."""
        shown: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        shown |= _known(record)
        if record.exc_text:
            shown["exception"] = record.exc_text
        # Half a surrogate pair has no place in JSON; its line would be lost.
        return printable_json({name: _encodable(value) for name, value in shown.items()})


def _known(record: logging.LogRecord) -> list[tuple[str, Any]]:
    """The fields that a line has; numbers stay numbers."""
    found = ((name, getattr(record, name, None)) for name in FIELDS)
    return [(name, one if type(one) in (int, float) else str(one)) for name, one in found if one is not None]


def _word(value: Any) -> str:
    """A value of a line for people: with blanks or quotes in it, it stands in quotes."""
    text = str(value)
    plain = text.isprintable() and not set(text) & set(' "=')
    return text if text and plain else f'"{_no_field(text.replace(chr(34), chr(39)))}"'


def _no_field(text: str) -> str:
    return _LIKE_A_FIELD.sub(r"\1\\x3d", text)


def _encodable(value: Any) -> Any:
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


class Logs:
    """The log of a process, on standard error. Made once, by the command that runs a server.

    `form`: what the command line says, which stands above `log.format`; None: it says nothing.
    """

    def __init__(self, form: Format | None, level: str) -> None:
        # A line that cannot be written is lost. Python would write a traceback in its place, with the line's arguments.
        logging.raiseExceptions = False
        self._form = form
        self._handler = logging.StreamHandler(sys.stderr)
        self._handler.addFilter(Net())
        logging.basicConfig(level=level.upper(), handlers=[self._handler], force=True)
        for library in ("httpx", "httpcore", "asyncio"):  # addresses, and the headers of each answer
            logging.getLogger(library).setLevel(logging.WARNING)
        # uvicorn writes a line for each request that it cannot read: strangers could fill the disk. They are counted.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self.take("text", events=False)

    def take(self, form: Format, *, events: bool) -> None:
        """What `log:` of `server.yaml` says, at the start and after a reload."""
        self._handler.setFormatter(JsonLines() if (self._form or form) == "json" else TextLines())
        switch(events)
