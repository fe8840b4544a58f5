"""The answer of `/collect`: a line for each event, in their order, and what is said once of the whole request.

It is bounded by what the request may be, not by what a stranger can make of a few bytes: what `ctx` says stands
beneath a thousand events, and is told once; problems beyond a share of the largest body are counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tagserver.event.event import Note
from tagserver.ingest.ingest import Answer

SHARE = 8
"""The problems and the long ids of an answer may take this part of `collect.max_body`."""
SHORT_ID = 128
"""Characters of an `event_id` that is told in any case."""

_encode = msgspec.json.Encoder().encode


def compose(answers: list[Answer], said: Sequence[Note], max_body: int) -> tuple[int, bytes]:
    """Status and body. `said`: problems of the request. 400 when no event could be taken, else 202."""
    problems = list(said)
    if all(answer.status == "rejected" for answer in answers):
        problems.insert(0, Note("", "no_event", "no event of this request could be taken"))
    if hidden := _fit(answers, max_body // SHARE):
        problems.append(Note("", "more", f"and {hidden} more problems of single events, which are not shown"))
    body: dict[str, object] = {"events": answers}
    if problems:
        body["problems"] = problems
    return 400 if problems and problems[0].code == "no_event" else 202, _encode(body)


def _fit(answers: list[Answer], room: int) -> int:
    """Take out what is beyond `room` bytes, in place; the number of problems that are not shown."""
    hidden = 0
    for at, answer in enumerate(answers):
        long = answer.event_id is not None and len(answer.event_id) > SHORT_ID
        if not answer.problems and not long:
            continue
        room -= len(_encode(answer)) if long else len(_encode(answer.problems))
        if room < 0:
            hidden += len(answer.problems)
            answers[at] = Answer(None if long else answer.event_id, answer.status)
    return hidden
