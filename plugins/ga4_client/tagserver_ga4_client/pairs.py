"""A request of Google's tag as hits: what stands in the query is shared by all lines of the body, and a line's own
value goes before it.

Most hits have an empty body and stand in the query alone, also those that are posted; where several events wait, each
is a line. Google's tag shares some forty values, of a thousand characters; a stranger's request, of which a long query
counts for a hundred short lines, would cost a hundred times what it is long.

Consent has words that nobody may lose: where a query says one of them twice and otherwise, or is longer than what is
read of it, its hits carry a mark that denies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from urllib.parse import parse_qsl

from tagserver.plugin.inbound import CONSENT_FIELDS

MOST_PAIRS = 1000
"""Of one query, or one line, that are read: a purchase of two hundred items has some three hundred."""
UNCLEAR = ""
"""Instead of a name: what these pairs say of consent is not all known."""
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
    """The values of a query by name, of a repeated one the last; beyond the first thousand nothing is read. `UNCLEAR`
    is there where something of consent may be lost by that."""
    parts = text.split("&", MOST_PAIRS)
    read = parts[:MOST_PAIRS]
    found = parse_qsl("&".join(read), keep_blank_values=True, errors="replace", separator="&")
    pairs = dict(found)
    pairs.pop(UNCLEAR, None)
    repeated = len(pairs) < len(found)
    if len(parts) > len(read) or (repeated and any(_is_lost(name, value, pairs) for name, value in found)):
        pairs[UNCLEAR] = "1"
    return pairs


def _is_lost(name: str, value: str, pairs: Pairs) -> bool:
    """Whether a word of consent has given way to another."""
    return name in CONSENT_FIELDS and value != "" and pairs[name] != value


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
        yield merged(shared, pairs_of(line))


def merged(shared: Mapping[str, str], own: Mapping[str, str]) -> Pairs:
    """What counts for one line. An empty value of consent says nothing, and takes no word away."""
    pairs = {**shared, **own}
    for name in CONSENT_FIELDS & own.keys():
        if not own[name] and shared.get(name):
            pairs[name] = shared[name]
    return pairs
