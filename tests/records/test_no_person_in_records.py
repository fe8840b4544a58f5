"""Whatever somebody puts wherever: nothing of a person is in the bytes of a record that the whole pipeline has made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import assume, given

from tagserver.config.model import Container
from tagserver.delivery.attempts import Attempt, Ended
from tagserver.event.consent_fields import PURPOSES
from tagserver.event.event import Event
from tagserver.ingest.answer import Answer
from tagserver.pipeline.route import all_decisions, route
from tagserver.plugin.destination import Response
from tagserver.plugin.registry import Registry
from tagserver.records.making import RecordMaker, attempted
from tagserver.records.masking.mask import Masker
from tagserver.records.values import EventRecord
from tests.config.world import load
from tests.destinations.nine import CONFIG, TOKENS
from tests.events import event
from tests.fast_yaml import safe_load

from .test_mask_properties import FREE, KNOWN, PERSONS, TEXTS, laden, spread, values_of

PATHS = (
    *(path for path in (*TEXTS, *FREE, *PERSONS) if path not in ("event", "path", "list", "deep", "customer")),
    *("page.location", "page.path", "page.query.q", "page.referrer", "click.gclid", "cookie.shop", "header.x-shop"),
    *("header.origin", "user_agent", "ip", "list", "deep", "consent", "tcf", "event_id"),
)
VARIABLES = """
small: {path: page.title, format: {case: lower}}
large: {path: own, format: {case: upper}}
piece: {split: "{{ page.title }}", by: " ", index: -1}
small_piece: {template: "{{ piece }}", format: {case: lower}}
first: {split: "{{ comment }}", by: " ", index: 0}
both: {template: "{{ own }}/{{ search_term }}/{{ user_id }}"}
names: {items: "{{ items }}", pluck: item_name, join: " "}
"""


GRANTED = dict.fromkeys(PURPOSES, "granted")


def _container() -> Container:
    """Nine destinations, and a tag for each path that looks at it, and is not fired."""
    parts: dict[str, Any] = safe_load((CONFIG / "container.yaml").read_text())
    parts.setdefault("variables", {}).update(variables := safe_load(VARIABLES))
    for number, path in enumerate((*PATHS, *variables)):
        parts.setdefault("triggers", {})[f"t{number}"] = {"when": {path: {"equals": "nothing of the kind"}}}
        name = f"Tag {number}"
        parts["tags"].append({"name": name, "destination": "archive", "triggers": [f"t{number}"], "event_name": name})
        parts["tags"].append(
            {
                "name": f"{name} held back",
                "destination": "archive",
                "triggers": ["all"],
                "exceptions": [f"not{number}"],
                "event_name": f"{name} held back",
            }
        )
        parts["triggers"][f"not{number}"] = {"when": {path: {"not_equals": "nothing of the kind"}}}
    files = {"server.yaml": "environment: [ARCHIVE]\n", "c.yaml": yaml.safe_dump(parts)}
    loaded = load(files, TOKENS | {"ARCHIVE": "/var/lib/events"}, Registry.load())
    assert loaded.container is not None, loaded.problems
    return loaded.container


@pytest.fixture(scope="module")
def container() -> Container:
    return _container()


def recorded(container: Container, made: Event) -> EventRecord:
    """Its record at level `full`."""
    answer = Answer(made.event_id, "accepted", made.notes)
    found = RecordMaker(b"k" * 32).record(container, (answer, route(container, made), (), ()), 0, "full")
    assert found is not None
    return found


@given(laden())
def test_nothing_of_a_person_is_in_a_record(container: Container, given_: tuple[Event, list[tuple[str, str]]]) -> None:
    made, sentinels = given_
    assume(made.name not in KNOWN)  # a summary keeps the name of an event, and asks nobody whether he is called so
    if made.data.get("consent") is None:
        made = made.derive({**made.data, "consent": GRANTED})
    record = msgspec.structs.replace(recorded(container, made), persons=())
    told = values_of([made.data.get(name) for name in ("user_id", "client_id", "session_id", "user_data")])
    sought = {low for _, low in sentinels if low} | {low for word, low in KNOWN.items() if word in told}
    seen = spread(msgspec.json.encode(record).decode())
    for low in sought:
        assert low not in seen, (
            low,
            [tag for tag in record.full.tags if low in spread(str(tag))] if record.full else "",
        )


def test_what_is_ours_stays(container: Container) -> None:
    """Sentences of consent, of plugins and of the configuration."""
    for consent in ({}, {"ad_storage": "denied"}, GRANTED):
        made = event({"consent": consent, "currency": "EUR", "value": "many", "user_data": {"email": "a@b.example"}})
        masker = Masker(made, made.facts)
        decisions = all_decisions(container, route(container, made))
        for one in decisions:
            for text in (one.detail, *(omitted.why for omitted in one.omitted)):
                assert masker.sentence(text) == text
        assert any("ad_storage" in one.detail for one in decisions) is (consent is not GRANTED)
        assert any(one.omitted for one in decisions) is (consent is GRANTED)


def test_sentinels_come_as_far_as_the_sentences(container: Container) -> None:
    """Else the property would hold for nothing."""
    made = event({"page": {"title": "Hello Qzxw"}, "own": "Qzxw"})
    details = " ".join(one.detail for one in all_decisions(container, route(container, made)))
    assert all(one in details for one in ('"hello qzxw"', '"QZXW"', '"Qzxw"', '"qzxw"'))
    assert "qzxw" not in spread(str(recorded(container, made)))


def test_a_warning_of_a_plugin_is_masked_as_the_answer_is() -> None:
    """It may repeat what a vendor has said."""
    response = Response(200, {}, b'{"events_received":1,"message":"for qzxw@example.com"}')
    ended = (Ended("delivered", "", "the vendor warns about qzxw@example.com"),)
    (outcome,) = attempted("meta", Attempt(0, 5, (), ended, response)).outcomes
    assert outcome.message == 'the vendor warns about [email] {"events_received":1,"message":"…"}'
