"""What follows from a record and its attempts, in words."""

from __future__ import annotations

import pytest

from tagserver.records.container_text import sentence
from tagserver.records.values import (
    Attempted,
    ContainerText,
    EventRecord,
    FailingCondition,
    RowOutcome,
    TagDecision,
    TagText,
    TriggerText,
)
from tagserver.records.view import MOST_TRIES, summary, tries, whole

SENT = TagDecision("Meta", "meta", "send", "send", "fired", "trigger purchase")
OTHER = TagDecision("TikTok", "tiktok", "block", "block", "consent", "needs ad_storage, is denied")


def record(**known: object) -> EventRecord:
    """A purchase that one tag has sent."""
    facts = {
        "number": 7,
        "received": 1000,
        "event_id": "p-1",
        "name": "purchase",
        "source": "browser",
        "client": "datalayer",
        "status": "accepted",
        "version": "c1",
        "tags": (SENT, OTHER),
    }
    return EventRecord(**{**facts, **known})  # type: ignore[arg-type]  # a table of facts


def attempt(at: int, *outcomes: RowOutcome, status: int | None = 200) -> Attempted:
    """One request with the purchase in it."""
    return Attempted("meta", at, 20, status, (("p-1", "Meta"),), outcomes)


@pytest.mark.parametrize(
    ("attempts", "state", "reason", "tried"),
    [
        ([], "pending", "", 0),
        ([attempt(1, RowOutcome("delivered"))], "delivered", "", 1),
        ([attempt(1, RowOutcome("retry", "503", "busy"), status=503)], "pending", "503", 1),
        ([attempt(1, RowOutcome("unknown"), status=None), attempt(2, RowOutcome("delivered"))], "delivered", "", 2),
        (
            [
                attempt(1, RowOutcome("rejected", "100", "no"), status=400),
                attempt(2, RowOutcome("", "rejected", "100 no", "rejected"), status=None),
            ],
            "dead",
            "rejected: 100 no",
            1,
        ),
        ([attempt(1, RowOutcome("", "expired", "", "expired"), status=None)], "dead", "expired", 0),
        (
            [
                attempt(1, RowOutcome("", "rejected", "no", "rejected"), status=None),
                attempt(2, RowOutcome("delivered")),
            ],
            "delivered",
            "",
            1,
        ),
    ],
    ids=["none", "delivered", "retried", "unknown", "rejected", "expired", "sent-again"],
)
def test_the_state_of_a_delivery_follows_from_its_attempts(
    attempts: list[Attempted], state: str, reason: str, tried: int
) -> None:
    shown = whole(record(), tries(attempts), None)
    delivery = shown["tags"][0]["delivery"]
    assert (delivery["state"], delivery["reason"], len(delivery["attempts"])) == (state, reason, tried)
    assert shown["tags"][1]["delivery"] is None
    assert shown["deliveries"] == {state: 1}


def test_a_duplicate_says_by_what_it_was_known() -> None:
    shown = whole(record(status="duplicate", repeated=(("Meta", "order"),)), {}, None)
    assert shown["tags"][0]["delivery"] == {
        "state": "duplicate",
        "reason": "the same order came before under another event_id",
        "at": None,
        "attempts": [],
    }


def test_a_tag_that_was_only_previewed_has_no_delivery() -> None:
    """Beside one that was sent."""
    other = TagDecision("Other", "meta", "send", "send", "fired", "trigger purchase")
    shown = whole(record(tags=(SENT, other), session="s", repeated=(("Other", "dry"),)), {}, None)
    assert [one["delivery"] and one["delivery"]["state"] for one in shown["tags"]] == ["pending", None]


@pytest.mark.parametrize("known", [{"status": "held"}, {"dry": True, "session": "s"}], ids=["held", "dry"])
def test_what_was_not_stored_has_no_delivery(known: dict[str, object]) -> None:
    shown = summary(record(**known), {})
    assert shown["deliveries"] == {}
    assert shown["decisions"] == {"send": 1, "block": 1}


TRIGGER = TriggerText("thanks", ("purchase", "buy*"), (("page.path", 'equals "/thanks"'), ("ip", "in 10.0.0.0/8")))
TEXT = ContainerText("c1", (TagText("Meta", "meta", "container.yaml", 4, (TRIGGER,), (TRIGGER,)),))


@pytest.mark.parametrize(
    ("failing", "reason", "expected"),
    [
        (FailingCondition("thanks", 0, "event"), "no_trigger", 'thanks: event equals "purchase" or "buy*", is "lead"'),
        (
            FailingCondition("thanks", 1, "page.path"),
            "no_trigger",
            'thanks: page.path equals "/thanks", and it does not',
        ),
        (FailingCondition("thanks", 2, "ip"), "exception", "thanks: ip in 10.0.0.0/8"),
        (FailingCondition("gone", 2, "ip"), "no_trigger", "gone: condition 2 on ip"),
        (FailingCondition("thanks", 9, "ip"), "no_trigger", "thanks: condition 9 on ip"),
    ],
    ids=["name", "condition", "exception", "trigger-gone", "condition-gone"],
)
def test_a_summary_is_made_into_a_sentence(failing: FailingCondition, reason: str, expected: str) -> None:
    decision = TagDecision("Meta", "meta", None, "skip", reason, "", failing)
    assert sentence(TEXT, decision, "lead") == expected


def test_without_the_words_of_its_container_the_place_is_told() -> None:
    decision = TagDecision("Meta", "meta", None, "skip", "no_trigger", "", FailingCondition("thanks", 1, "page.path"))
    assert sentence(None, decision, "lead") == "thanks: condition 1 on page.path"


def test_of_a_delivery_with_very_many_attempts_the_newest_are_shown() -> None:
    """The state is that of the last one."""
    made = [attempt(at, RowOutcome("retry", "503"), status=503) for at in range(3 * MOST_TRIES)]
    of = tries([*made, attempt(9999, RowOutcome("delivered"))])
    shown = whole(record(), of, None)["tags"][0]["delivery"]
    assert shown["state"] == "delivered"
    assert len(shown["attempts"]) == MOST_TRIES
    assert shown["attempts"][-1]["at"] == 9999
