"""Ways through a series, block by block: each step is a short question of its own, so that nobody is kept waiting and
no more than a block is in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from tagserver.records.sqlite.series import Kind, Record

log = logging.getLogger("tagserver.records")

Ask = Callable[[str, Sequence[Any]], list[Any]]
"""Gives all rows of a query with its values."""
STEP = 256
"""Blocks whose filters are looked at in one question."""
FEW = 6
"""Tokens up to which SQLite looks for each of them by itself, without Python; beyond, once through is faster."""


class Found(NamedTuple):
    """A block as it lies in the file."""

    first: int
    last: int
    shared: bytes
    body: bytes


def backwards(ask: Ask, kind: Kind[Any], before: int) -> Iterator[Found]:
    """The blocks with a record before a number, the newest first."""
    query = f"SELECT first, last, shared, body FROM {kind.table} WHERE first < ? ORDER BY first DESC LIMIT 1"  # noqa: S608 (our own names)
    while rows := ask(query, (before,)):
        found = Found(*rows[0])
        yield found
        before = found.first


def forwards(ask: Ask, kind: Kind[Any], since: int) -> Iterator[Found]:
    """The blocks with a record from a time on (ms), the oldest first."""
    query = f"SELECT first, last, shared, body FROM {kind.table} WHERE first > ? AND until >= ? ORDER BY first LIMIT 1"  # noqa: S608 (our own names)
    after = -1
    while rows := ask(query, (after, since)):
        found = Found(*rows[0])
        yield found
        after = found.first


def matching(ask: Ask, kind: Kind[Any], tokens: Collection[bytes], since: int = 0) -> Iterator[Found]:
    """The blocks with one of these tokens and a record from a time on (ms), the oldest first. Of the others nothing but
    their filters is read."""
    query = f"SELECT first, last, shared, body FROM {kind.table} WHERE first = ?"  # noqa: S608 (our own names)
    for first in _hits(ask, kind, set(tokens), since):
        for row in ask(query, (first,)):
            yield Found(*row)


def backwards_matching(ask: Ask, kind: Kind[Any], tokens: set[bytes], since: int) -> Iterator[Found]:
    """The same, the newest first. Tokens that somebody takes out of the set meanwhile are not looked for any more."""
    known = tuple(tokens)
    few = len(known) <= FEW
    look = ", ".join(["instr(filter, ?)"] * len(known)) if few else "filter"
    query = f"SELECT first, {look} FROM {kind.table} WHERE first < ? AND until >= ? ORDER BY first DESC LIMIT {STEP}"  # noqa: S608 (our own names)
    block = f"SELECT first, last, shared, body FROM {kind.table} WHERE first = ?"  # noqa: S608 (our own names)
    values = known if few else ()
    before = (1 << 63) - 1
    while tokens and (rows := ask(query, (*values, before, since))):
        for first, *seen in rows:
            if few:
                hit = any(at and one in tokens for one, at in zip(known, seen, strict=True))
            else:
                hit = not _numbers(frozenset(tokens)).isdisjoint(memoryview(seen[0]).cast("I"))
            if hit:
                for row in ask(block, (first,)):
                    yield Found(*row)
        before = rows[-1][0]


@lru_cache(maxsize=2)
def _numbers(tokens: frozenset[bytes]) -> frozenset[int]:
    return frozenset(int.from_bytes(one, "little") for one in tokens)


def _hits(ask: Ask, kind: Kind[Any], tokens: set[bytes], since: int) -> Iterator[int]:
    few = len(tokens) <= FEW
    look = " OR ".join(["instr(filter, ?)"] * len(tokens)) if few else "filter"
    query = f"SELECT first, {look} FROM {kind.table} WHERE first > ? AND until >= ? ORDER BY first LIMIT {STEP}"  # noqa: S608 (our own names)
    numbers = {int.from_bytes(one, "little") for one in tokens}
    values = tuple(tokens) if few else ()
    after = -1
    while tokens and (rows := ask(query, (*values, after, since))):
        for first, seen in rows:
            if seen if few else not numbers.isdisjoint(memoryview(seen).cast("I")):
                yield first
        after = rows[-1][0]


def read(kind: Kind[Record], found: Found) -> list[Record]:
    """The records of a block. One that is damaged is told in the log, and gives none."""
    try:
        return kind.read(found.first, found.shared, found.body)
    except (msgspec.DecodeError, IndexError, ValueError, TypeError) as error:
        log.error("a block of %s (%d) is damaged, and its records are lost: %s", kind.table, found.first, error)
        return []
