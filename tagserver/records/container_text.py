"""What a container means, in words: kept beside the records, so that a decision can still be explained when its files
are gone."""

from __future__ import annotations

from collections.abc import Sequence

from tagserver.config.model import Container, Trigger
from tagserver.records.masking.mask import masked_text
from tagserver.records.values import ContainerText, FailingCondition, TagDecision, TagText, TriggerText

MOST_NAMES = 100
"""Names of events that one trigger is shown with."""


def container_text(container: Container) -> ContainerText:
    """The words of a container."""
    return ContainerText(
        container.version,
        tuple(
            TagText(
                tag.name,
                tag.destination.name,
                tag.place.file,
                tag.place.line,
                trigger_texts(tag.triggers),
                trigger_texts(tag.exceptions),
            )
            for tag in container.tags
        ),
    )


def trigger_texts(triggers: Sequence[Trigger]) -> tuple[TriggerText, ...]:
    """Triggers, or exceptions, as people read them; somebody's address that a condition compares with is masked."""
    return tuple(
        TriggerText(
            one.name,
            one.events[:MOST_NAMES],
            tuple((left, masked_text(rest)) for left, rest in one.conditions),
        )
        for one in triggers
    )


def sentence(container: ContainerText | None, decision: TagDecision, event_name: str | None) -> str:
    """The detail of a decision, made of what a summary keeps: the condition that decided, without the value that it
    was compared with."""
    failing = decision.failing
    if failing is None:
        return decision.detail
    trigger = deciding(container, decision, failing)
    if trigger is None:
        return f"{failing.trigger}: condition {failing.number} on {failing.path}" if failing.trigger else ""
    if failing.number == 0:
        names = " or ".join(f'"{name}"' for name in trigger.events) or "another name"
        return f'{failing.trigger}: event equals {names}, is "{event_name}"'
    left, rest = trigger.conditions[failing.number - 1]
    held = "" if decision.reason == "exception" else ", and it does not"
    return f"{failing.trigger}: {left} {rest}{held}"


def deciding(container: ContainerText | None, decision: TagDecision, failing: FailingCondition) -> TriggerText | None:
    """The trigger or exception that decided, where its words are known."""
    tags = container.tags if container is not None else ()
    tag = next((one for one in tags if one.name == decision.tag), None)
    if tag is None:
        return None
    found = tag.exceptions if decision.reason == "exception" else tag.triggers
    trigger = next((one for one in found if one.name == failing.trigger), None)
    return trigger if trigger is not None and failing.number <= len(trigger.conditions) else None
