"""From what the pipeline returned to a record: the facts that a summary keeps, and at level `full` the rest, masked.

Records of events are made on the event loop, those of attempts in the thread that writes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tagserver.config.model import Container
from tagserver.config.records import Level
from tagserver.delivery.attempts import Attempt, Ended
from tagserver.event.consent_fields import NOTHING, PURPOSES
from tagserver.event.event import Note
from tagserver.event.person_keys import all_keys
from tagserver.inbound.clients.datalayer import CLIENT
from tagserver.ingest.copies import notes_of
from tagserver.ingest.observer import Line
from tagserver.pipeline.route import Decision, Routing, explain_unfired
from tagserver.plugin.plain import identifier, number
from tagserver.queue.moves import Move
from tagserver.queue.values import DeadLettered, Delivery, Row
from tagserver.records.decisions import OURS, Decisions, is_told
from tagserver.records.masking.mask import (
    Masker,
    answer_words,
    masked_field,
    masked_id,
    masked_note,
    masked_text,
)
from tagserver.records.names import name_of
from tagserver.records.values import (
    DRY,
    LONGEST_MESSAGE,
    SENDS,
    Attempted,
    EventRecord,
    Full,
    FullTag,
    OrderEvent,
    Problem,
    RowOutcome,
    Status,
    TagDecision,
)

_is_currency = re.compile(r"[A-Za-z]{3}").fullmatch


@lru_cache(maxsize=1024)
def _problem(note: Note) -> Problem:
    path, message = masked_note(note.path, note.message)
    return Problem(path, note.code, message)


@lru_cache(maxsize=4096)
def id_text(event_id: str) -> str:
    """An event_id, or an order's number, as records know it: as it is where it is made like one. A page can put
    anything into it, also somebody's address."""
    return masked_id(event_id)


class RecordMaker:
    """Makes records of events. `install_key` (32 bytes of this installation) keys what tells of persons."""

    def __init__(self, install_key: bytes) -> None:
        self._install_key = install_key
        self._decisions: Decisions | None = None

    def record(self, container: Container, line: Line, received: int, level: Level) -> EventRecord | None:
        """The record of one event; None for what tells of nothing. `received` (ms): where no event could be read."""
        answer, routing, made, receipts = line
        if routing is None:
            if answer is None:
                return None
            problems = _problems(answer.problems)
            event_id = None if answer.event_id is None else id_text(answer.event_id)
            return EventRecord(0, received, event_id, None, "", CLIENT, "rejected", container.version, (), problems)
        event = routing.event
        shop = event.data.get("ecommerce") or NOTHING
        status: Status = "accepted" if answer is None else answer.status
        order, value, currency = identifier(shop.get("transaction_id")), number(shop.get("value")), shop.get("currency")
        repeated: tuple[tuple[str, str], ...] = ()
        problems = _problems(answer.problems) if answer is not None and answer.problems else ()
        if receipts:
            problems += _problems(notes_of(made, receipts))
            repeated = tuple((one.tag, its.duplicate) for one, its in zip(made, receipts, strict=True) if its.duplicate)
        session, decisions = event.facts.session, self._of(container).of(routing)
        if session:
            unmade = [one for one in routing.decisions if one.decision in SENDS and one.built is None]
            repeated += tuple((one.tag.name, DRY) for one in unmade)
        return EventRecord(
            0,
            event.facts.received,
            id_text(event.event_id),
            name_of(event, self._of(container).known_names),
            event.facts.source,
            event.client,
            status,
            container.version,
            decisions,
            problems,
            None if order is None else masked_id(order),
            None if value is None else float(value),
            currency if type(currency) is str and _is_currency(currency) else None,
            self._persons(container, routing, made),
            repeated,
            session=session,
            dry=bool(session) and not made,
            full=self._full(container, routing, decisions) if level == "full" else None,
        )

    def _of(self, container: Container) -> Decisions:
        if self._decisions is None or self._decisions.container is not container:
            self._decisions = Decisions(container)
        return self._decisions

    def _persons(self, container: Container, routing: Routing, made: Sequence[Delivery]) -> tuple[bytes, ...]:
        """Keyed hashes by which the record is found and erased; none where consent denies analytics and ads."""
        if routing.consent.granted.isdisjoint(PURPOSES):
            return ()
        if made:
            first = made[0].person
            if len(made) == 1 or all(one.person is first for one in made):
                return first
            return tuple(dict.fromkeys(key for one in made for key in one.person))
        return all_keys(routing.event.identity, self._install_key, container.phone_countries)

    def _full(self, container: Container, routing: Routing, decisions: Sequence[TagDecision]) -> Full:
        """What a summary does not say; of tags those whose sentences hold values of the event, or that left something
        out."""
        masker = Masker(routing.event, routing.event.facts)
        request, event, consent = masker.request(), masker.event(), masker.consent(routing.consent)
        made = {one.tag.name: one for one in routing.decisions}
        tags = []
        for kept, tag in zip(decisions, container.tags, strict=True):
            if (one := made.get(tag.name)) is not None:
                if one.omitted or not is_told(kept):
                    tags.append(_full_tag(one, masker))
            elif not is_told(kept):
                tags.append(FullTag(tag.name, masker.sentence(explain_unfired(tag, routing.scope))))
        return Full(request, event, consent, tuple(tags))


def _full_tag(one: Decision, masker: Masker) -> FullTag:
    detail = one.detail if one.reason in OURS else masker.sentence(one.detail)
    omitted = tuple((masked_field(field.field), masker.sentence(field.why)) for field in one.omitted)
    return FullTag(one.tag.name, detail, omitted)


def _problems(notes: Sequence[Note]) -> tuple[Problem, ...]:
    return tuple(_problem(note) for note in notes)


def order_event(record: EventRecord) -> OrderEvent | None:
    """What outlives the record of an event with an order; nothing of one that was only previewed."""
    if record.order is None or record.event_id is None or record.dry:
        return None
    return OrderEvent(
        record.order,
        record.event_id,
        record.received,
        record.status,
        record.value,
        record.currency,
        record.source,
        record.tags,
        record.persons,
    )


# ── what vendors said

_DELIVERED = (RowOutcome("delivered"),)
_is_code = re.compile(r"[0-9]{1,5}/[0-9]{1,7}").fullmatch
"""A vendor's code with its subcode, `100/2804007`: what is wrong, in as many digits as a telephone number has."""


def attempted(destination: str, attempt: Attempt) -> Attempted:
    """One request, with the vendor's words."""
    response, rows = attempt.response, attempt.rows
    words = ""
    if response is not None and any(one.kind == "delivered" for one in attempt.ends):
        words = answer_words(response, [row.body for row in rows], ())[:LONGEST_MESSAGE]
    if len(attempt.ends) == 1 and attempt.ends[0].kind == "delivered" and not attempt.ends[0].message and not words:
        outcomes: tuple[RowOutcome, ...] = _DELIVERED
    else:
        outcomes = tuple(_outcome(one, words) for one in attempt.ends)
    status = response.status if response is not None else None
    return Attempted(destination, attempt.at, attempt.took, status, _rows(rows), outcomes)


def _outcome(end: Ended, words: str) -> RowOutcome:
    message = end.message
    if end.kind == "delivered":  # a plugin's warning may repeat what a vendor has said; what was refused is cleaned
        message = f"{masked_text(message)} {words}".strip()
    reason = end.reason if _is_code(end.reason) else masked_text(end.reason)
    return RowOutcome(end.kind, reason, message[:LONGEST_MESSAGE])


def dead_lettered(destination: str, at: int, rows: Sequence[Row], dead: Sequence[DeadLettered]) -> Attempted:
    """Dead letters: the end of deliveries, with or without a request before it."""
    by_id = {row.id: row for row in rows}
    ended = [(by_id[one.id], one) for one in dead if one.id in by_id]
    outcomes = tuple(RowOutcome("", one.reason, one.detail[:LONGEST_MESSAGE], one.reason) for _, one in ended)
    return Attempted(destination, at, 0, None, _rows([row for row, _ in ended]), outcomes)


def moved(moves: Sequence[Move], at: int) -> list[Attempted]:
    """Deliveries that nobody tried to send and that are elsewhere now, by destination."""
    by_destination: dict[str, list[Move]] = {}
    for one in moves:
        by_destination.setdefault(one.destination, []).append(one)
    return [
        Attempted(
            destination,
            at,
            0,
            None,
            tuple([(id_text(one.event_id), one.tag) for one in some]),
            tuple([_moved(one) for one in some]),
        )
        for destination, some in by_destination.items()
    ]


def _moved(one: Move) -> RowOutcome:
    if one.to == "dead":
        return RowOutcome("", one.reason, "", one.reason)
    return RowOutcome("", one.reason, "", one.dead if one.to == "erased" else "", one.to)


def _rows(rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    return tuple([(id_text(row.event_id), row.tag) for row in rows])


def ends(attempt: Attempted) -> Iterator[tuple[tuple[str, str], RowOutcome]]:
    """Each row of an attempt with its outcome."""
    outcomes = attempt.outcomes
    if len(outcomes) == 1:
        return ((row, outcomes[0]) for row in attempt.rows)
    return zip(attempt.rows, outcomes, strict=True)


def token(event_id: str) -> int:
    """A short number by which an event with an order is known again."""
    return zlib.crc32(event_id.encode("utf-8", "surrogatepass"))
