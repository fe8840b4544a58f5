"""The sentences of Preview: there is one for everything that can happen."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from tagserver.explain.try_ import REASONS
from tagserver.queue.dead_letters import REASONS as DEAD_LETTERS
from tagserver.queue.moves import ERASED_FOR
from tagserver.records.query import STATUSES
from tagserver.records.values import (
    AttemptOutcome,
    ContainerText,
    FailingCondition,
    RowOutcome,
    TagDecision,
    TagText,
    TriggerText,
)
from tagserver.records.words import sentences as words
from tagserver.records.words import tables

TRIGGERS = (
    TriggerText("thanks", ("purchase",), (("page.path", 'equals "/a, is b"'),)),
    TriggerText("many", ("a", "b", "c", "d", "e"), ()),
    TriggerText("either", (), (("any", 'of: a equals "x"'),)),
    TriggerText("known events", ("purchase",), ()),
)
CONTAINER = ContainerText("v", (TagText("A", "meta", "c.yaml", 3, TRIGGERS, TRIGGERS[:1]),))


def test_every_word_of_a_decision_has_its_sentence() -> None:
    assert set(tables.NOT_SENT) == set(REASONS) - {"fired"}


def test_every_answer_and_every_outcome_has_its_sentence() -> None:
    assert set(tables.STATUS) == set(STATUSES)
    assert set(tables.OUTCOMES) == set(get_args(AttemptOutcome))


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


TRIED = {"attempts": [{"outcome": "retry"}], "reason": "503"}
NEW: dict[str, Any] = {"attempts": [], "reason": ""}


@pytest.mark.parametrize(
    ("decision", "delivery", "status", "dry", "expected"),
    [
        ("send", {"state": "delivered", **TRIED}, "accepted", False, "delivered"),
        ("send", {"state": "pending", **NEW}, "accepted", False, "pending"),
        ("restrict", {"state": "pending", **TRIED}, "accepted", False, "again"),
        ("send", {"state": "pending", **TRIED, "reason": "retried"}, "accepted", False, "pending"),
        ("send", {"state": "dead", **TRIED}, "accepted", False, "dead"),
        ("send", {"state": "erased", **NEW}, "accepted", False, "erased"),
        ("send", {"state": "duplicate", **NEW}, "duplicate", False, "duplicate"),
        ("send", None, "held", False, "held"),
        ("send", None, "accepted", True, "dry"),
        ("send", None, "rejected", False, "rejected"),
        ("block", None, "accepted", False, "block"),
        ("skip", None, "held", False, "skip"),
        ("error", None, "accepted", False, "error"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_each_tag_has_one_verdict(
    decision: str, delivery: dict[str, Any] | None, status: str, dry: bool, expected: str
) -> None:
    assert words.verdict(decision, delivery, status, dry=dry) == expected
    assert expected in tables.VERDICTS


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (RowOutcome("delivered"), "delivered"),
        (RowOutcome("retry", "503"), "again"),
        (RowOutcome("unknown"), "again"),
        (RowOutcome("", "expired", "", "expired"), "dead"),
        (RowOutcome("", "consent", "", "", "erased"), "erased"),
        (RowOutcome("", "", "", "", "queue"), "pending"),
    ],
    ids=("delivered", "retry", "unknown", "dead", "erased", "put-back"),
)
def test_who_looks_on_live_is_told_the_same_verdict(outcome: RowOutcome, expected: str) -> None:
    assert words.verdict_after(outcome) == expected


def test_verdicts_are_counted_in_their_order() -> None:
    assert list(words.counted_verdicts(["skip", "dead", "delivered", "skip", "of another version"]).items()) == [
        ("delivered", 1),
        ("dead", 1),
        ("skip", 2),
        ("of another version", 1),
    ]


@pytest.mark.parametrize("why", sorted(ERASED_FOR))
@pytest.mark.parametrize("before", ["", "rejected"])
def test_what_was_erased_says_why_and_when(why: str, before: str) -> None:
    reason = f"{why}: {before}" if before else why
    tag = {"decision": "send", "verdict": "erased", "delivery": {"state": "erased", "reason": reason, "at": 0}}
    expected = f"erased: {ERASED_FOR[why]}, at 1970-01-01 00:00:00 UTC"
    given_up = "given up, because the vendor refused it for good; then " if before else ""
    assert words.tag_word(tag).text == f"{given_up}{expected}"


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
    tag = {"decision": "block", "verdict": "block", "reason": "consent", "detail": detail, "asked": None}
    assert words.tag_word(tag).text == f"not sent: {expected}"
