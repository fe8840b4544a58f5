"""Logs for people or for machines. What a line may hold: ids, names, outcomes, sizes and times; never a payload, and
nothing personal: a net takes that out of the texts of plugins and libraries that do not know the rule."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from tagserver.system.secret import masked
from tagserver.system.text import printable, printable_json

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
    "code": "the vendor's code; of who was turned away `unknown_key`, `origin`, `signature` or `admin_token`",
    "said": "the vendor's own words, without what tells of a person",
    "lasted_s": "seconds that the state before has lasted; of `ok` and `ready`, all that was not well",
    "waiting": "deliveries that wait for the destination",
    "unsaid": "changes since the last line that no line tells, because they went back and forth",
    "count": "how many this line stands for",
    "client": "name of an inbound client",
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
"""Characters of a line's message. What is longer repeats what a request has sent."""


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
        # uvicorn writes a line for each request that it cannot read: anybody could fill the disk. They are counted.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self.take("text", events=False)

    def take(self, form: Format, *, events: bool) -> None:
        """What `log:` of `server.yaml` says, at the start and after a reload."""
        self._handler.setFormatter(JsonLines() if (self._form or form) == "json" else TextLines())
        switch_event_lines(events)


# ── the net: what must not stand in a log, taken out of a text

_TOKENS = (
    re.compile(r"\b(?:EAA|AIza|sk_|ya29\.)[\w-]{10,}"),
    re.compile(r"(?<=bearer )[\w.~+/=-]{8,}", re.IGNORECASE),
)
_PHONE = re.compile(r"\+\d[\d ()/.-]{6,}\d")
_HASH = re.compile(r"\b[0-9a-fA-F]{40,}\b")
_CALLED = re.compile(r"(?:\+|%2B|\b00)[1-9](?:[ ()/.-]{0,2}\d){7,14}", re.IGNORECASE)
_signs = re.compile("@|%40").finditer
_local = {"@": re.compile(r"[\w.+%-]+").match, "%40": re.compile(r"[\w.+-]+").match}
_domain = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}").match
_LONGEST_LOCAL = 64
"""Characters in front of the sign (RFC 5321, section 4.5.3.1.1)."""


def without_contacts(text: str) -> str:
    """The text without e-mail addresses and telephone numbers that begin with + or 00, also as addresses write them."""
    return _CALLED.sub("[phone]", _without_emails(text))


def _without_emails(text: str) -> str:
    """Looked for from the sign to both sides: a search for what stands in front of it would begin at each letter."""
    pieces: list[str] = []
    end = 0
    for sign in _signs(text):
        local = _local[sign[0]](text[max(end, sign.start() - _LONGEST_LOCAL) : sign.start()][::-1])
        if local is not None and (domain := _domain(text, sign.end())) is not None:
            pieces += (text[end : sign.start() - local.end()], "[e-mail]")
            end = domain.end()
    return "".join(pieces) + text[end:] if pieces else text


def without_tokens(text: str) -> str:
    """The text without tokens of known forms, and secrets that this process has read."""
    text = masked(text)
    for pattern in _TOKENS:
        text = pattern.sub("[token]", text)
    return text


def redacted(text: str, *, hashes: bool = True) -> str:
    """The text without e-mail addresses, telephone numbers (with their plus sign), hashes of persons, tokens of known
    forms, and secrets that this process has read. `hashes` False: those stay."""
    text = _without_emails(without_tokens(text))
    text = _PHONE.sub("[phone]", text)
    return _HASH.sub("[hash]", text) if hashes else text


# ── one line for each accepted event and each delivery, where `log.events` asks for them

_log = logging.getLogger("tagserver.events")
_log.setLevel(logging.WARNING)
LONGEST_NAME = 100
"""Characters of an event's name; anybody chooses it."""


def switch_event_lines(on: bool) -> None:
    """Write these lines from now on, or do not. With `--log-level debug` they are written in any case."""
    _log.setLevel(logging.NOTSET if on or logging.getLogger().level <= logging.DEBUG else logging.WARNING)


def events_are_told() -> bool:
    """Whether they are written: asked before anything is gathered for them."""
    return _log.isEnabledFor(logging.INFO)


def say_accepted(event_id: str, name: str, source: str, deliveries: int) -> None:
    """An event was answered `accepted`, with so many new deliveries on disk. `source`: `browser`, or a key's name."""
    fields = {"event_id": event_id, "event": name[:LONGEST_NAME], "source": source, "deliveries": deliveries}
    _log.info("event %s was accepted", event_id, extra=fields)


def say_delivered(event_id: str, destination: str, tag: str, attempts: int) -> None:
    """A vendor has taken a delivery, at the attempt of this number, from 1."""
    fields = {"event_id": event_id, "destination": destination, "tag": tag, "attempts": attempts}
    _log.info("event %s was delivered to %s", event_id, destination, extra=fields)
