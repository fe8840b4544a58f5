"""A snapshot of records for somebody without a login: made once, as they are shown then, and read again as it is.

A record is masked when it is made. Whatever made this one, an older version or a fault, everything in it is masked once
more before anybody else can see it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tagserver.records.api import LARGEST_SHARE
from tagserver.records.masking.mask import masked_id, masked_text
from tagserver.records.words.sentences import with_words

MOST = 20
"""Records in one snapshot, the newest ones."""
DAYS, MOST_DAYS = 7, 30
"""How long one lasts where nobody says it, and at most."""
DAY = 86_400_000
ID_BYTES = 16
is_id = re.compile(r"[0-9a-f]{32}").fullmatch
"""The shape of a snapshot's name: 128 bits."""
_LONGEST = 1000
"""Characters of a text: sentences have values in them."""
_DEEPEST = 20
_IDS = ("event_id", "order", "transaction_id", "item_id", "record")
_LARGE = 10**8
_MOMENTS = (1_400_000_000_000, 2_600_000_000_000)
"""Milliseconds since 1970: no telephone number is so long."""
_AMOUNTS = ("value", "price", "revenue", "tax", "shipping", "discount")
_encode = msgspec.json.Encoder().encode


class TooLarge(ValueError):
    """The records are more than a snapshot may hold."""


def new_id() -> str:
    """A name that nobody can guess."""
    return secrets.token_hex(ID_BYTES)


def snapshot(records: Sequence[Mapping[str, Any]]) -> bytes:
    """The content of a snapshot: the newest RECORDs, masked once more. Raises TooLarge."""
    content = _encode({"records": [_masked(record, "", 0) for record in records[-MOST:]]})
    if len(content) > LARGEST_SHARE:
        raise TooLarge(f"the records are larger than {LARGEST_SHARE >> 20} MiB; share one of them by its number")
    return content


def read_snapshot(content: bytes) -> dict[str, Any]:
    """`{"records": [RECORD]}` again; one that an older version has made with the words of today."""
    found: dict[str, Any] = msgspec.json.decode(content)
    return {**found, "records": [with_words(record) for record in found["records"]]}


def _masked(value: Any, name: str, depth: int) -> Any:
    if isinstance(value, str):
        return masked_id(value) if name in _IDS else masked_text(value, _LONGEST)
    if isinstance(value, Mapping):
        if depth == _DEEPEST:
            return "…"
        return {masked_text(str(key)): _masked(held, str(key), depth + 1) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one, name, depth + 1) for one in value] if depth < _DEEPEST else "…"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if abs(value) < _LARGE or _MOMENTS[0] <= value < _MOMENTS[1] or name in _AMOUNTS else "[number]"
    return value if value is None or isinstance(value, bool) else masked_text(str(value))
