"""Blocks of attempts. The same events go to several destinations within a short time, so a block names each of them
once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, cast

import msgspec

from tagserver.records.sqlite.blocks import Content, Encoded, Index, encoder
from tagserver.records.sqlite.tokens import TOKEN, filter_of
from tagserver.records.values import Attempted, RowOutcome

_OUTCOME_BYTES = 20
"""About what one takes without its message."""


class _Shared(msgspec.Struct, frozen=True, array_like=True):
    """`since`: the time from which the block's times count."""

    since: int
    events: list[str]
    texts: list[str]
    outcomes: list[RowOutcome]


class _Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One attempt, by places in `_Shared`. `tags`: of each row, or one for all."""

    at: int
    ms: int
    status: int | None
    destination: int
    events: list[int]
    tags: int | list[int]
    outcomes: tuple[int, ...]


_SHARED = msgspec.msgpack.Decoder(_Shared)
_BODY = msgspec.msgpack.Decoder(list[_Stored])


class AttemptBlock:
    """A `Block` of attempts."""

    def __init__(self, first: int) -> None:
        self.size = 0
        self._times: list[int] = []
        self._filter: list[bytes] = []
        self._encoded = Encoded()
        self._events = Index()
        self._texts = Index()
        self._outcomes = Index()

    def add(self, records: Sequence[Attempted]) -> None:
        """See `Block.add`."""
        since = self._times[0] if self._times else records[0].at
        events, texts, outcomes = self._events, self._texts, self._outcomes
        event, text = events.__getitem__, texts.__getitem__
        known, known_outcomes = len(events), len(outcomes)
        rows: list[tuple[Any, ...]] = []
        for one in records:
            ids, tags = zip(*one.rows, strict=True) if one.rows else ((), ())
            alike = bool(tags) and tags.count(tags[0]) == len(tags)
            rows.append(
                (
                    one.at - since,
                    one.ms,
                    one.status,
                    texts[one.destination],
                    list(map(event, ids)),
                    texts[tags[0]] if alike else list(map(text, tags)),
                    [outcomes[outcome] for outcome in one.outcomes],
                )
            )
        self._times += [one.at for one in records]
        new = cast(list[str], list(islice(events, known, None)))
        found = filter_of(new)
        self._filter.append(found)
        self.size += self._encoded.add(rows) + sum(map(len, new)) + (TOKEN + 2) * len(new)
        if known_outcomes < len(outcomes):
            fresh = cast(list[RowOutcome], list(islice(outcomes, known_outcomes, None)))
            self.size += sum(_OUTCOME_BYTES + len(one.message) for one in fresh)

    def content(self) -> Content:
        """See `Block.content`."""
        times = self._times
        shared = (times[0], list(self._events), list(self._texts), list(self._outcomes))
        return Content(
            min(times), max(times), len(times), b"".join(self._filter), encoder.encode(shared), self._encoded.body()
        )


def read_attempts(first: int, shared: bytes, body: bytes) -> list[Attempted]:
    """The attempts of a block. Raises msgspec.DecodeError or IndexError for one that is damaged."""
    head = _SHARED.decode(shared)
    found = []
    for one in _BODY.decode(body):
        ids = [head.events[place] for place in one.events]
        places = [one.tags] * len(ids) if isinstance(one.tags, int) else one.tags
        found.append(
            Attempted(
                head.texts[one.destination],
                head.since + one.at,
                one.ms,
                one.status,
                tuple(zip(ids, [head.texts[place] for place in places], strict=False)),
                tuple([head.outcomes[place] for place in one.outcomes]),
            )
        )
    return found
