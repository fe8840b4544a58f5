"""Events that wait for a choice: which ones, how long, and who is let go by what. Time is given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.model.policy import LONGEST_HOLD, ConsentPolicy, Needs
from tagserver.consent.state import ConsentState
from tagserver.event.consent_fields import AD_PURPOSES, PURPOSES
from tagserver.event.event import Event
from tagserver.ingest.consent_wait import (
    MOST_HEARD,
    Visitor,
    WaitingEvent,
    WaitQueue,
    updated,
    wait_asked,
    waits,
)
from tests.events import consent_of, event

POLICY = ConsentPolicy()
META = Needs(frozenset({"ad_storage", "ad_user_data"}), ads=True, restricted=True)
DENIED = dict.fromkeys(AD_PURPOSES, "denied")
GRANTED = dict.fromkeys(AD_PURPOSES, "granted")


def state(consent: Any, **known: Any) -> ConsentState:
    return consent_of(event({"consent": consent}, **known), POLICY)


@pytest.mark.parametrize(
    ("consent", "seconds"),
    [
        ({"default": {"wait_for_update": 500}}, 0.5),
        ({"default": [{"wait_for_update": 500, "region": ["DE"]}, {"wait_for_update": 2000}]}, 2.0),
        ({"default": {"wait_for_update": 60_000}}, LONGEST_HOLD),
        ({"default": {"wait_for_update": 10**400}}, LONGEST_HOLD),
        ({"default": {"wait_for_update": -(10**400)}}, 0.0),
        ([["consent", "default", {"wait_for_update": 700}]], 0.7),
        (["consent", "default", {"wait_for_update": 700}], 0.7),
        ({"0": "consent", "1": "default", "2": {"wait_for_update": 700}}, 0.7),
        ([{"0": "consent", "1": "default", "2": {"wait_for_update": 700}}], 0.7),
        ({"update": {"wait_for_update": 500}}, 0.0),
        ({"wait_for_update": 500}, 0.0),
        ({"default": {"wait_for_update": "500"}}, 0.0),
        ({"default": {"wait_for_update": True}}, 0.0),
        ({"default": {"wait_for_update": -1}}, 0.0),
        ({"default": {"wait_for_update": [1]}}, 0.0),
        ({"default": 7}, 0.0),
        ("default", 0.0),
        (None, 0.0),
    ],
)
def test_how_long_an_event_asks_to_wait(consent: Any, seconds: float) -> None:
    """By a default, in each of its forms; at most five seconds."""
    assert wait_asked(event({"consent": consent}), POLICY) == seconds


def test_the_site_may_ask_for_all() -> None:
    """The page's own word goes before it."""
    policy = ConsentPolicy(hold=1.5)
    assert wait_asked(event({}), policy) == 1.5
    assert wait_asked(event({"consent": {"default": {"wait_for_update": 200}}}), policy) == 0.2


@pytest.mark.parametrize(
    ("consent", "waiting"),
    [
        (None, True),
        ({"default": DENIED}, True),
        ({"default": GRANTED}, True),  # in an unknown region a preset is no consent
        ({"default": DENIED, "update": {"ad_storage": "granted"}}, True),
        ({"default": DENIED, "update": {"ad_storage": "denied"}}, False),
        ({"update": {"ad_storage": "denied", "ad_user_data": "granted"}}, False),
        ({"update": {"analytics_storage": "denied"}}, True),
        ({"update": GRANTED}, False),
    ],
)
def test_what_waits(consent: Any, waiting: bool) -> None:
    """Something is missing, and nothing of that was denied by the visitor."""
    assert waits(META, state(consent)) is waiting


WORDS = st.dictionaries(st.sampled_from(PURPOSES), st.sampled_from(["granted", "denied", "?"]))
SAID = st.fixed_dictionaries({"default": WORDS, "update": WORDS})


@given(before=SAID, said=SAID, known=st.sampled_from([{}, {"country": "US"}]))
def test_waiting_never_loosens_without_an_explicit_grant(before: Any, said: Any, known: dict[str, str]) -> None:
    """What is granted afterwards was granted before, or by the choice; what it denies is denied."""
    first, choice = state(before, **known), state(said, **known)
    after = updated(first, choice, grants=True)
    own = {name for name, word in said["update"].items() if word == "granted"}
    assert after.granted <= first.granted | own
    assert own <= after.granted
    assert all(after.purpose(name).state == word for name, word in said["update"].items() if word == "denied")
    assert updated(first, choice, grants=False).granted <= first.granted


def test_opt_outs_add_up() -> None:
    first = consent_of(event({"gpc": True}), POLICY)
    assert updated(first, state({"update": GRANTED}), grants=True).sale_opt_out == ("gpc",)


# ── the room


def held(
    number: int, *, client: str = "c", view: str = "", until: float = 1.0, size: int = 10, **pushed: Any
) -> WaitingEvent:
    """An event that waits for an ad purpose."""
    made = event({"event_id": f"e{number}", "client_id": client, "page_view_id": view} | pushed)
    return WaitingEvent(made, None, consent_of(made, POLICY), Visitor.of(made), size, until)


def ids(found: list[WaitingEvent]) -> list[str]:
    return [one.event.event_id for one in found]


def meta_waits(made: Event, contract: Any, known: ConsentState) -> bool:
    return waits(META, known)


def says(hold: WaitQueue, consent: Any, retroactive: Any = "page", **pushed: Any) -> list[str]:
    """The ids that a visitor lets go."""
    made = event({"client_id": "c", "consent": consent} | pushed)
    return ids(hold.released_by(Visitor.of(made), consent_of(made, POLICY), retroactive, meta_waits))


def filled(*events: WaitingEvent, **limits: int) -> WaitQueue:
    hold = WaitQueue(**limits)
    for one in events:
        hold.add(one)
    return hold


def test_a_choice_lets_go_in_the_order_of_arrival() -> None:
    """Only this visitor's."""
    hold = filled(*(held(n, client="cd"[n % 2]) for n in range(6)))
    assert says(hold, {"update": GRANTED}) == ["e0", "e2", "e4"]
    assert (len(hold), hold.bytes) == (3, 30)
    assert says(hold, {"update": GRANTED}) == []


@pytest.mark.parametrize("word", ["granted", "denied"])
def test_what_is_let_go_knows_the_choice(word: str) -> None:
    hold = filled(held(1))
    made = event({"client_id": "c", "consent": {"update": dict.fromkeys(AD_PURPOSES, word)}})
    (one,) = hold.released_by(Visitor.of(made), consent_of(made, POLICY), "page", meta_waits)
    assert one.consent.purpose("ad_storage").state == word


def test_choices_without_end_are_heard_a_while() -> None:
    """Each costs a look at all that waits. What still waits then is decided with what is known."""
    hold = filled(held(1))
    words = ["granted", "denied"] * MOST_HEARD
    gone = [says(hold, {"update": {"analytics_storage": word}}) for word in words]
    assert gone.index(["e1"]) == MOST_HEARD - 1
    assert len(hold) == 0


def test_half_a_choice_is_kept_until_the_other_half_comes() -> None:
    hold = filled(held(1))
    assert says(hold, {"update": {"ad_storage": "granted"}}) == []
    assert says(hold, {"update": {"ad_user_data": "granted"}}) == ["e1"]


def test_a_preset_lets_nobody_go() -> None:
    assert says(filled(held(1)), {"default": GRANTED}, country="US") == []


VIEWS: list[tuple[str, dict[str, Any], dict[str, Any], str, list[str]]] = [
    ("same view", {"page_view_id": "v1"}, {"page_view_id": "v1"}, "page", ["e1"]),
    ("another view", {"page_view_id": "v1"}, {"page_view_id": "v2"}, "page", []),
    ("another view", {"page_view_id": "v1"}, {"page_view_id": "v2"}, "session", ["e1"]),
    ("same page", {"page": {"location": "https://a/#x"}}, {"page": {"location": "https://a/#y"}}, "page", ["e1"]),
    ("another page", {"page": {"location": "https://a/"}}, {"page": {"location": "https://b/"}}, "page", []),
    ("another page", {"page": {"location": "https://a/"}}, {"page": {"location": "https://b/"}}, "session", ["e1"]),
    (
        "a session",
        {"page_view_id": "1", "session_id": "s"},
        {"page_view_id": "2", "session_id": "t"},
        "session",
        [],
    ),
    ("no client", {"client_id": "", "page_view_id": "v1"}, {"client_id": "", "page_view_id": "v1"}, "page", ["e1"]),
    ("other client", {"client_id": "d"}, {"client_id": "e"}, "session", []),
    ("nobody", {"client_id": ""}, {"client_id": ""}, "session", []),
]


@pytest.mark.parametrize(("name", "before", "now", "retroactive", "gone"), VIEWS)
def test_how_far_back_a_grant_reaches(
    name: str, before: dict[str, Any], now: dict[str, Any], retroactive: Any, gone: list[str]
) -> None:
    assert says(filled(held(1, **before)), {"update": GRANTED}, retroactive, **now) == gone, name


def test_a_denial_reaches_all_of_the_visitor() -> None:
    """Also what waits of earlier page views."""
    hold = filled(held(1, view="v1"), held(2, view="v2"))
    assert says(hold, {"update": DENIED}, page_view_id="v2") == ["e1", "e2"]


def test_a_browser_lets_go_nothing_that_a_key_has_sent() -> None:
    made = event({"client_id": "c"}, source="backend")
    hold = filled(WaitingEvent(made, None, consent_of(made, POLICY), Visitor.of(made), 1, 1.0))
    assert says(hold, {"update": GRANTED}) == []


def test_a_visitor_is_not_known_by_address_or_agent() -> None:
    made = event({}, ip="198.51.100.7", user_agent="Mozilla/5.0")
    assert Visitor.of(made).names == ()


def test_time_ends_the_waiting() -> None:
    """Of each for itself; what was let go before is not decided twice."""
    hold = filled(held(1, until=2.0), held(2, until=1.0, client="d"), held(3, until=1.5))
    assert hold.next_end() == 1.0
    assert ids(hold.overdue(0.9)) == []
    assert ids(hold.overdue(1.0)) == ["e2"]
    assert says(hold, {"update": GRANTED}) == ["e1", "e3"]
    assert hold.overdue(9.0) == []
    assert hold.next_end() is None


@pytest.mark.parametrize(
    ("limits", "gone"),
    [({"most": 2}, ["e0", "e1"]), ({"most_bytes": 25}, ["e0", "e1"]), ({"most_of_one": 1}, ["e0", "e1"])],
)
def test_the_oldest_have_to_go_when_there_is_no_room(limits: dict[str, int], gone: list[str]) -> None:
    """Of a visitor with too many, the visitor's own."""
    hold = WaitQueue(**limits)
    found = [one for n in range(4) for one in hold.add(held(n, client="cd"[n % 2]))]
    assert ids(found) == gone
    assert (len(hold), hold.bytes) == (2, 20)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40), st.booleans()), max_size=60))
def test_the_room_is_never_too_full_and_forgets_nobody(steps: list[tuple[int, int, bool]]) -> None:
    """Whatever comes and goes: each event leaves once, within the limits, and what is left is what is counted."""
    hold = WaitQueue(most=8, most_of_one=4, most_bytes=150)
    gone: list[str] = []
    for number, (client, size, leave) in enumerate(steps):
        gone += ids(hold.add(held(number, client=str(client), size=size, until=float(size))))
        if leave:
            gone += says(hold, {"update": GRANTED}, client_id=str(client))
        assert len(hold) <= 8
        assert hold.bytes <= 150
    gone += ids(hold.overdue(100.0))
    assert sorted(gone) == sorted(f"e{number}" for number in range(len(steps)))
    assert (len(hold), hold.bytes) == (0, 0)
