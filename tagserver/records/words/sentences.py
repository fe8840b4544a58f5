"""What happened to an event, in sentences made of the `tables`: those of Preview, of an event's page, of what is shared
and compared, of `explain` and `tap`, and of `.json`. What stands between backticks is code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tagserver.config.triggers import KNOWN_EVENTS
from tagserver.queue.dead_letters import REASONS as DEAD_LETTERS
from tagserver.queue.moves import ERASED_FOR
from tagserver.records.values import SENDS, ContainerText, RowOutcome, TagDecision
from tagserver.records.words.tables import (
    GIVEN_UP,
    NAMELESS,
    NOT_SENT,
    OUTCOMES,
    REFUSED_REQUEST,
    SAID_BY,
    STATUS,
    VERDICTS,
    Word,
)
from tagserver.system.text import readable_time

RETRIED = "retried"
"""Why a delivery is pending that was a dead letter: somebody put it back."""

NO_TAG = "It was taken, and no tag fired: below stands why."
IN_THE_END: tuple[tuple[str, str], ...] = (
    ("dead", "It was taken, and not everything arrived: below stands what was given up, and why."),
    ("pending", "It was taken. What tags send of it is on disk, until the vendor has it."),
    ("erased", "It was taken, and not everything was sent: below stands what was erased, and why."),
    ("delivered", "It was taken, and what tags sent of it has arrived."),
)
"""Of an accepted event whose tags fired: the sentence of the first state that one of its deliveries has."""
DRY = "It belongs to a preview session that sends nothing: what tags would have done stands below."

_SAYS_ALL = frozenset({"paused", "child"})
"""Reasons whose detail is the same sentence."""

WAITS = "it is on disk, and waits for its turn"
PUT_BACK = "it was given up, somebody put it back into the queue, and it waits for its turn"
REPEATED = "not sent again"
MASKED = (
    "Personal values are not kept: `[email, 17 characters, #1]` stands for one, and equal values have equal numbers. "
    "Nobody can turn them back."
)
SUMMARY_LEVEL = (
    "Kept of this event is the summary: decisions, the condition that decided, and attempts. With "
    "`records: {level: full}` in `server.yaml`, then `tagserver reload --server`, the next events also show the value "
    "that each condition met, the event itself (masked), what was said of consent, and the fields that were left out."
)


def status_of(record: Mapping[str, Any]) -> Word:
    """The status of a RECORD."""
    known = STATUS.get(record["status"], Word("muted", record["status"]))
    if record.get("dry"):
        return Word(known.kind, known.word, DRY)
    sends = SENDS & record["decisions"].keys()
    if record["status"] == "accepted" and not sends:
        return Word("muted", "accepted", NO_TAG)
    if record["status"] == "accepted":
        text = next((text for state, text in IN_THE_END if state in record["deliveries"]), known.text)
        return Word(known.kind, known.word, text)
    return known


def heading(summary: Mapping[str, Any]) -> str:
    """What a SUMMARY is called."""
    return summary["name"] or (REFUSED_REQUEST if summary["status"] == "refused" else NAMELESS)


def amount(summary: Mapping[str, Any]) -> str:
    """The value of a SUMMARY with its currency; empty without one."""
    return "" if summary["value"] is None else f"{summary['value']:,.2f} {summary['currency'] or ''}".rstrip()


def facts(summary: Mapping[str, Any]) -> str:
    """What tells one event of a name from another: the order and its value, else its id; of refused requests from
    where they came, and how many."""
    if summary["status"] == "refused":
        count = f"{summary['count']:,} times within a minute" if summary["count"] > 1 else ""
        return ", ".join(filter(None, (summary["origin"] or "", count)))
    return ", ".join(filter(None, (summary["order"], amount(summary)))) or summary["event_id"] or ""


# ── what became of it at a tag


def verdict(decision: str, delivery: Mapping[str, Any] | None, status: str, *, dry: bool) -> str:
    """Which of VERDICTS holds for a tag: by its decision, by the `delivery` of a RECORD, and by the event's status.
    Lists, pages, commands and `.json` have it from here alone."""
    if decision not in SENDS:
        return decision
    if delivery is None:
        return "dry" if dry or status in ("accepted", "duplicate") else "held" if status == "held" else "rejected"
    if delivery["state"] == "pending" and delivery["attempts"] and delivery["reason"] != RETRIED:
        return "again"
    return str(delivery["state"])


def verdict_after(outcome: RowOutcome) -> str:
    """The verdict right after something came of a delivery, for those who look on live."""
    state, _ = state_after(outcome)
    return "again" if state == "pending" and outcome.outcome else state


def state_after(outcome: RowOutcome) -> tuple[str, str]:
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


def counted_verdicts(verdicts: Iterable[str]) -> dict[str, int]:
    """How often each verdict is among the tags of an event, in the order of VERDICTS."""
    found = Counter(verdicts)
    return {name: found[name] for name in VERDICTS if found[name]} | {
        name: number for name, number in found.items() if name not in VERDICTS
    }


def tag_word(tag: Mapping[str, Any]) -> Word:
    """What became of an event at one tag of a RECORD, with the sentence that answers "why?"."""
    name = tag["verdict"]
    known = VERDICTS.get(name, Word("muted", name))
    limited = " in limited mode" if tag["decision"] == "restrict" else ""
    match name:
        case "delivered":
            text = f"sent{limited}, and the vendor has it"
        case "pending":
            put_back = tag["delivery"]["reason"] == RETRIED
            text = f"not there yet: {PUT_BACK}" if put_back else f"sent on{limited}: {WAITS}"
        case "again":
            outcome = tag["delivery"]["attempts"][-1]["outcome"]
            todo = "; the page of the destination says what to do" if outcome == "paused" else ""
            text = f"not there yet: {outcome_of(outcome).text}{todo}"
        case "dead":
            reason = tag["delivery"]["reason"]
            text = f"given up: {given_up(reason)}{_what_helps(reason)}"
        case "erased":
            text = erased(tag["delivery"])
        case "duplicate":
            text = f"{REPEATED}: {tag['delivery']['reason']}"
        case "held":
            text = f"would be sent{limited} once the visitor allows it"
        case "dry":
            text = f"would have been sent{limited}; a preview session like this one sends nothing"
        case "rejected":
            text = "would have been sent, had the event been taken"
        case _:
            return Word(known.kind, known.word, f"not sent: {_why_not(tag)}")
    return Word(known.kind, known.word, text)


def with_words(record: Mapping[str, Any]) -> dict[str, Any]:
    """A RECORD with its words: one of before that was kept without them, or in which they were masked, such as a time
    that looks like a telephone number. They are made of what is in it, and tell no more."""
    tags = []
    for one in record["tags"]:
        name = verdict(one["decision"], one["delivery"], record["status"], dry=bool(record.get("dry")))
        tag = {"asked": None, **one, "verdict": name}
        tags.append({**tag, "told": msgspec.to_builtins(tag_word(tag))})
    return {
        **record,
        "verdicts": counted_verdicts(tag["verdict"] for tag in tags),
        "told": {"heading": heading(record), "facts": facts(record)},
        "tags": tags,
    }


def answer_of(attempt: Mapping[str, Any]) -> str:
    """What came back from one attempt, and when. A file answers nothing, and has it all the same."""
    took = f"after {attempt['ms']:,} ms"
    if attempt["status"] is not None:
        return f"answered {attempt['status']} {took}"
    return took if attempt["outcome"] == "delivered" else f"no answer {took}"


def outcome_of(name: str) -> Word:
    """What came of an attempt."""
    return OUTCOMES.get(name) or Word("muted", name, name)


def given_up(reason: str) -> str:
    """Why a delivery was given up: of a dead letter's reason, behind which a sentence may stand."""
    name = reason.partition(": ")[0]
    return GIVEN_UP.get(name, name)


def erased(delivery: Mapping[str, Any]) -> str:
    """Why a delivery was erased, and when; and why it was given up before, where it was."""
    why, _, dead = delivery["reason"].partition(": ")
    before = f"given up, because {given_up(dead)}; then " if dead else ""
    return f"{before}erased: {ERASED_FOR.get(why, why)}, at {readable_time(delivery['at'])}"


def _what_helps(reason: str) -> str:
    """What was said of it, and what can be done."""
    name, _, detail = reason.partition(": ")
    known = DEAD_LETTERS.get(name)
    said = f" ({detail})" if detail and name != "rejected" else ""
    return f"{said}. What helps: {known.advice}" if known is not None else said


def _why_not(tag: Mapping[str, Any]) -> str:
    reason, detail, asked = tag["reason"], tag["detail"], tag["asked"]
    if asked is not None:
        if "name" in asked:
            return f"it is for {asked['condition']}, and this event is `{asked['name']}`"
        kind = "the exception" if reason == "exception" else "the condition"
        holds = "holds" if reason == "exception" else "does not hold"
        met = f", it is `{asked['value']}`" if asked.get("value") else ""
        return f"{kind} `{asked['condition']}` {holds}{met}"
    known = NOT_SENT.get(reason, reason)
    if reason == "consent" and detail.startswith(_NEEDS):
        return f"{known}: {_purposes(detail.removeprefix(_NEEDS))}"
    return known if reason in _SAYS_ALL or not detail else f"{known}: {detail}"


_NEEDS = "needs "


def _purposes(states: str) -> str:
    """`ad_storage, is denied (consent.default); …` as the gate says it, told."""
    purposes = [one.partition(", ") for one in states.split("; ")]
    told = "; ".join(f"`{name}` {state}" for name, _, state in purposes)
    for source, words in SAID_BY.items():
        told = told.replace(f"({source})", f"({words})")
    return told


def said_by(source: str) -> str:
    """Who has said something of consent."""
    return SAID_BY.get(source, source)


MOST_NAMES = 3
_IS = ", is "


def condition_of(
    container: ContainerText | None, decision: TagDecision, detail: str, name: str | None
) -> dict[str, str] | None:
    """The condition that decided about a tag: `{"trigger", "condition"}`, with the `value` that it met where the detail
    has it; `name` in its place where the event's name decided. None where no condition did, or none is known."""
    failing = decision.failing
    if failing is None or decision.reason not in ("no_trigger", "exception"):
        return None
    tag = next((one for one in container.tags if one.name == decision.tag), None) if container is not None else None
    triggers = () if tag is None else tag.exceptions if decision.reason == "exception" else tag.triggers
    trigger = next((one for one in triggers if one.name == failing.trigger), None)
    told = detail.removeprefix(f"{failing.trigger}: ")
    if failing.number == 0 and decision.reason == "no_trigger":
        names = trigger.events if trigger is not None else ()
        return {"trigger": failing.trigger, "condition": _names(failing.trigger, names), "name": name or ""}
    if trigger is not None and 0 < failing.number <= len(trigger.conditions):
        condition = " ".join(trigger.conditions[failing.number - 1])
        if told.startswith(condition):
            left = told.removeprefix(condition)
            value = left.removeprefix(_IS) if left.startswith(_IS) else ""
        else:  # several conditions in one (`any`, `not`), of which the detail names those that decided
            value = told
        return {"trigger": failing.trigger, "condition": condition, "value": value}
    condition, _, value = told.partition(_IS)
    return {"trigger": failing.trigger, "condition": condition or failing.path, "value": value}


def _names(trigger: str, names: tuple[str, ...]) -> str:
    """The events that a trigger is for."""
    if trigger == KNOWN_EVENTS:
        return "the events that the vendor has a name for"
    if not names:
        return "other events"
    shown = " or ".join(f"`{one}`" for one in names[:MOST_NAMES])
    return shown + (f" or {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")
