"""Records as people and programs read them: SUMMARY and RECORD of the contract, made of what the store keeps.

The state of a delivery is not kept; it follows from its attempts, in their order.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tagserver.records.container_text import sentence
from tagserver.records.making import ends
from tagserver.records.values import DRY, SENDS, Attempted, ContainerText, EventRecord, Full, RowOutcome, TagDecision

REPEATS = {
    "event": "the same event_id came before",
    "order": "the same order came before under another event_id",
    "once": "the tag sends it once, and has sent it",
}
"""Why a delivery is a duplicate, by the key it was known by."""

RETRIED = "retried"
"""Why a delivery is pending that was a dead letter: somebody put it back."""
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
    states = Counter(delivery["state"] for one in record.tags if (delivery := _delivery(record, one, of)) is not None)
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
        "deliveries": dict(states),
    }
    if record.status == "refused":
        shown |= {"reason": record.reason, "origin": record.origin or None, "count": record.count}
    if record.status in ("refused", "rejected"):
        shown["problems"] = _problems(record)
    if record.session:
        shown |= {"session": record.session, "dry": record.dry}
    return shown


def whole(record: EventRecord, of: Tries, container: ContainerText | None) -> dict[str, Any]:
    """RECORD."""
    full = record.full
    details = {one.tag: one for one in full.tags} if full is not None else {}
    tags = []
    for one in record.tags:
        known = details.get(one.tag)
        tags.append(
            {
                "tag": one.tag,
                "destination": one.destination,
                "consent": one.consent,
                "decision": one.decision,
                "reason": one.reason,
                "detail": known.detail if known is not None else sentence(container, one, record.name),
                "omitted": [{"field": field, "why": why} for field, why in known.omitted] if known is not None else [],
                "failing": None
                if one.failing is None
                else {"trigger": one.failing.trigger, "condition": one.failing.number, "path": one.failing.path},
                "delivery": _delivery(record, one, of),
            }
        )
    return {
        **summary(record, of),
        "request": _kept(full, "request"),
        "event": _kept(full, "event"),
        "consent": _kept(full, "consent"),
        "problems": _problems(record),
        "container": record.version or None,
        "level": "summary" if full is None else "full",
        "tags": tags,
    }


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
        state, reason = _state(outcome)
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


def _state(outcome: RowOutcome) -> tuple[str, str]:
    """Where a delivery is after this, and why; behind the name of a reason more may stand."""
    if outcome.moved == "erased":
        return "erased", f"{outcome.reason}: {outcome.dead}" if outcome.dead else outcome.reason
    if outcome.moved == "queue":
        return "pending", RETRIED
    if outcome.dead:
        return "dead", outcome.dead if outcome.outcome or not outcome.message else f"{outcome.dead}: {outcome.message}"
    if outcome.outcome == "delivered":
        return "delivered", ""
    return "pending", outcome.reason or outcome.outcome
