"""The trigger `known events`: for what the tag's destination has a name for."""

from __future__ import annotations

import pytest

from tagserver.event.known_names import CONSENT_EVENT
from tagserver.plugin import ConsentNeeds, StandardEvents
from tagserver.plugin.registry import Registry

from ..events import event
from .world import Ads, Box, codes, container, decide, load

TAG = """
destinations: {ads: {type: ads}}
tags:
  - {name: known, destination: ads, triggers: [known events]}
  - {name: others, destination: ads, triggers: [all], exceptions: [known events], event_name: Other}
"""
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


@pytest.mark.parametrize("name", ["purchase", "add_to_cart", "begin_checkout", "Purchase", "Contact"])
def test_it_holds_for_names_of_the_vendor_and_ours_for_them(name: str) -> None:
    decisions = decide(container(TAG), event({"event": name, "consent": GRANTED}))
    assert (decisions["known"].reason, decisions["others"].reason) == ("fired", "exception")


@pytest.mark.parametrize("name", ["my_event", "Purchases", "view_item", "known events", "all", "", "x" * 200])
def test_it_does_not_for_others(name: str) -> None:
    decisions = decide(container(TAG), event({"event": name or "_", "consent": GRANTED}))
    assert (decisions["known"].reason, decisions["others"].reason) == ("no_trigger", "fired")


def test_what_is_explained() -> None:
    decisions = decide(container(TAG), event({"event": "my_event", "consent": GRANTED}))
    assert decisions["known"].detail == 'known events: ads has no standard name for "my_event"'
    decisions = decide(container(TAG), event({"event": "purchase", "consent": GRANTED}))
    assert decisions["known"].detail == "trigger known events"
    assert decisions["others"].detail == 'known events: ads calls "purchase" "Purchase"'


def test_no_tag_is_asked_for_an_event_that_it_does_not_know() -> None:
    """The index of names leaves it out, however many there are."""
    made = container(TAG)
    assert [one.tag.name for one in made.candidates("my_event")] == ["others"]
    assert [one.tag.name for one in made.candidates("purchase")] == ["known", "others"]


SETTINGS = """
destinations:
  tiktok: {type: tiktok, pixel_code: C1, access_token: "${env:TOKEN}", events: {quote_sent: Lead}}
  linkedin: {type: linkedin, access_token: "${env:TOKEN}", conversions: {purchase: 104012}}
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:TOKEN}"}
tags:
  - {name: TikTok, destination: tiktok, triggers: [known events]}
  - {name: one more, destination: tiktok, triggers: [known events], settings: {events: {call: Contact}}, event_name: X}
  - {name: LinkedIn, destination: linkedin, triggers: [known events]}
  - {name: Meta, destination: meta, triggers: [known events], settings: {search_results: true}}
"""


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("purchase", ["LinkedIn", "Meta", "TikTok", "one more"]),
        ("add_to_cart", ["Meta", "TikTok", "one more"]),
        ("quote_sent", ["TikTok"]),
        ("call", ["one more"]),
        ("view_search_results", ["Meta", "TikTok", "one more"]),
        ("contact", ["Meta"]),
        ("login", []),
    ],
)
def test_settings_that_name_events_count(name: str, tags: list[str]) -> None:
    loaded = load({"container.yaml": SETTINGS}, registry=Registry.load())
    assert loaded.container is not None, loaded.problems
    assert sorted(one.tag.name for one in loaded.container.candidates(name)) == tags


@pytest.mark.parametrize("kind", ["webhook, url: https://a.example/x, secret: '${env:S}'", "file, path: x"])
def test_a_destination_without_names_says_so(kind: str) -> None:
    text = f"destinations: {{d: {{type: {kind}}}}}\ntags: [{{name: A, destination: d, triggers: [known events]}}]\n"
    secret = {"S": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    loaded = load({"container.yaml": text}, secret, Registry.load())
    assert codes(loaded) == ["E115"]
    assert "has no standard names" in loaded.problems[0].message


def test_a_destination_that_is_paused_is_not_blamed() -> None:
    """Nobody knows what its settings name; what is known by itself holds."""
    text = "destinations: {li: {type: linkedin, access_token: '${env:T}', conversions: {purchase: '${env:ID}'}}}\n"
    text += "tags: [{name: A, destination: li, triggers: [known events]}]\n"
    loaded = load({"container.yaml": text, "server.yaml": "environment: [ID]"}, {}, Registry.load())
    assert set(codes(loaded)) == {"P210"}
    assert loaded.container is not None
    assert list(loaded.container.candidates("purchase")) == []


class Telling(Box):
    """Has a name for what a visitor chose."""

    type = "telling"
    consent = ConsentNeeds(())
    standard_events = StandardEvents({CONSENT_EVENT: "Consent"})


def test_what_a_visitor_chose_is_told_to_who_asks_for_it_by_name_alone() -> None:
    text = "destinations: {d: {type: telling}}\ntriggers: {c: {event: consent}}\ntags:\n"
    text += "  - {name: A, destination: d, triggers: [known events]}\n"
    text += "  - {name: B, destination: d, triggers: [c, known events], event_name: B}\n"
    loaded = load({"container.yaml": text}, registry=Registry.of(Telling))
    assert loaded.container is not None
    decisions = decide(loaded.container, event({"event": CONSENT_EVENT, "consent": GRANTED}))
    assert (decisions["A"].decision, decisions["B"].decision) == ("block", "send")


class Wrong(Ads):
    type = "wrong"
    standard_events = "Purchase"  # type: ignore[assignment]  # (wrong on purpose)


class Odd(Ads):
    type = "odd"
    standard_events = StandardEvents({"purchase": 7})  # type: ignore[dict-item]  # (wrong on purpose)


class Endless(Ads):
    type = "endless"
    standard_events = StandardEvents(7, None)  # type: ignore[arg-type]  # (wrong on purpose)


class Failing(Ads):
    type = "failing"

    def event_names(self, settings: object) -> dict[str, str]:
        raise ZeroDivisionError


@pytest.mark.parametrize("bad", [Wrong, Odd, Endless, Failing])
def test_a_plugin_that_states_them_wrongly_hurts_itself_alone(bad: type[Box]) -> None:
    text = f"destinations: {{d: {{type: {bad.type}}}, box: {{type: box}}}}\ntriggers: {{t: {{event: Purchase}}}}\n"
    text += "tags: [{name: A, destination: d, triggers: [known events]}, {name: B, destination: box, triggers: [t]}]\n"
    loaded = load({"container.yaml": text}, registry=Registry.of(bad, Box))
    assert sorted(codes(loaded)) == ["P211", "W313"]
    assert loaded.container is not None
    assert decide(loaded.container, event({"event": "Purchase"}))["B"].decision == "send"


def test_its_name_is_suggested() -> None:
    loaded = load({"container.yaml": TAG.replace("[known events]", "[known event]", 1)})
    assert [one.hint for one in loaded.problems] == ['did you mean "known events"?']
