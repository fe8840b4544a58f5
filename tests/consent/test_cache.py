"""The cache: a state that was worked out before is the one that would be worked out now."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.cache import ConsentCache
from tagserver.event.consent_fields import PURPOSES
from tagserver.event.event import Event
from tagserver.inbound.clients.datalayer import read_event

from ..events import NOW, consent_of, event, facts
from .test_signals import CHILD, CLEAN, NO, OLD, POLICY, SOLD, YES
from .writers import DAY, head, tc_string

ALL = dict.fromkeys(PURPOSES, "granted")


def at(moment: int, pushed: dict[str, Any]) -> Event:
    return event(pushed, received=moment)


def test_a_remembered_state_does_not_outlive_its_string() -> None:
    """The same string: accepted on its last day, refused a millisecond later, and the other way round."""
    cache = ConsentCache(POLICY)
    updated = NOW - 396 * DAY
    pushed = {"tcf": tc_string(head(purposes=(1, 3, 4, 7), updated=updated))}
    assert cache.read(at(NOW, pushed)).granted
    assert not cache.read(at(NOW + 1, pushed)).granted
    assert cache.read(at(NOW, pushed)).granted
    assert not cache.read(at(updated - 3 * DAY, pushed)).granted
    assert cache.read(at(updated - 2 * DAY, pushed)).granted


SIGNALS: list[dict[str, Any]] = [
    *({"tcf": text} for text in (YES, NO, OLD, "x")),
    *({"gpp": text} for text in (CLEAN, SOLD, CHILD)),
    {"gcd": "13v3v3v3v5"},
    {"consent": ALL},
    {"consent": {"default": ALL}},
    {"gpc": True},
    {"gdpr": 0},
    {},
]


@given(st.lists(st.tuples(st.sampled_from(SIGNALS), st.sampled_from(SIGNALS), st.integers(-2, 400)), max_size=20))
def test_remembering_changes_nothing(visits: list[tuple[dict[str, Any], dict[str, Any], int]]) -> None:
    """Whatever came before, an event's state is the one that is worked out afresh."""
    cache = ConsentCache(POLICY)
    for one, other, days in visits:
        made = at(NOW + days * DAY, one | other)
        assert cache.read(made).as_dict() == consent_of(made, POLICY).as_dict()


def test_an_events_own_cookie_counts_for_it_alone() -> None:
    """A backend may send each visitor's cookies along in the events of one request."""
    cache = ConsentCache(POLICY)
    request = facts(source="backend")
    visitors: list[tuple[dict[str, Any], bool]] = [({}, False), ({"cookie": {"euconsent-v2": YES}}, True)]
    visitors += [({"cookie": {"euconsent-v2": NO}}, False), ({}, False), ({"cookie": {"euconsent-v2": YES}}, True)]
    for pushed, granted in visitors:
        made = read_event({"event": "purchase", "event_id": "e-1", **pushed}, request)
        assert bool(cache.read(made).granted) is granted


@pytest.mark.parametrize("known", [{"cookies": {"euconsent-v2": NO}}, {"country": "DE"}, {"headers": {"sec-gpc": "1"}}])
def test_what_the_request_says_counts_for_its_events_alone(known: dict[str, Any]) -> None:
    """Two requests whose events say the same."""
    cache = ConsentCache(POLICY)
    pushed = {"consent": {"default": ALL}}
    made = [event(pushed, country="US"), event(pushed, **{"country": "US"} | known), event(pushed, country="US")]
    states = [cache.read(one) for one in made]
    assert [one.proof for one in states] == [consent_of(one, POLICY).proof for one in made]
    assert states[0].proof == states[2].proof != states[1].proof
