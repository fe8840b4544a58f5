"""What Google's tag makes by itself: named, and left out of the trigger `all`; a trigger that names it has it."""

from __future__ import annotations

import pytest

from tagserver.event.automatic import AUTOMATIC_EVENTS, is_automatic
from tagserver.event.event import Event
from tagserver.event.known_names import RECOMMENDED_EVENTS
from tagserver.expressions.scope import Scope
from tagserver.inbound.clients.datalayer import Context
from tagserver.pipeline.route import failing

from ..events import event
from .world import container, decide

TAGS = container("""
destinations: {box: {type: box}}
triggers:
  named: {event: scroll}
  wild: {event: "*"}
  asks: {when: {depth: 90}}
tags:
  - {name: every, destination: box, triggers: [all]}
  - {name: named, destination: box, triggers: [named], event_name: Named}
  - {name: wild, destination: box, triggers: [wild], event_name: Wild}
  - {name: asks, destination: box, triggers: [asks], event_name: Asks}
  - {name: either, destination: box, triggers: [all, named], event_name: Either}
  - {name: but, destination: box, triggers: [wild], exceptions: [all], event_name: But}
""")
AMONG = Context({}, client="ga4", automatic=True)


def made(name: str, context: Context = AMONG) -> Event:
    """An event as a client makes it to which automatic ones come."""
    return event({"event": name, "depth": 90}, context)


@pytest.mark.parametrize("name", [*sorted(AUTOMATIC_EVENTS), "gtm.js", "gtm.scrollDepth"])
def test_all_leaves_it_out(name: str) -> None:
    found = made(name)
    assert (found.automatic, [note.code for note in found.notes]) == (True, ["automatic"])
    every = decide(TAGS, found)["every"]
    assert (every.reason, every.detail) == (
        "no_trigger",
        f'all: leaves out automatic events, is "{name}"; a trigger that names it takes it',
    )


@pytest.mark.parametrize("name", ["purchase", "page_view", "form_submit", "click", "gtm", "scrolled", "Scroll"])
def test_it_takes_what_may_count(name: str) -> None:
    found = made(name)
    assert (found.automatic, found.notes, decide(TAGS, found)["every"].reason) == (False, (), "fired")


def test_who_asks_for_it_has_it() -> None:
    reasons = {name: one.reason for name, one in decide(TAGS, made("scroll")).items()}
    assert reasons == dict.fromkeys(reasons, "fired") | {"every": "no_trigger"}


def test_an_exception_is_of_the_same_events() -> None:
    assert decide(TAGS, made("purchase"))["but"].reason == "exception"


@pytest.mark.parametrize("name", ["scroll", "user_engagement", "gtm.dom"])
def test_a_name_in_the_data_layer_is_meant(name: str) -> None:
    """At our own door somebody has pushed it."""
    found = made(name, Context({}))
    assert (found.automatic, found.notes, decide(TAGS, found)["every"].reason) == (False, (), "fired")


def test_a_record_says_which_condition() -> None:
    every = next(tag for tag in TAGS.tags if tag.name == "every")
    assert failing(every, Scope(made("scroll"))) == ("all", 1, "leaves out automatic events")


def test_what_a_tag_sees_is_still_automatic() -> None:
    """An event with other data is of the same kind."""
    assert made("scroll").derive({}).automatic


def test_nothing_that_google_recommends_is_automatic() -> None:
    assert not any(map(is_automatic, RECOMMENDED_EVENTS))
