"""What of a decision has changed since it was made."""

from __future__ import annotations

import pytest

from tagserver.records.container_text import container_text
from tagserver.records.today import changes_since
from tagserver.records.values import EventRecord, FailingCondition, TagDecision
from tests.config.world import container

HEAD = """
destinations:
  meta: {type: box}
  other: {type: box}
"""
TRIGGERS = """
triggers:
  bought: {event: purchase}
  thanks: {event: purchase, when: {page.path: "/thank-you"}}
  lead: {event: generate_lead}
  inside: {when: {page.host: "intranet.example"}}
"""
TAGS = """
tags:
  - {name: Bought, destination: meta, triggers: [bought], exceptions: [inside]}
  - {name: Thanks, destination: meta, triggers: [thanks]}
  - {name: Lead, destination: meta, triggers: [lead]}
"""
BEFORE = HEAD + TRIGGERS + TAGS

SENT = TagDecision("Bought", "meta", "send", "send", "fired", "trigger bought")
KEPT = TagDecision("Thanks", "meta", None, "skip", "no_trigger", "", FailingCondition("thanks", 1, "page.path"))
OTHER = TagDecision("Lead", "meta", None, "skip", "no_trigger", "", FailingCondition("lead", 0, "event"))
HELD = TagDecision("Bought", "meta", "send", "skip", "exception", "", FailingCondition("inside", 1, "page.host"))
PAUSED = TagDecision("Bought", "meta", "send", "skip", "paused", "the tag is paused")


def record(version: str, *tags: TagDecision, name: str | None = "purchase") -> EventRecord:
    """A purchase with these decisions."""
    return EventRecord(1, 0, "e-1", name, "browser", "datalayer", "accepted", version, tags)


def told(after: str, *tags: TagDecision) -> list[tuple[str, str, str]]:
    """The changes from BEFORE to a text."""
    found = changes_since(record("before", *tags), container_text(container(BEFORE)), container(after))
    return [(one.tag, one.kind, one.text) for one in found]


def test_the_same_container_has_changed_nothing() -> None:
    now = container(BEFORE)
    assert changes_since(record(now.version, SENT, PAUSED), container_text(now), now) == []


def test_a_change_elsewhere_is_none_here() -> None:
    assert told(BEFORE.replace('"intranet.example"', '"inside.example"'), SENT, KEPT, OTHER) == []


@pytest.mark.parametrize(
    ("old", "new", "decision", "kind", "text"),
    [
        (
            "  - {name: Bought, destination: meta, triggers: [bought], exceptions: [inside]}\n",
            "",
            SENT,
            "gone",
            "is not in the configuration any more",
        ),
        ("triggers: [bought]", "paused: true, triggers: [bought]", SENT, "paused", "is paused now"),
        ("", "", PAUSED, "not_paused", "is not paused any more"),
        (
            "Bought, destination: meta",
            "Bought, destination: other",
            SENT,
            "moved",
            "sends to `other` now; then to `meta`",
        ),
        (
            "bought: {event: purchase}",
            "bought: {event: refund}",
            SENT,
            "other_events",
            "is not for `purchase` any more",
        ),
        ("lead: {event: generate_lead}", "lead: {event: purchase}", OTHER, "for_this_event", "is for `purchase` now"),
        (
            "lead: {event: generate_lead}",
            'lead: {event: purchase, when: {page.path: "/x"}}',
            OTHER,
            "for_this_event",
            'is for `purchase` now, if `page.path equals "/x"`',
        ),
        (
            'page.path: "/thank-you"',
            'page.path: "/thanks"',
            KEPT,
            "condition",
            'was kept by `page.path equals "/thank-you"`; its trigger `thanks` asks `page.path equals "/thanks"` now',
        ),
        (
            'when: {page.path: "/thank-you"}',
            'when: {page.path: "/thank-you", page.host: "a.example"}',
            KEPT,
            "trigger",
            'has a trigger `thanks` that reads otherwise, but still asks `page.path equals "/thank-you"`',
        ),
        ("triggers: [thanks]", "triggers: [bought]", KEPT, "condition", "has no trigger `thanks` any more"),
        (", exceptions: [inside]", "", HELD, "condition", "has no exception `inside` any more"),
        (
            "bought: {event: purchase}",
            'bought: {event: purchase, when: {page.path: "/x"}}',
            SENT,
            "trigger",
            'has a trigger that reads otherwise now, if `page.path equals "/x"`',
        ),
    ],
    ids=(
        *("gone", "paused", "not paused", "moved", "other events", "for this event", "for this event if", "condition"),
        *("trigger", "no trigger", "no exception", "fired otherwise"),
    ),
)
def test_what_changed_is_told(old: str, new: str, decision: TagDecision, kind: str, text: str) -> None:
    assert old in BEFORE
    assert told(BEFORE.replace(old, new), decision)[:1] == [(decision.tag, kind, text)]


def test_a_new_tag_counts_where_it_is_for_the_event() -> None:
    after = BEFORE + "  - {name: New, destination: meta, triggers: [bought]}\n"
    after += "  - {name: Newer, destination: meta, triggers: [lead]}\n"
    assert told(after, SENT, KEPT, OTHER) == [("New", "new", "is new, and is for `purchase`")]


def test_without_the_words_of_that_time_no_condition_is_compared() -> None:
    now = container(BEFORE.replace('"/thank-you"', '"/thanks"'))
    assert changes_since(record("before", SENT, KEPT, OTHER), None, now) == []


def test_a_request_without_events_has_nothing_to_compare() -> None:
    now = container(BEFORE)
    assert changes_since(record("before", name=None), None, now) == []
