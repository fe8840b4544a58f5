"""What happened to an event, in the words of people who run campaigns: every sentence of Preview and of an event's page
stands here. What stands between backticks is code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tagserver.config.triggers import KNOWN_EVENTS
from tagserver.queue.dead_letters import REASONS as DEAD_LETTERS
from tagserver.queue.moves import ERASED_FOR
from tagserver.records.values import ContainerText, TagDecision
from tagserver.records.view import RETRIED
from tagserver.system.text import readable_time


class Word(msgspec.Struct, frozen=True):
    """A badge and the sentence beside it. `kind`: `ok`, `warning`, `bad`, `paused` or `muted`, as `parts.badge` has
    them."""

    kind: str
    word: str
    text: str = ""


STATUS: Mapping[str, Word] = {
    "accepted": Word("ok", "accepted", "It was taken, and what tags send of it is on disk."),
    "duplicate": Word("muted", "duplicate", "It came before, by its `event_id` or its order: nothing is sent again."),
    "held": Word("paused", "held", "It waits for the visitor's choice about consent, and nothing is sent until then."),
    "rejected": Word("bad", "rejected", "It was not taken, for what is wrong with it:"),
    "refused": Word("bad", "refused", "The whole request was turned away before any event of it was read:"),
}
"""By what was answered."""
NO_TAG = "It was taken, and no tag fired: below stands why."
IN_THE_END: tuple[tuple[str, str], ...] = (
    ("dead", "It was taken, and not everything arrived: below stands what was given up, and why."),
    ("pending", "It was taken. What tags send of it is on disk, until the vendor has it."),
    ("erased", "It was taken, and not everything was sent: below stands what was erased, and why."),
    ("delivered", "It was taken, and what tags sent of it has arrived."),
)
"""Of an accepted event whose tags fired: the sentence of the first state that one of its deliveries has."""
DRY = "It belongs to a preview session that sends nothing: what tags would have done stands below."

VERDICTS: Mapping[str, Word] = {
    "delivered": Word("ok", "delivered"),
    "pending": Word("paused", "on its way"),
    "again": Word("warning", "tried again"),
    "dead": Word("bad", "given up"),
    "erased": Word("muted", "erased"),
    "duplicate": Word("muted", "sent before"),
    "held": Word("paused", "waiting for consent"),
    "dry": Word("muted", "not really sent"),
    "rejected": Word("bad", "not taken"),
    "block": Word("warning", "no consent"),
    "error": Word("bad", "plugin failed"),
    "skip": Word("muted", "not fired"),
}
"""What became of an event at a tag; in a list each with how many tags."""

NOT_SENT: Mapping[str, str] = {
    "no_trigger": "none of its triggers fires",
    "exception": "an exception holds",
    "paused": "the tag is paused",
    "schedule": "the event came outside of the tag's schedule",
    "sampled": "the event is not in the tag's sample",
    "once_per": "the tag sends this once, and has sent it",
    "same_event": "an earlier tag sends the same event to the same destination",
    "consent": "consent is missing",
    "vendor": "the visitor has not accepted this vendor, as far as is known",
    "child": "the visitor is known to be a child",
    "no_identity": "the vendor could not tell whose event it is",
    "too_old": "the event is older than the vendor takes",
    "missing_required": "the vendor refuses it without a field that is missing",
    "variable": "the name under which it would be sent has no value",
    "destination_paused": "the destination cannot send",
    "plugin_error": "the plugin failed",
}
"""By the reason of the decision; the detail follows."""
_SAYS_ALL = frozenset({"paused", "child"})
"""Reasons whose detail is the same sentence."""

OUTCOMES: Mapping[str, Word] = {
    "delivered": Word("ok", "delivered", "the vendor has it"),
    "retry": Word("warning", "failed", "it failed at the vendor or on the way, and is tried again by itself"),
    "throttled": Word("warning", "slowed down", "the vendor asks for more time between requests; it is tried again"),
    "rejected": Word("bad", "refused", "the vendor refused it for good"),
    "paused": Word("bad", "all refused", "the vendor refuses everything from this account until somebody mends it"),
    "split": Word("warning", "divided", "the vendor refused several events together; they are tried in smaller parts"),
    "unknown": Word("warning", "no answer", "the connection broke after it was sent: nobody knows whether it arrived"),
}
"""What came of one attempt."""

_GIVEN_UP: Mapping[str, str] = {
    "rejected": "the vendor refused it for good",
    "expired": "it became too old for the vendor before it could be delivered",
    "consent": "consent for it is missing or was taken back",
}
"""Reasons of dead letters that are told in other words than in the glossary."""

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
    sends = {"send", "restrict"} & record["decisions"].keys()
    if record["status"] == "accepted" and not sends:
        return Word("muted", "accepted", NO_TAG)
    if record["status"] == "accepted":
        text = next((text for state, text in IN_THE_END if state in record["deliveries"]), known.text)
        return Word(known.kind, known.word, text)
    return known


def heading(summary: Mapping[str, Any]) -> str:
    """What a SUMMARY is called."""
    return summary["name"] or ("refused request" if summary["status"] == "refused" else "event without a name")


def amount(summary: Mapping[str, Any]) -> str:
    """The value of a SUMMARY with its currency; empty without one."""
    return "" if summary["value"] is None else f"{summary['value']:,.2f} {summary['currency'] or ''}".rstrip()


def counts(summary: Mapping[str, Any]) -> dict[str, int]:
    """How often each verdict is among the tags of a SUMMARY, in the order of VERDICTS; none is left out of it."""
    decisions, found = summary["decisions"], dict(summary["deliveries"])
    sends = decisions.get("send", 0) + decisions.get("restrict", 0)
    unsent = sends - sum(found.values())
    if unsent > 0:
        status = summary["status"]
        found["dry" if summary.get("dry") else "held" if status == "held" else "rejected"] = unsent
    found |= {name: decisions[name] for name in ("block", "error", "skip") if decisions.get(name)}
    return {name: found[name] for name in VERDICTS if found.get(name)}


def verdict_of(record: Mapping[str, Any], tag: Mapping[str, Any]) -> str:
    """The verdict of one tag of a RECORD."""
    if tag["decision"] not in ("send", "restrict"):
        return str(tag["decision"])
    delivery = tag["delivery"]
    if delivery is None:
        return "dry" if record.get("dry") else "held" if record["status"] == "held" else "rejected"
    if delivery["state"] == "pending" and delivery["attempts"]:
        return "again"
    return str(delivery["state"])


def tag_word(record: Mapping[str, Any], tag: Mapping[str, Any], asked: Mapping[str, str] | None) -> Word:
    """What became of an event at one tag, with the sentence that answers "why?". `asked`: the condition that decided,
    as `condition_of` gives it."""
    verdict = verdict_of(record, tag)
    known = VERDICTS.get(verdict, Word("muted", verdict))
    limited = " in limited mode" if tag["decision"] == "restrict" else ""
    match verdict:
        case "delivered":
            text = f"sent{limited}, and the vendor has it"
        case "pending":
            text = f"sent on{limited}: {WAITS}"
        case "again":
            outcome = tag["delivery"]["attempts"][-1]["outcome"]
            if tag["delivery"]["reason"] == RETRIED:
                return Word(known.kind, known.word, f"not there yet: {PUT_BACK}")
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
            return Word(known.kind, known.word, f"not sent: {_why_not(tag, asked)}")
    return Word(known.kind, known.word, text)


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
    known = DEAD_LETTERS.get(name)
    return _GIVEN_UP.get(name) or (known.meaning if known is not None else name)


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


def _why_not(tag: Mapping[str, Any], asked: Mapping[str, str] | None) -> str:
    reason, detail = tag["reason"], tag["detail"]
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
_BY_DEFAULT = "(consent.default)"


def _purposes(states: str) -> str:
    """`ad_storage, is denied (consent.default); …` as the gate says it, told."""
    purposes = [one.partition(", ") for one in states.split("; ")]
    told = "; ".join(f"`{name}` {state}" for name, _, state in purposes)
    return told.replace(_BY_DEFAULT, "(the page's default: no choice yet)")


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
