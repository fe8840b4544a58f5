"""How a block lies in the file: as a row whose text is all on pages of its own.

SQLite keeps the first bytes of a row on a page that it shares with other rows. When it moves rows between such pages,
copies of these bytes stay behind on them, `secure_delete` or not, and would outlive an erasure. A page that holds the
rest of one row alone is overwritten as a whole when it is given up. So each row begins with enough zeros, and is filled
up at its end to a length of which SQLite shares as little as it can
(https://www.sqlite.org/fileformat2.html#b_tree_pages, "payload").
"""

from __future__ import annotations

PAGE = 4096
"""Bytes of a page of the file."""
HEAD = 480
"""Zeros at the begin of a row."""
_SHARED = 489
"""Bytes of a row on the shared page: for our page size, ((4096 - 12) * 32 / 255) - 23."""
_OWN = PAGE - 4
"""Bytes of a row on each page of its own."""
_END = 3900
"""Bytes of a row on its last page, or a few more or less: from 3,573 on SQLite shares no more than `_SHARED`."""
_NUMBERS = 45
"""Bytes of a row's own head and of its numbers, or a few more or less."""
_BEFORE = HEAD + _NUMBERS - _SHARED


def padding(length: int) -> int:
    """Zeros behind a row's texts, which have so many bytes."""
    return (_END - _BEFORE - length) % _OWN


def room_of(length: int) -> int:
    """Bytes of the file that a row takes whose texts have so many bytes."""
    return ((_BEFORE + length + padding(length)) // _OWN + 1) * PAGE + _SHARED


def room_in_sql(texts: str) -> str:
    """The same as an expression of SQL, for rows whose padding is in `rest`."""
    return f"((({texts} + length(rest) + {_BEFORE}) / {_OWN} + 1) * {PAGE} + {_SHARED})"
