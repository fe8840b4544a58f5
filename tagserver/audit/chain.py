"""Rows that hold together: each carries its number and the hash of the row before, so that one that is missing,
altered or put in between can be told.

A row is one line of JSON. Its hash is the first half of the SHA-256 of the line without its end. Anybody can check a
chain; nothing secret is needed for it. What a chain cannot show is that rows were cut off at its very end: for that the
last number and hash have to be noted somewhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
Record = Mapping[str, Any] | bytes
"""What a row says beside its place in the chain: its fields, or their JSON without the brace in front."""
BEGINNING = "0" * 32
"""What stands for the hash before the first row."""


def digest(line: bytes) -> str:
    """The hash of a row, 32 hex digits; the end of the line does not count."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number and the hash of its last row."""

    number: int = 0
    hash: str = BEGINNING

    def rows(self, records: Iterable[Record]) -> tuple[bytes, Link]:
        """Records as the next rows, each with its end of line; and the chain's new end."""
        number, last, lines = self.number, self.hash, []
        for record in records:
            number += 1
            if isinstance(record, bytes):
                line = b'{"n":%d,"prev":"%s",%s' % (number, last.encode(), record)
            else:
                line = _encode({"n": number, "prev": last, **record})
            last = hashlib.sha256(line).hexdigest()[:32]
            lines.append(line)
        return b"".join([line + b"\n" for line in lines]), Link(number, last)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was found. `record` is None when the line is no row."""

    file: str
    line: int
    text: bytes
    record: Mapping[str, Any] | None

    @classmethod
    def of(cls, file: str, line: int, text: bytes) -> Row:
        """Read one line."""
        try:
            record = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            record = None
        return cls(file, line, text.rstrip(b"\n"), record if isinstance(record, dict) else None)

    @property
    def link(self) -> Link:
        """The end of a chain that ends here."""
        number = self.record.get("n") if self.record else None
        return Link(number if type(number) is int else 0, digest(self.text))


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold, and what is wrong there."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


class Check:
    """Follows a chain row by row. Rows of the beginning may be missing if a later row says that they were removed for
    their age."""

    def __init__(self) -> None:
        self.end: Link | None = None
        self.rows = 0
        self._first: Row | None = None
        self._removed_to = 0

    def follow(self, rows: Iterable[Row]) -> Iterator[Break]:
        """The breaks; call `finish` afterwards."""
        for row in rows:
            self.rows += 1
            record = row.record
            if record is None:
                yield Break(row.file, row.line, "this line is no row")
            elif self.end is None:
                self._first = row
            elif record.get("n") != self.end.number + 1:
                yield Break(row.file, row.line, f"row {record.get('n')} follows row {self.end.number}")
            elif record.get("prev") != self.end.hash:
                yield Break(row.file, row.line, f"row {self.end.number} is not as it was when this row was written")
            if record is not None:
                if record.get("kind") == "removed" and type(record.get("to")) is int:
                    self._removed_to = max(self._removed_to, record["to"])
                self.end = row.link
            else:
                # Its number is the next one, whatever it was: what follows is judged by its hash.
                self.end = Link(self.end.number + 1 if self.end else 1, digest(row.text))

    def finish(self) -> Iterator[Break]:
        """What can be told only when all rows were seen."""
        first = self._first
        if first is not None and first.link.number > self._removed_to + 1:
            missing = f"rows {self._removed_to + 1} to {first.link.number - 1} are missing"
            yield Break(first.file, first.line, f"{missing}, and no row says that they were removed")
