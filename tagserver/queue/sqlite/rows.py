"""Deliveries as rows of the SQLite engine, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from struct import Struct
from typing import Any

from tagserver.queue.outbox import Delivery, Row
from tagserver.queue.sqlite.schema import COLUMNS

WIDTH = len(COLUMNS)
NAMES = ", ".join(COLUMNS)
SELECT_DELIVERY = f"SELECT id, attempts, unknown_since, crashes, {NAMES} FROM delivery"  # noqa: S608 (our own names)
BURY = (
    f"INSERT INTO dead (id, attempts, reason, detail, buried, cause, {NAMES}) "  # noqa: S608 (our own names)
    f"SELECT id, attempts, ?, ?, ?, ?, {NAMES} FROM delivery WHERE id = ?"
)

_MOST = 64


def pieces(rows: int) -> Iterator[tuple[int, int]]:
    """(start, length) of powers of two that cover `rows`: few statement texts, which SQLite prepares once each."""
    start = 0
    while start < rows:
        length = min(_MOST, 1 << ((rows - start).bit_length() - 1))
        yield start, length
        start += length


@lru_cache
def insert(rows: int) -> str:
    """The statement that stores `rows` deliveries."""
    row = f"({', '.join('?' * WIDTH)})"
    return f"INSERT INTO delivery ({NAMES}) VALUES {', '.join([row] * rows)}"  # noqa: S608 (our own names)


def values(delivery: Delivery) -> tuple[Any, ...]:
    """A delivery in the order of `COLUMNS`."""
    return (
        delivery.event_id,
        delivery.name,
        delivery.tag,
        delivery.destination,
        delivery.container,
        delivery.mode,
        _purposes_text(delivery.purposes),
        b"".join(delivery.person),
        delivery.group,
        delivery.time,
        delivery.received,
        delivery.expires,
        delivery.identity,
        delivery.body,
    )


def read(record: tuple[Any, ...]) -> Row:
    """A record of `SELECT_DELIVERY`."""
    (
        one, attempts, unknown_since, crashes,
        event_id, name, tag, destination, container, mode, purposes, person,
        group, at, received, expires, identity, body,
    ) = record  # fmt: skip
    delivery = Delivery(
        key=b"",  # needed only when it is stored
        event_id=event_id,
        name=name,
        tag=tag,
        destination=destination,
        container=container,
        mode=mode,
        purposes=purposes_of(purposes),
        person=persons_of(person),
        group=group,
        time=at,
        received=received,
        expires=expires,
        identity=identity,
        body=body,
    )
    return Row(one, delivery, attempts, unknown_since, crashes)


def persons_of(blob: bytes) -> tuple[bytes, ...]:
    """The hashes that lie in the column `person`."""
    return _cut(len(blob))(blob)


@lru_cache(maxsize=64)
def _cut(size: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """Cuts the hashes of a person, which lie in one blob of this size, from each other; a rest is left out."""
    return Struct("16s" * (size // 16) + f"{size % 16}x").unpack


@lru_cache(maxsize=256)
def _purposes_text(purposes: frozenset[str]) -> str:
    return " ".join(sorted(purposes))


@lru_cache(maxsize=256)
def purposes_of(text: str) -> frozenset[str]:
    """The purposes that the column `purposes` names."""
    return frozenset(text.split())
