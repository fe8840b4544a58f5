"""A request of Google's tag as hits: what stands in the query is shared by all lines of the body, and a line's own
value goes before it.

Most hits have an empty body and stand in the query alone, also those that are posted; where several events wait, each
is a line. Google's tag shares some forty values, of a thousand characters; a stranger's request, of which a long query
counts for a hundred short lines, would cost a hundred times what it is long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import parse_qsl

MOST_PAIRS = 1000
"""Of one query, or one line, that are read: a purchase of two hundred items has some three hundred."""

MOST_LINES = 100
"""Of one body; Google's tag sends far fewer."""
MOST_SHARED = 10_000
"""Values that the lines of one request share, counted for each line."""
MOST_CHARACTERS = 512 << 10
"""And characters."""
_lines = re.compile(rb"[^\r\n]+").finditer

Pairs = dict[str, str]


class TooMuch(Exception):
    """What the lines of a request share is too much for so many lines."""


def pairs_of(text: str) -> Pairs:
    """The values of a query by name, of a repeated one the last; beyond the first thousand nothing is read."""
    parts = text.split("&", MOST_PAIRS)[:MOST_PAIRS]
    return dict(parse_qsl("&".join(parts), keep_blank_values=True, errors="replace", separator="&"))


def lines_of(body: bytes) -> Iterator[str]:
    """The lines of a body that hold something, whichever way they are ended."""
    for line in _lines(body):
        if text := line[0].strip():
            yield text.decode(errors="replace")


def hits_of(query: str, body: bytes) -> Iterator[Pairs]:
    """The hits of a request, each with all that counts for it: one more than there may be, where there are more. Raises
    TooMuch."""
    shared = pairs_of(query)
    lines = list(islice(lines_of(body), MOST_LINES + 1))
    if len(lines) * len(shared) > MOST_SHARED or len(lines) * len(query) > MOST_CHARACTERS:
        raise TooMuch
    if not lines:
        yield shared
    for line in lines:
        yield {**shared, **pairs_of(line)}
