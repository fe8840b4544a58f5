"""What of the changes of a state is said: each once, none lost, and no flood of what goes back and forth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.logs.changes import NONE, REPEATED, Change, Changes, Seen
from tagserver.system.text import span


class Subject:
    """One subject, with the time in hand."""

    def __init__(self) -> None:
        self.changes = Changes("ok")
        self.now = 0.0

    def is_now(self, state: str, mark: str = "", after: float = 0.0) -> Change | None:
        """A look, some seconds later."""
        self.now += after
        return self.changes.look("meta", Seen(state, mark, mark), self.now)

    def settles(self, after: float) -> list[Change]:
        """What is said in the end, some seconds later."""
        self.now += after
        return [change for _, change in self.changes.settle(self.now)]


def words(change: Change | None) -> str:
    """Short, for comparison."""
    return "" if change is None else f"{change.previous.state}>{change.seen.state} {change.lasted:g} {change.unsaid}"


def test_what_is_well_from_the_start_is_not_spoken_of() -> None:
    assert Subject().is_now("ok") is None


def test_what_is_not_well_at_the_start_is() -> None:
    change = Subject().is_now("paused")
    assert change is not None
    assert (change.previous.state, change.seen.state) == (NONE, "paused")


def test_each_change_is_said_once_with_how_long_it_lasted() -> None:
    one = Subject()
    one.is_now("ok")
    assert words(one.is_now("retrying", after=5)) == "ok>retrying 5 0"
    assert one.is_now("retrying", after=1) is None
    assert words(one.is_now("open", after=2)) == "retrying>open 3 0"
    assert words(one.is_now("ok", after=7)) == "open>ok 10 0", "all that was not well"


def test_another_reason_is_another_matter_where_the_mark_says_so() -> None:
    one = Subject()
    one.is_now("paused", "190")
    assert one.is_now("paused", "190", after=100) is None
    assert words(one.is_now("paused", "200", after=100)) == "paused>paused 200 0"


def test_what_goes_back_and_forth_is_one_line_a_minute() -> None:
    one = Subject()
    one.is_now("ok")
    said = []
    for _ in range(600):
        said.append(one.is_now("retrying", after=0.25))
        said.append(one.is_now("ok", after=0.25))
        said += one.settles(0)
    told = [change for change in said if change is not None]
    assert len(told) == 2 + 4, "both ways at once, then one a minute"


def test_the_last_line_about_a_subject_does_not_stay_wrong() -> None:
    one = Subject()
    one.is_now("ok")
    one.is_now("retrying", after=1)
    one.is_now("ok", after=1)
    assert one.is_now("retrying", after=1) is None
    assert one.settles(1) == []
    (late,) = one.settles(REPEATED)
    assert words(late) == f"ok>retrying {REPEATED + 1:g} 1"
    assert one.settles(REPEATED) == []


STATES = st.sampled_from(["ok", "retrying", "open", "paused"])


@given(st.lists(st.tuples(STATES, st.floats(0, 90)), max_size=40))
def test_no_change_is_lost_and_the_end_is_known(steps: list[tuple[str, float]]) -> None:
    one = Subject()
    one.is_now("ok")
    last, happened, told, counted = "ok", 0, "ok", 0
    for state, after in steps:
        happened += state != last
        last = state
        said = one.settles(0)
        if (change := one.is_now(state, after=after)) is not None:
            said.append(change)
        counted += sum(line.unsaid for line in said) + (change is not None)
        told = said[-1].seen.state if said else told
    for line in one.settles(2 * REPEATED):
        told = line.seen.state
        counted += line.unsaid
    assert told == last
    assert counted == happened


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (59, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7200, "2 h"),
        (187_000, "2 d 3 h"),
    ],
)
def test_a_span_in_words(seconds: float, said: str) -> None:
    assert span(seconds) == said
