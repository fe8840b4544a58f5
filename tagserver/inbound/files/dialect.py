"""How a table was written: encoding, separator, and what stands above its header. Spreadsheets differ by country."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from tagserver.inbound.files.faults import BadFile

SEPARATORS = (",", ";", "\t")
LONGEST_CELL = 131_072
"""Characters, as `csv` has it: a quote that is never closed ends there, not at the end of a large file."""
LONGEST_LINE = 1 << 20
MOST_COLUMNS = 1000
ZONE = "parameters:timezone="
"""How the first line of Google's files says in which zone all of its times are."""
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Row(NamedTuple):
    """`line`: the last one of the file that it takes, from 1."""

    line: int
    cells: list[str]


class Table(NamedTuple):
    """`zone`: what the file itself says about its times, or empty. `rows`: what is not blank below the header."""

    separator: str
    zone: str
    header: list[str]
    rows: Iterator[Row]


class Text(Protocol):
    """A file that is open for reading text."""

    def readline(self, size: int, /) -> str:
        """The next line, or so many characters of it; empty at the end."""


def lines_of(text: Text) -> Iterator[str]:
    """The lines of a file, each with its end. Raises BadFile for one that nobody would read, or of another encoding."""
    number = 1
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise BadFile(f"line {number} is longer than {LONGEST_LINE:,} characters")
            yield line
            number += 1
    except UnicodeDecodeError as error:
        raise BadFile(f"the file is no text in {error.encoding}, from about line {number} on") from None


def encoding_of(blocks: Iterable[bytes]) -> str:
    """The encoding of a file, of all its bytes: UTF-8 and UTF-16 with or without a mark, else what Excel writes in
    western countries. Raises BadFile for none of them."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    first, utf8 = True, True
    for block in blocks:
        if first:
            for mark, name in _BOMS:
                if block.startswith(mark):
                    return name
            if (wide := _wide(block)) is not None:
                return wide
            first = False
        if b"\0" in block:
            raise BadFile("the file holds zero bytes: it is no text; save it as CSV (UTF-8)")
        if utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                utf8 = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        utf8 = False
    return "utf-8" if utf8 else "cp1252"


def _wide(block: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of a header in Latin letters is zero."""
    head = block[:64]
    if len(head) < 4 or 0 not in head:
        return None
    if not any(head[1::2]):
        return "utf-16-le"
    return "utf-16-be" if not any(head[0::2]) else None


def read_table(lines: Iterable[str], separator: str | None = None) -> Table:
    """A table from its lines, which keep their ends. `separator`: where it is known. Raises BadFile, also while the
    rows are read."""
    numbered = iter(lines)
    zone, line = "", 0
    for text in numbered:
        line += 1
        bare = text.strip().strip(',;\t"').strip()
        folded = bare.lower().replace(" ", "")
        if folded.startswith(ZONE):
            zone = bare.partition("=")[2].strip()
        elif folded.startswith("sep=") and len(text.strip('"\r\n')) == 5:
            separator = separator or text.strip('"\r\n')[4]
        elif bare:
            break
    else:
        raise BadFile("the file has no header: its first line names the columns")
    separator = separator or _separator(text)
    if separator not in SEPARATORS:
        raise BadFile("columns are separated by a comma, a semicolon or a tab")
    reader = csv.reader(_from(text, numbered), delimiter=separator)
    try:
        header = [tidy(cell) for cell in next(reader)]
    except csv.Error as error:
        raise BadFile(f"line {line} is no header: {error}") from None
    while header and not header[-1]:
        header.pop()
    if len(header) > MOST_COLUMNS:
        raise BadFile(f"the header has {len(header)} columns, and {MOST_COLUMNS} are the most")
    return Table(separator, zone, header, _rows(reader, line - 1, len(header)))


def _from(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _rows(reader: Iterator[list[str]], above: int, columns: int) -> Iterator[Row]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line = above + reader.line_num  # type: ignore[attr-defined]  # (every reader of `csv` has it)
            raise BadFile(f"line {line} cannot be read: {error}; is a quotation mark never closed?") from None
        made = [tidy(cell) for cell in cells]
        while len(made) > columns and not made[-1]:
            made.pop()
        if any(made):
            yield Row(above + reader.line_num, made)  # type: ignore[attr-defined]  # (as above)


def tidy(cell: str) -> str:
    """The text of a cell: without blanks of any width around it, an apostrophe that marks a text, or the formula
    `="…"` that keeps leading zeros."""
    text = cell.replace("\xa0", " ").replace("\u202f", " ").strip("\ufeff\u200b \t\r\n")
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].strip()
    return text[1:] if text.startswith("'") else text


def _separator(header: str) -> str:
    outside = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=outside.count)
