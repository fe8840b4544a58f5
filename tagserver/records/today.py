"""What today's configuration would do otherwise with an event of the past, as far as its record tells.

A record holds no event as it was (it is masked), so it cannot be decided anew. What can be told is what of the decision
has changed since: a tag that is gone or paused, a trigger that is for other events, a condition that reads otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from tagserver.config.model import Container, Tag, Trigger
from tagserver.records.container_text import deciding, trigger_texts
from tagserver.records.values import ContainerText, EventRecord, FailingCondition, TagDecision, TriggerText

Kind = Literal["gone", "new", "paused", "not_paused", "moved", "other_events", "for_this_event", "condition", "trigger"]


class TagChange(msgspec.Struct, frozen=True):
    """What changed for one tag: a kind, and a sentence that goes on after the tag's name. Configuration stands between
    backticks."""

    tag: str
    kind: Kind
    text: str


def changes_since(record: EventRecord, then: ContainerText | None, now: Container) -> list[TagChange]:
    """What changed for the tags of a record since its container decided. `then`: what that meant, None where nobody
    knows any more. Empty where the same container serves, or where nothing is known to have changed."""
    if record.version == now.version or record.name is None:
        return []
    found = [change for one in record.tags if (change := _change(one, record.name, then, now.tag(one.tag))) is not None]
    return [*found, *_new(record, now)]


def _new(record: EventRecord, now: Container) -> Iterator[TagChange]:
    """Tags that were not there, and are for events of this name."""
    known = {one.tag for one in record.tags}
    for candidate in now.candidates(record.name or "") if record.tags else ():
        if candidate.tag.name not in known:
            asks = _asks(candidate.triggers)
            yield TagChange(candidate.tag.name, "new", f"is new, and is for `{record.name}`{asks}")


def _change(decision: TagDecision, name: str, then: ContainerText | None, now: Tag | None) -> TagChange | None:
    """The first thing that changed for one tag, the gravest first."""
    tag, failing = decision.tag, decision.failing
    if now is None:
        return TagChange(tag, "gone", "is not in the configuration any more")
    if now.paused and decision.reason != "paused":
        return TagChange(tag, "paused", "is paused now")
    if decision.reason == "paused" and not now.paused:
        return TagChange(tag, "not_paused", "is not paused any more")
    if now.destination.name != decision.destination:
        text = f"sends to `{now.destination.name}` now; then to `{decision.destination}`"
        return TagChange(tag, "moved", text)
    wanting = [one for one in now.triggers if one.wants(name)]
    named = failing is not None and failing.number == 0 and decision.reason == "no_trigger"
    if not wanting:
        return None if named else TagChange(tag, "other_events", f"is not for `{name}` any more")
    if named:
        return TagChange(tag, "for_this_event", f"is for `{name}` now{_asks(wanting)}")
    if failing is not None:
        return _condition(decision, failing, then, now)
    return _trigger(decision, then, wanting)


def _condition(
    decision: TagDecision, failing: FailingCondition, then: ContainerText | None, now: Tag
) -> TagChange | None:
    """Whether the trigger, or the exception, that kept a tag reads otherwise."""
    held = decision.reason == "exception"
    what = "exception" if held else "trigger"
    before = deciding(then, decision, failing)
    after = _named(trigger_texts(now.exceptions if held else now.triggers), failing.trigger)
    if after is None:
        return TagChange(decision.tag, "condition", f"has no {what} `{failing.trigger}` any more")
    if before is None or before == after:
        return None
    was = " ".join(before.conditions[failing.number - 1]) if failing.number else ""
    asks = [" ".join(one) for one in after.conditions]
    if was in asks:
        text = f"has a {what} `{failing.trigger}` that reads otherwise, but still asks `{was}`"
        return TagChange(decision.tag, "trigger", text)
    shown = " and ".join(f"`{one}`" for one in asks) or "for nothing but the event's name"
    kept = f"was kept by `{was}`; " if was else ""
    return TagChange(decision.tag, "condition", f"{kept}its {what} `{failing.trigger}` asks {shown} now")


def _trigger(decision: TagDecision, then: ContainerText | None, wanting: Sequence[Trigger]) -> TagChange | None:
    """Whether what fires a tag that was fired reads otherwise."""
    tags = then.tags if then is not None else ()
    before = next((one for one in tags if one.name == decision.tag), None)
    if before is None or any(one in before.triggers for one in trigger_texts(wanting)):
        return None
    return TagChange(decision.tag, "trigger", f"has a trigger that reads otherwise now{_asks(wanting)}")


def _named(triggers: Sequence[TriggerText], name: str) -> TriggerText | None:
    return next((one for one in triggers if one.name == name), None)


def _asks(triggers: Sequence[Trigger]) -> str:
    """What the first of some triggers asks besides the name, with what stands before it."""
    conditions = triggers[0].conditions
    return ", if " + " and ".join(f"`{left} {rest}`" for left, rest in conditions) if conditions else ""
