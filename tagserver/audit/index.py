"""Which events a file of the audit tells of: `00000001.ids` beside `00000001.jsonl.gz`, so that one event is found
without all files being read.

It holds the first three bytes of each event's key, sorted. Of an event that is not in a file it says so, but for one
file in some hundred, which is then read for nothing. It is made of its file alone: one that is missing, cut, or of
another file is not asked, the file is read instead, and the server makes it anew.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tagserver.audit.chain import Row
from tagserver.system.files import new_file

ENDING = ".ids"
WIDTH = 3
"""Bytes of a key that are kept."""
_HEAD = struct.Struct("<8sQI")
"""What it is, the size of the file that it was made of, the CRC-32 of what follows."""
_MAGIC = b"tsids\x00\x00\x01"
_PIECE = 256 << 10
"""Bytes that are looked through at a time: others have the interpreter in between."""
_EVENT = re.compile(rb'"event":"([0-9a-f]{16})"')


def index_of(packed: Path) -> Path:
    """Where the index of a packed file lies."""
    return packed.with_name(packed.name.partition(".")[0] + ENDING)


def write_index(packed: Path) -> int:
    """Make the index of a packed file; how many bytes it has. Raises OSError, EOFError or zlib.error when the file
    cannot be read."""
    body = body_of(_keys_in(packed))
    text = _HEAD.pack(_MAGIC, packed.stat().st_size, zlib.crc32(body)) + body
    path = index_of(packed)
    aside = path.with_name(path.name + ".new")
    with new_file(aside) as out:
        out.write(text)
    aside.replace(path)
    return len(text)


def read_index(packed: Path) -> bytes | None:
    """What the index of a packed file holds; None when there is none, or it is not that file's."""
    try:
        text = index_of(packed).read_bytes()
        size = packed.stat().st_size
    except OSError:
        return None
    if len(text) < _HEAD.size or (len(text) - _HEAD.size) % WIDTH:
        return None
    magic, of_size, crc = _HEAD.unpack_from(text)
    body = text[_HEAD.size :]
    return body if (magic, of_size, crc) == (_MAGIC, size, zlib.crc32(body)) else None


def may_have(packed: Path, key: str) -> bool:
    """Whether a packed file may tell of the event with this key (16 hex digits). True when nobody knows."""
    body = read_index(packed)
    if body is None:
        return True
    sought = _short(key)
    places = range(len(body) // WIDTH)
    at = bisect_left(places, sought, key=lambda place: body[place * WIDTH : (place + 1) * WIDTH])
    return body[at * WIDTH : (at + 1) * WIDTH] == sought


class IndexCheck:
    """Whether the indexes fit their files: of rows that somebody else reads, one after another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.wrong: list[str] = []
        """Names of indexes that do not."""

    def watched(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, as they come."""
        for name, of_file in groupby(rows, key=lambda row: row.file):
            keys: set[str] = set()
            for row in of_file:
                keys.update(key.decode() for key in _EVENT.findall(row.text))
                yield row
            packed = self._folder / name
            body = read_index(packed)
            if body is not None and body != body_of(keys):
                self.wrong.append(index_of(packed).name)


def body_of(keys: Iterable[str]) -> bytes:
    """What an index of these keys holds."""
    return b"".join(sorted({_short(key) for key in keys}))


def _short(key: str) -> bytes:
    return bytes.fromhex(key)[:WIDTH]


def _keys_in(packed: Path) -> Iterator[str]:
    with gzip.open(packed) as file:
        while lines := file.readlines(_PIECE):
            for key in set(_EVENT.findall(b"".join(lines))):
                yield key.decode()
