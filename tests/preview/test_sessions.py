"""Grants and sessions by themselves: what a text grants, how long, and to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.preview.grant import Grant, Grants, new_id
from tagserver.preview.session import Session
from tagserver.preview.sessions import NotGranted, Sessions
from tests.fake_time import FakeTime

KEY = b"k" * 32
SHOP = "https://shop.example"


def started(sessions: Sessions, minutes: int = 60) -> Session:
    return sessions.start(by="anna", minutes=minutes, origin=SHOP, send="dry", codes={}, draft=None)


def test_a_grant_says_what_was_granted() -> None:
    grant = Grant(new_id(), 1_800_000_000)
    assert Grants(KEY).read(Grants(KEY).written(grant)) == grant
    assert Grants(b"o" * 32).read(Grants(KEY).written(grant)) is None


@given(st.data())
def test_an_altered_grant_is_none(data: st.DataObject) -> None:
    """Whatever letter is another one, more, or gone."""
    text = Grants(KEY).written(Grant("AAAAAAAAAAAA", 1_800_000_000))
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.text(st.sampled_from("AZaz09._-é\n"), max_size=2))
    altered = text[:at] + put + text[at + 1 :]
    assert altered == text or Grants(KEY).read(altered) is None


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text())))
def test_anything_else_is_none(text: object) -> None:
    assert Grants(KEY).read(text) is None


def test_it_ends_with_its_time() -> None:
    """To the second, and without anybody looking at it."""
    time = FakeTime()
    sessions = Sessions(KEY, time)
    made = started(sessions, minutes=5)
    grant = sessions.grant(made)
    time.advance(299)
    assert sessions.granted(grant, SHOP, keyed=False) is made
    time.advance(2)
    with pytest.raises(NotGranted, match=r"^this preview session ended on \d{4}-"):
        sessions.granted(grant, SHOP, keyed=False)
    assert sessions.known(made.id) is None
    assert sessions.all() == []
    assert not sessions.end(made.id)


def test_another_process_with_the_key_knows_that_it_was_restarted() -> None:
    time = FakeTime()
    sessions = Sessions(KEY, time)
    grant = sessions.grant(started(sessions))
    with pytest.raises(NotGranted, match="when the server was restarted"):
        Sessions(KEY, time).granted(grant, SHOP, keyed=False)


@pytest.mark.parametrize(
    ("origin", "keyed", "taken"),
    [
        (SHOP, False, True),
        (SHOP, True, True),
        (None, True, True),
        (None, False, False),
        ("null", False, False),
        ("https://shop.example.evil", False, False),
        ("http://shop.example", True, False),
    ],
)
def test_it_is_for_one_shop(origin: str | None, keyed: bool, taken: bool) -> None:
    """A server with a key has no page; a browser without an origin is nobody's."""
    sessions = Sessions(KEY, FakeTime())
    grant = sessions.grant(started(sessions))
    if taken:
        assert sessions.granted(grant, origin, keyed=keyed).origin == SHOP
    else:
        with pytest.raises(NotGranted, match=f"is for pages of {SHOP}"):
            sessions.granted(grant, origin, keyed=keyed)


def test_what_has_ended_is_forgotten_in_time() -> None:
    time = FakeTime()
    sessions = Sessions(KEY, time)
    made = started(sessions)
    assert sessions.end(made.id)
    assert not sessions.end(made.id)
    time.advance(3601)
    assert sessions.all() == []
    assert sessions._ended == {}
