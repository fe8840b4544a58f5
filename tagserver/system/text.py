"""How texts, numbers and times are written for people, and how times that people write are read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")
"""Control characters (C0, DEL, C1), line and paragraph separators, marks and overrides of direction (Unicode, UAX 9),
interlinear marks, and halves of surrogate pairs, which no encoding takes."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _written(found: re.Match[str]) -> str:
    one = found[0]
    return _SHORT.get(one) or (f"\\x{ord(one):02x}" if ord(one) < 256 else f"\\u{ord(one):04x}")


def printable(text: str) -> str:
    """The text in one line, safe to show: `\\n`, `\\x1b` and their kind stand for what they name."""
    # Nearly all texts are; the question is quicker than the search.
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_written, text)


def printable_json(value: Any, *, indent: int | None = None) -> str:
    """JSON of a value that is safe to show, and read by machines as the same value. `indent`: blanks a level, on
    several lines."""
    encoded = msgspec.json.encode(value)
    if indent is not None:
        encoded = msgspec.json.format(encoded, indent=indent)
    text = encoded.decode()
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    """JSON has escaped what lies below a blank; line ends are its own layout."""
    return found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}"


def is_text(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair it cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# ── how many, and how large

_SIZES = (("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 delivery`, `2,000 deliveries`. `many`: where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def deliveries(number: int) -> str:
    """How many deliveries."""
    return counted(number, "delivery", "deliveries")


def letters(number: int) -> str:
    """How many dead letters."""
    return counted(number, "dead letter")


def size(number: float) -> str:
    """Bytes in the largest unit of which there is one: `22.8 GiB`, `512 MiB`, `0 bytes`."""
    for unit, shift in _SIZES:
        if (large := number / (1 << shift)) >= 1:
            return f"{large:.1f} {unit}".replace(".0 ", " ") if large < 100 else f"{large:,.0f} {unit}"
    return counted(round(number), "byte")


# ── how long

_DURATIONS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def span(seconds: float) -> str:
    """The two largest units: `3 min 20 s`, `2 d 4 h`; `0.4 s` below a second."""
    if seconds < 1:
        return f"{max(0.0, seconds):.1f} s"
    left = round(seconds)
    said: list[str] = []
    for name, size in _DURATIONS:
        number, left = divmod(left, size)
        if number or said:
            said.append(f"{number} {name}" if number else "")
        if len(said) == 2:
            break
    return " ".join(filter(None, said))


# ── when

_AGO = re.compile(r"([0-9]{1,6})\s?([smhdw])")
_SPAN = re.compile(r"(?:[0-9]{1,6}\s?[smhdw]\s?){1,5}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
FORMS = "2h or 3d (ago), 2026-11-01 (its beginning, UTC), or 2026-11-01T22:00:00Z"


def parse_time(text: str, now: int) -> int:
    """Milliseconds since 1970 UTC. `now` likewise: what `2h` is counted back from. A date is its beginning, a time
    without a zone is UTC. Raises ValueError with the forms that there are."""
    text = text.strip()
    try:
        if found := _AGO.fullmatch(text):
            ms = now - int(found[1]) * _SECONDS[found[2]] * 1000
            datetime.fromtimestamp(ms / 1000, UTC)  # which not every number of milliseconds is
            return ms
        given = datetime.fromisoformat(text)
        return round((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is no moment: write {FORMS}") from None


def parse_duration(text: str) -> int:
    """The seconds of `30m`, `2h`, `1h30m`, `3d`, `1w`. Raises ValueError for what is none."""
    text = text.strip()
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no span of time")
    return sum(int(number) * _SECONDS[unit] for number, unit in _AGO.findall(text))


def iso_time(ms: int) -> str:
    """A moment to the millisecond, as programs write it: `2026-11-01T22:00:00.000+00:00`."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def readable_time(ms: int) -> str:
    """A moment for people, to the second: `2026-11-01 22:00:00 UTC`."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):  # by a clock that was far off, or a damaged file
        return "a time that no calendar has"


def clock_time(ms: int) -> str:
    """The time of day alone, UTC, for lists whose date is known: `22:00:00`."""
    return readable_time(ms)[11:19]
