"""Records as people and programs read them: SUMMARY and RECORD of the contract, made of what the store keeps.

The state of a delivery is not kept; it follows from its attempts, in their order.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tagserver.records.container_text import sentence
from tagserver.records.making import ends
from tagserver.records.values import (
    DRY,
    SENDS,
    Attempted,
    ContainerText,
    EventRecord,
    Full,
    FullTag,
    RowOutcome,
    TagDecision,
)
from tagserver.records.words.sentences import (
    condition_of,
    counted_verdicts,
    facts,
    heading,
    state_after,
    tag_word,
    verdict,
)

REPEATS = {
    "event": "the same event_id came before",
    "order": "the same order came before under another event_id",
    "once": "the tag sends it once, and has sent it",
}
"""Why a delivery is a duplicate, by the key it was known by."""

MOST_TRIES = 100
"""Attempts of one delivery that are shown: as many as there are in the hours of a vendor's fault."""
_Attempt = tuple[Attempted, RowOutcome]
Tries = Mapping[tuple[str, str], Sequence[_Attempt]]
"""The attempts of some events by event_id and tag, the oldest first."""


def tries(attempts: Iterable[Attempted]) -> Tries:
    """Attempts of the store, by delivery; of more than `MOST_TRIES` the newest."""
    found: dict[tuple[str, str], deque[_Attempt]] = {}
    for attempt in attempts:
        for row, outcome in ends(attempt):
            found.setdefault(row, deque(maxlen=MOST_TRIES)).append((attempt, outcome))
    return found


def summary(record: EventRecord, of: Tries) -> dict[str, Any]:
    """SUMMARY."""
    sent = [(one, _delivery(record, one, of)) for one in record.tags]
    shown: dict[str, Any] = {
        "record": record.number,
        "event_id": record.event_id,
        "name": record.name,
        "received": record.received,
        "source": record.source,
        "client": record.client,
        "status": record.status,
        "order": record.order,
        "value": record.value,
        "currency": record.currency,
        "decisions": dict(Counter(one.decision for one in record.tags)),
        "deliveries": dict(Counter(delivery["state"] for _, delivery in sent if delivery is not None)),
        "verdicts": counted_verdicts(_verdict(record, one, delivery) for one, delivery in sent),
    }
    if record.status == "refused":
        shown |= {"reason": record.reason, "origin": record.origin or None, "count": record.count}
    if record.status in ("refused", "rejected"):
        shown["problems"] = _problems(record)
    if record.session:
        shown |= {"session": record.session, "dry": record.dry}
    return shown | {"told": {"heading": heading(shown), "facts": facts(shown)}}


def whole(record: EventRecord, of: Tries, container: ContainerText | None) -> dict[str, Any]:
    """RECORD."""
    full = record.full
    details = {one.tag: one for one in full.tags} if full is not None else {}
    shown = summary(record, of)
    return {
        **shown,
        "request": _kept(full, "request"),
        "event": _kept(full, "event"),
        "consent": _kept(full, "consent"),
        "problems": _problems(record),
        "container": record.version or None,
        "level": "summary" if full is None else "full",
        "tags": [_tag(record, one, details.get(one.tag), of, container) for one in record.tags],
    }


def _tag(
    record: EventRecord, one: TagDecision, known: FullTag | None, of: Tries, container: ContainerText | None
) -> dict[str, Any]:
    """One tag of a RECORD; `told`: the badge and the sentence that people read, `asked` what its condition asked."""
    delivery = _delivery(record, one, of)
    detail = known.detail if known is not None else sentence(container, one, record.name)
    shown = {
        "tag": one.tag,
        "destination": one.destination,
        "consent": one.consent,
        "decision": one.decision,
        "reason": one.reason,
        "detail": detail,
        "omitted": [{"field": field, "why": why} for field, why in known.omitted] if known is not None else [],
        "failing": None
        if one.failing is None
        else {"trigger": one.failing.trigger, "condition": one.failing.number, "path": one.failing.path},
        "delivery": delivery,
        "verdict": _verdict(record, one, delivery),
        "asked": condition_of(container, one, detail, record.name),
    }
    return {**shown, "told": msgspec.to_builtins(tag_word(shown))}


def _verdict(record: EventRecord, one: TagDecision, delivery: Mapping[str, Any] | None) -> str:
    return verdict(one.decision, delivery, record.status, dry=record.dry)


def _kept(full: Full | None, name: str) -> Any:
    return None if full is None else getattr(full, name)


def _problems(record: EventRecord) -> list[dict[str, str]]:
    return [{"path": one.path, "code": one.code, "message": one.message} for one in record.problems]


def _delivery(record: EventRecord, one: TagDecision, of: Tries) -> dict[str, Any] | None:
    """What became of what a tag has sent; None for one that has sent nothing."""
    if one.decision not in SENDS or record.dry or record.status not in ("accepted", "duplicate"):
        return None
    if record.repeated and (why := dict(record.repeated).get(one.tag)) is not None:
        if why == DRY:
            return None
        return {"state": "duplicate", "reason": REPEATS.get(why, why), "at": None, "attempts": []}
    made = of.get((record.event_id or "", one.tag), ())
    state, reason, at = "pending", "", None
    shown = []
    for attempt, outcome in made:
        if state == "erased" and not outcome.outcome and not outcome.moved:
            continue  # that it had died, told behind the end of it: both were one commit
        state, reason = state_after(outcome)
        at = attempt.at
        if outcome.outcome:
            shown.append(
                {
                    "at": attempt.at,
                    "status": attempt.status,
                    "outcome": outcome.outcome,
                    "reason": outcome.reason,
                    "message": outcome.message,
                    "ms": attempt.ms,
                }
            )
    return {"state": state, "reason": reason, "at": at, "attempts": shown}
