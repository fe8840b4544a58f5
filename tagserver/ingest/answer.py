"""The answer of `/collect`: a line for each event, in their order, and what is said once of the whole request.

It is bounded by what the request may be, not by what a stranger can make of a few bytes: what `ctx` says stands
beneath a thousand events, and is told once; problems beyond a share of the largest body are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tagserver.event.event import Note
from tagserver.queue.values import Receipt

Status = Literal["accepted", "duplicate", "held", "rejected"]


class PreviewedTag(msgspec.Struct, frozen=True, gc=False):
    """What one tag does with an event of a preview session. `delivery`: what becomes of it, None where nothing would be
    sent; `why`: why it is not sent."""

    tag: str
    destination: str
    decision: str
    reason: str
    detail: str
    delivery: Literal["dry", "test", "live"] | None
    why: str


class Previewed(msgspec.Struct, frozen=True, gc=False):
    """What was decided about an event of a preview session, and by which container."""

    session: str
    send: Literal["dry", "test", "live"]
    container: str
    tags: tuple[PreviewedTag, ...]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The line of one event in the answer of `/collect`. `preview`: of events of a preview session alone."""

    event_id: str | None
    status: Status
    problems: tuple[Note, ...] = ()
    preview: Previewed | msgspec.UnsetType = msgspec.UNSET


_SAME_ORDER = Note(
    "ecommerce.transaction_id",
    "same_order",
    "this order came before under another event_id and counts once; a pixel with this event_id counts it again",
)
_CONFLICTS = {
    "order": Note(
        "ecommerce.transaction_id", "conflict", "another order came before under this event_id; this one is not sent"
    ),
    "value": Note("ecommerce.value", "conflict", "the one that came before has another value; this one is not sent"),
}

SHARE = 8
"""The problems and the long ids of an answer may take this part of `collect.max_body`."""
SHORT_ID = 128
"""Characters of an `event_id` that is told in any case."""

_encode = msgspec.json.Encoder().encode


def compose(answers: list[Answer], said: Sequence[Note], max_body: int) -> tuple[int, bytes]:
    """Status and body. `said`: problems of the request. 400 when no event could be taken, else 202. What is beyond a
    share of `max_body` is taken out of `answers`."""
    for answer in answers:
        if answer.status != "rejected":
            status, problems = 202, list(said)
            break
    else:
        status, problems = 400, [Note("", "no_event", "no event of this request could be taken"), *said]
    body: dict[str, object] = {"events": answers}
    if problems:
        body["problems"] = problems
    told, room = _encode(body), max_body // SHARE
    if len(told) <= room:  # so is whatever is in it
        return status, told
    if hidden := _cut(answers, room):
        problems.append(Note("", "more", f"and {hidden} more problems of single events, which are not shown"))
        body["problems"] = problems
    return status, _encode(body)


def bounded_answers(answers: list[Answer], max_body: int) -> None:
    """Take out of the answers what is beyond a share of `max_body`, as `compose` does."""
    if answers:
        _cut(answers, max_body // SHARE)


def _cut(answers: list[Answer], room: int) -> int:
    """Take out the problems and long ids beyond so many bytes; the number of these problems."""
    hidden = 0
    for at, answer in enumerate(answers):
        long = answer.event_id is not None and len(answer.event_id) > SHORT_ID
        previewed = answer.preview is not msgspec.UNSET
        if not answer.problems and not long and not previewed:
            continue
        room -= len(_encode(answer)) if long or previewed else len(_encode(answer.problems))
        if room < 0:
            hidden += len(answer.problems)
            answers[at] = Answer(None if long else answer.event_id, answer.status)
    return hidden


def settled(answer: Answer, receipts: Sequence[Receipt]) -> Answer:
    """The answer once it is known what was new: an event all of whose deliveries were known is a duplicate. What the
    first copy says otherwise is a problem, also of an event that is new for another tag."""
    if all(one.stored for one in receipts):
        return answer
    notes = [_CONFLICTS[kind] for kind in ("order", "value") if any(one.differs == kind for one in receipts)]
    if any(one.duplicate == "order" for one in receipts):
        notes.append(_SAME_ORDER)
    status = answer.status if any(one.stored for one in receipts) else "duplicate"
    return Answer(answer.event_id, status, (*answer.problems, *notes), answer.preview)
