"""A request of Google's tag as hits: what stands in the query is shared by all lines of the body, and a line's own
value goes before it.

Most hits have an empty body and stand in the query alone, also those that are posted; where several events wait, each
is a line. What no line says for itself is looked at once, so that a short line costs no more than it is long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

MOST_PAIRS = 1000
"""Of one query, or one line, that are read: a purchase of two hundred items has some three hundred."""

Pairs = dict[str, str]


def pairs_of(text: str) -> Pairs:
    """The values of a query by name, of a repeated one the last; beyond the first thousand nothing is read."""
    parts = text.split("&", MOST_PAIRS)[:MOST_PAIRS]
    return dict(parse_qsl("&".join(parts), keep_blank_values=True, errors="replace", separator="&"))


def lines_of(body: bytes) -> Iterator[str]:
    """The lines of a body that hold something, whichever way they are ended."""
    for line in body.split(b"\n"):
        if text := line.strip():
            yield text.decode(errors="replace")


def hits_of(query: str, body: bytes) -> Iterator[Pairs]:
    """The hits of a request, each with all that counts for it."""
    shared = pairs_of(query)
    empty = True
    for line in lines_of(body):
        empty = False
        yield merged(shared, pairs_of(line))
    if empty:
        yield shared


def merged(shared: Mapping[str, str], own: Mapping[str, str]) -> Pairs:
    """What counts for one line."""
    return {**shared, **own}
