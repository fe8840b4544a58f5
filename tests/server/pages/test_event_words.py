"""The sentences of Preview: there is one for everything that can happen."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.explain.try_ import REASONS
from tagserver.records.query import STATUSES
from tagserver.records.values import ContainerText, FailingCondition, TagDecision, TagText, TriggerText
from tagserver.server.pages.event import words
from tagserver.server.pages.glossary import ATTEMPTS, DEAD_LETTERS

TRIGGERS = (
    TriggerText("thanks", ("purchase",), (("page.path", 'equals "/a, is b"'),)),
    TriggerText("many", ("a", "b", "c", "d", "e"), ()),
    TriggerText("either", (), (("any", 'of: a equals "x"'),)),
    TriggerText("known events", ("purchase",), ()),
)
CONTAINER = ContainerText("v", (TagText("A", "meta", "c.yaml", 3, TRIGGERS, TRIGGERS[:1]),))


def test_every_word_of_a_decision_has_its_sentence() -> None:
    assert set(words.NOT_SENT) == set(REASONS) - {"fired"}


def test_every_answer_and_every_outcome_has_its_sentence() -> None:
    assert set(words.STATUS) == set(STATUSES)
    assert set(words.OUTCOMES) == set(ATTEMPTS)


@pytest.mark.parametrize("reason", sorted(DEAD_LETTERS))
def test_every_dead_letter_has_its_sentence(reason: str) -> None:
    assert words.given_up(reason) != reason
    assert words.given_up(f"{reason}: something") == words.given_up(reason)


def asked(trigger: str, number: int, detail: str, reason: str = "no_trigger") -> dict[str, str] | None:
    decision = TagDecision("A", "meta", None, "skip", reason, "", FailingCondition(trigger, number, "page.path"))
    return words.condition_of(CONTAINER, decision, detail, "refund")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (asked("thanks", 1, 'thanks: page.path equals "/a, is b", is "/c"'), ('page.path equals "/a, is b"', '"/c"')),
        (
            asked("thanks", 1, 'thanks: page.path equals "/a, is b", and it does not'),
            ('page.path equals "/a, is b"', ""),
        ),
        (
            asked("either", 1, 'either: none of: a equals "x", is "y"'),
            ('any of: a equals "x"', 'none of: a equals "x", is "y"'),
        ),
        (asked("gone", 1, "gone: condition 1 on page.path"), ("condition 1 on page.path", "")),
        (
            asked("thanks", 1, 'thanks: page.path equals "/a, is b", is "x"', "exception"),
            ('page.path equals "/a, is b"', '"x"'),
        ),
    ],
    ids=("both", "one", "several", "unknown", "exception"),
)
def test_the_two_sides_of_a_condition_are_told_apart(told: dict[str, str], expected: tuple[str, str]) -> None:
    assert (told["condition"], told["value"]) == expected


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("thanks", "`purchase`"),
        ("many", "`a` or `b` or `c` or 2 more"),
        ("known events", "the events that the vendor has a name for"),
        ("gone", "other events"),
    ],
)
def test_a_name_that_decided_is_told_as_such(trigger: str, expected: str) -> None:
    told = asked(trigger, 0, "whatever")
    assert told is not None
    assert (told["condition"], told["name"]) == (expected, "refund")


def summary(**fields: Any) -> dict[str, Any]:
    return {"status": "accepted", "decisions": {}, "deliveries": {}, **fields}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            summary(decisions={"send": 2, "skip": 1}, deliveries={"delivered": 1, "dead": 1}),
            {"delivered": 1, "dead": 1, "skip": 1},
        ),
        (summary(status="held", decisions={"send": 1, "restrict": 1}), {"held": 2}),
        (summary(decisions={"send": 1}, dry=True), {"dry": 1}),
        (summary(status="rejected", decisions={"send": 1}), {"rejected": 1}),
        (summary(decisions={"block": 1, "error": 2}), {"block": 1, "error": 2}),
    ],
    ids=("sent", "held", "dry", "rejected", "not-sent"),
)
def test_each_tag_has_one_verdict(told: dict[str, Any], expected: dict[str, int]) -> None:
    assert words.counts(told) == expected


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ({"delivered": 2}, "has arrived"),
        ({"delivered": 1, "pending": 1}, "until the vendor has it"),
        ({"delivered": 1, "dead": 1, "pending": 1}, "given up"),
    ],
    ids=("arrived", "waits", "given-up"),
)
def test_what_became_of_an_accepted_event_is_said_first(deliveries: dict[str, int], expected: str) -> None:
    assert expected in words.status_of(summary(decisions={"send": 3}, deliveries=deliveries)).text


@pytest.mark.parametrize(
    ("status", "outcome", "expected"),
    [
        (200, "delivered", "answered 200 after 1,200 ms"),
        (None, "delivered", "after 1,200 ms"),
        (None, "unknown", "no answer after 1,200 ms"),
    ],
    ids=("answer", "file", "broken"),
)
def test_a_file_is_not_said_to_have_given_no_answer(status: int | None, outcome: str, expected: str) -> None:
    assert words.answer_of({"status": status, "outcome": outcome, "ms": 1200}) == expected


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (
            "needs ad_storage, is denied (consent.default); ad_user_data, is not set",
            "consent is missing: `ad_storage` is denied (the page's default: no choice yet); `ad_user_data` is not set",
        ),
        ("opted out of sale (gpp)", "consent is missing: opted out of sale (gpp)"),
    ],
    ids=("purposes", "opt-out"),
)
def test_missing_consent_is_told_by_its_purposes(detail: str, expected: str) -> None:
    tag = {"decision": "block", "reason": "consent", "detail": detail, "delivery": None}
    assert words.tag_word(summary(), tag, None).text == f"not sent: {expected}"
