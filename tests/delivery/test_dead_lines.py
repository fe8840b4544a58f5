"""One line for what died alike."""

from __future__ import annotations

import pytest

from tagserver.delivery.dead_lines import LONGEST, MOST, MOST_CODES, DeadLines
from tagserver.queue.values import DeadLettered
from tests.delivery.support import delivery, row_of
from tests.fake_time import FakeTime


class Letters:
    """DeadLetterCounts, with the time in hand."""

    def __init__(self, clock: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
        self.clock = clock
        self.lines = DeadLines(clock)
        self._caplog = caplog
        self._number = 0

    def die(self, count: int = 1, reason: str = "tag_removed", code: str = "", tag: str = "Tag") -> None:
        """Some rows of one batch."""
        rows = []
        for _ in range(count):
            rows.append(row_of(self._number, delivery(f"e{self._number}", tag=tag)))
            self._number += 1
        self.lines.dead_lettered(
            "meta", rows, [DeadLettered(row.id, reason, "the tag is paused", code) for row in rows]
        )

    def passes(self, seconds: int) -> None:
        """Time goes by, with a look a second."""
        for _ in range(seconds):
            self.clock.advance(1)
            self.lines.look()

    @property
    def said(self) -> list[str]:
        """The log."""
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def letters(clock: FakeTime, caplog: pytest.LogCaptureFixture) -> Letters:
    return Letters(clock, caplog)


def test_one_dead_letter_is_a_line_with_its_event(letters: Letters, caplog: pytest.LogCaptureFixture) -> None:
    letters.die()
    assert letters.said == []
    letters.passes(1)
    assert letters.said == ["event e0 for meta is a dead letter: tag_removed the tag is paused"]
    assert caplog.records[0].__dict__["event_id"] == "e0"


@pytest.mark.parametrize("batch", [1, 100], ids=["one by one", "in batches"])
def test_a_thousand_that_died_alike_are_one(letters: Letters, caplog: pytest.LogCaptureFixture, batch: int) -> None:
    for _ in range(0, 1000, batch):
        letters.die(batch)
    letters.passes(2)
    assert letters.said == [
        "1000 events of the tag Tag for meta are dead letters, the first for: tag_removed the tag is paused"
    ]
    record = caplog.records[0].__dict__
    assert (record["count"], record["events"], record["tag"]) == (1000, "e0 e1 e2", "Tag")


def test_what_goes_on_is_said_now_and_then(letters: Letters) -> None:
    for _ in range(round(3 * LONGEST)):
        letters.die(5)
        letters.passes(0)
        letters.clock.advance(0.5)
        letters.lines.look()
        letters.clock.advance(0.4)
        letters.lines.look()
    letters.passes(2)
    assert 2 <= len(letters.said) <= 4
    assert sum(int(line.split()[0]) for line in letters.said) == 5 * round(3 * LONGEST)


def test_other_reasons_codes_and_tags_are_other_lines(letters: Letters) -> None:
    letters.die(2)
    letters.die(2, tag="Other")
    letters.die(2, reason="rejected", code="100")
    letters.die(2, reason="rejected", code="101")
    letters.lines.close()
    assert len(letters.said) == 4


def test_codes_that_a_vendor_makes_up_are_bounded(letters: Letters, caplog: pytest.LogCaptureFixture) -> None:
    """Another one for each event makes no line for each."""
    for number in range(3 * MOST):
        letters.die(reason="rejected", code=f"c{number}")
    letters.lines.close()
    assert len(letters.said) == MOST_CODES + 1
    last = caplog.records[-1].__dict__
    assert (last["code"], last["count"]) == ("other", 3 * MOST - MOST_CODES)


def test_what_is_gathered_is_bounded(letters: Letters) -> None:
    for number in range(3 * MOST):
        letters.die(tag=f"Tag {number}")
    assert len(letters.said) >= 2 * MOST
    letters.lines.close()
    assert len(letters.said) == 3 * MOST
