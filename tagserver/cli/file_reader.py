"""A file of past events, opened for `tagserver send`: as often as it has to be read."""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

from tagserver.inbound.files.columns import Columns, field_of, read_columns
from tagserver.inbound.files.dialect import Table, encoding_of, lines_of, read_table
from tagserver.inbound.files.faults import BadFile, RefusedRow
from tagserver.inbound.files.json_lines import events_of_lines
from tagserver.inbound.files.rows import Choices, FileEvent, Survey, events_of, require_name, survey

BLOCK = 1 << 20
_offset = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})").fullmatch


def zone_of(name: str) -> tzinfo:
    """A zone by its name (`Europe/Berlin`) or offset (`+01:00`). Raises ValueError."""
    if name in ("UTC", "Z"):
        return UTC
    if found := _offset(name):
        return timezone((-1 if found[1] == "-" else 1) * timedelta(hours=int(found[2]), minutes=int(found[3])))
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f'"{name[:40]}" is no time zone: write Europe/Berlin or +01:00') from None


class Reading(NamedTuple):
    """A file that was looked through. `columns` and `found` are None of JSON lines; `total`: its events, with those
    that are refused."""

    file: BinaryIO
    encoding: str
    separator: str
    header: list[str]
    zone: str
    choices: Choices
    columns: Columns | None
    found: Survey | None
    total: int

    def events(self, start: int = 0) -> Iterator[FileEvent | RefusedRow]:
        """Its events from this one on, as often as wanted, one reading at a time. Raises BadFile."""
        with _text(self.file, self.encoding) as text:
            if self.columns is None or self.found is None:
                yield from events_of_lines(lines_of(text), self.choices.always, start=start)
            else:
                table = read_table(lines_of(text))
                yield from events_of(table, self.columns, self.found, self.choices, start=start)


def opened(file: Path | None) -> BinaryIO:
    """A file, or standard input as one that can be read again; nobody else sees what it holds. Raises OSError."""
    if file is not None:
        return file.open("rb")
    kept = tempfile.TemporaryFile()  # noqa: SIM115 (its reader closes it)
    shutil.copyfileobj(sys.stdin.buffer, kept, BLOCK)
    return kept


def look_through(file: BinaryIO, lines: bool | None, given: Mapping[str, str], choices: Choices, zone: str) -> Reading:
    """The first reading. `lines`: whether it holds JSON lines, None to find out; `given`: column → field; `zone`: of
    times without one, empty for that which the file names, else UTC. Raises BadFile; ValueError for a zone."""
    choices = choices._replace(always={field_of(name): value for name, value in choices.always.items()})
    file.seek(0)
    encoding = encoding_of(iter(lambda: file.read(BLOCK), b""))
    with _text(file, encoding) as text:
        if lines is None:
            lines = text.read(200).lstrip("\ufeff \t\r\n").startswith("{")
            text.seek(0)
        if lines:
            if given:
                raise BadFile("JSON lines have no columns: leave --map out")
            count = sum(1 for _ in events_of_lines(lines_of(text), choices.always))
            return Reading(file, encoding, ",", ["json"], "", choices, None, None, count)
        table: Table = read_table(lines_of(text))
        columns = read_columns(table.header, given)
        named = zone or table.zone or "UTC"
        choices = choices._replace(zone=zone_of(named))
        require_name(columns, choices)
        found = survey(table, columns, choices)
    return Reading(file, encoding, table.separator, table.header, named, choices, columns, found, found.events)


@contextmanager
def _text(file: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The file's text from its beginning; the file stays open behind it."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        yield text
    finally:
        text.detach()
