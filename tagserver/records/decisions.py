"""What all tags of a container did with an event, as a record keeps it: one tuple for all events for which the same was
decided.

Most events of a name are decided alike, so that all that is done for each is to look the tuple up.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

from tagserver.config.model import Candidate, Container, Tag
from tagserver.pipeline.route import Decision, Routing, failing
from tagserver.records.container_text import trigger_texts
from tagserver.records.masking.mask import masked_text
from tagserver.records.values import FailingCondition, TagDecision

MOST = 4096
"""Tuples, and names of events, that are remembered of a container."""
MOST_SAID = 1000
"""Characters of details that may hold values of an event, of all its tags: with more a tuple is not remembered."""
LONGEST_NAME = 100
"""Names of events that are longer are not remembered: they come from strangers."""
OURS = frozenset({"fired", "consent", "vendor", "child", "paused", "schedule", "sampled", "destination_paused"})
"""Reasons whose sentences are ours, of the configuration and of consent alone."""

_cached_text = lru_cache(maxsize=2048)(masked_text)


class Decisions:
    """The decisions under one container."""

    def __init__(self, container: Container) -> None:
        self.container = container
        texts = (text for tag in container.tags for text in trigger_texts((*tag.triggers, *tag.exceptions)))
        self.known_names = frozenset(name for text in texts for name in text.events)
        """Names of events that triggers write down."""
        self._places = {tag.name: place for place, tag in enumerate(container.tags)}
        self._by_name: dict[str, tuple[TagDecision, ...]] = {}
        self._known: dict[tuple[Hashable, ...], tuple[TagDecision, ...]] = {}

    def of(self, routing: Routing) -> tuple[TagDecision, ...]:
        """A decision for every tag, in file order."""
        name, said = routing.event.name, 0
        looks: list[Hashable] = [name]
        for one in routing.decisions:
            reason, detail, consent = one.reason, one.detail, one.consent
            if reason not in OURS:
                detail = detail if reason != "exception" else _exception(one)
                said += len(detail)
            looks.append((one.tag.name, one.decision, reason, detail, None if consent is None else consent.decision))
        kept = {}
        for tag in routing.unfired:
            kept[tag.name] = condition = failing(tag, routing.scope)
            looks.append((tag.name, condition[:2]))
        key = tuple(looks)
        known = self._known.get(key)
        if known is None:
            known = self._made(routing, kept)
            if len(name) <= LONGEST_NAME and said <= MOST_SAID:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[key] = known
        return known

    def _made(self, routing: Routing, kept: dict[str, tuple[str, int, str]]) -> tuple[TagDecision, ...]:
        made = list(self._unfired(routing.event.name))
        for tag_name, condition in kept.items():
            place = self._places[tag_name]
            made[place] = _unfired(self.container.tags[place], FailingCondition(*condition))
        for one in routing.decisions:
            made[self._places[one.tag.name]] = _decided(one, routing)
        return tuple(made)

    def _unfired(self, name: str) -> tuple[TagDecision, ...]:
        """What all tags do with an event of this name where none fires: the first condition of the first trigger that
        is for it does not hold, or none is for it."""
        known = self._by_name.get(name)
        if known is None:
            candidates = {one.tag.name: one for one in self.container.candidates(name)}
            known = tuple(_unfired(tag, _first(tag, candidates.get(tag.name))) for tag in self.container.tags)
            if len(name) <= LONGEST_NAME:
                if len(self._by_name) >= MOST:
                    self._by_name.clear()
                self._by_name[name] = known
        return known


def is_told(decision: TagDecision) -> bool:
    """Whether a summary says all that there is to say: the sentence is ours, or another event was meant."""
    if decision.failing is not None:
        return decision.failing.number == 0
    return decision.reason in OURS


def _first(tag: Tag, candidate: Candidate | None) -> FailingCondition:
    """What keeps a tag whose conditions nobody has asked."""
    if candidate is not None:
        trigger = candidate.triggers[0]
        if trigger.conditions:
            return FailingCondition(trigger.name, 1, trigger.conditions[0][0])
    return FailingCondition(tag.triggers[0].name if tag.triggers else "", 0, "event")


def _unfired(tag: Tag, condition: FailingCondition) -> TagDecision:
    return TagDecision(tag.name, tag.destination.name, None, "skip", "no_trigger", "", condition)


def _exception(one: Decision) -> str:
    """The name of the exception that kept a tag."""
    return one.detail.partition(": ")[0]


def _decided(one: Decision, routing: Routing) -> TagDecision:
    tag = one.tag
    verdict = one.consent.decision if one.consent else None
    if one.reason == "exception":
        name = _exception(one)
        held = next((exception for exception in tag.exceptions if exception.name == name), None)
        number, path = held.failing(routing.scope) if held is not None else (0, "event")
        condition = FailingCondition(name, number, path)
        return TagDecision(tag.name, tag.destination.name, verdict, one.decision, one.reason, "", condition)
    detail = one.detail if one.reason in OURS else _cached_text(one.detail)
    return TagDecision(tag.name, tag.destination.name, verdict, one.decision, one.reason, detail)
