"""Schedules, samples, once-per, priorities, and one tag for a whole funnel."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tagserver.pipeline.route import all_decisions, route

from ..events import event
from .world import codes, decide, load

BOX = "destinations: {box: {type: box}}\n"


def container(*tags: str) -> str:
    """A configuration with these tags, all of them on every event."""
    return BOX + "tags:\n" + "".join(f"  - {{destination: box, triggers: [all], {tag}}}\n" for tag in tags)


def reason(tag: str, pushed: dict[str, object] | None = None, **facts: object) -> str:
    """Why a tag does what it does."""
    loaded = load({"container.yaml": container(f"name: T, {tag}")})
    assert loaded.container is not None, loaded.problems
    return decide(loaded.container, event(pushed or {}, **facts))["T"].reason


def ms(text: str) -> int:
    """A moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("schedule", "now", "says"),
    [
        ("{from: 2026-11-27T00:00}", "2026-11-26T23:59:59", "schedule"),
        ("{from: 2026-11-27T00:00}", "2026-11-27T00:00:00", "fired"),
        ("{until: 2026-11-27T00:00}", "2026-11-26T23:59:59", "fired"),
        ("{until: 2026-11-27T00:00}", "2026-11-27T00:00:00", "schedule"),
        ("{from: 2026-11-27T00:00, time_zone: Europe/Berlin}", "2026-11-26T23:00:00", "fired"),
        ("{from: 2026-07-01T00:00, time_zone: Europe/Berlin}", "2026-06-30T22:00:00", "fired"),
        ('{from: "2026-11-27T00:00+02:00"}', "2026-11-26T22:00:00", "fired"),
        ('{from: "2026-11-27T00:00+02:00"}', "2026-11-26T21:59:59", "schedule"),
    ],
)
def test_a_schedule_is_judged_by_the_time_of_receipt(schedule: str, now: str, says: str) -> None:
    assert reason(f"schedule: {schedule}", received=ms(now)) == says


def test_a_sample_is_stable_and_of_its_size() -> None:
    loaded = load({"container.yaml": container('name: T, sample: {percent: 25, by: "{{ client_id }}"}')})
    assert loaded.container is not None
    chosen = {
        number
        for number in range(4000)
        if decide(loaded.container, event({"client_id": f"c-{number}", "event_id": "x"}))["T"].reason == "fired"
    }
    assert 900 < len(chosen) < 1100
    again = {
        number
        for number in range(4000)
        if decide(loaded.container, event({"client_id": f"c-{number}", "event_id": "y"}))["T"].reason == "fired"
    }
    assert chosen == again


@pytest.mark.parametrize(("percent", "says"), [("0", "sampled"), ("100", "fired")])
def test_the_ends_of_a_sample(percent: str, says: str) -> None:
    assert reason(f'sample: {{percent: {percent}, by: "{{{{ client_id }}}}"}}', {"client_id": "c"}) == says


def test_without_a_key_nobody_is_drawn() -> None:
    assert reason('sample: {percent: 100, by: "{{ client_id }}"}') == "sampled"


def test_two_tags_draw_different_samples() -> None:
    half = 'sample: {percent: 50, by: "{{ client_id }}"}'
    tags = [f"name: A, {half}", f"name: B, event_name: b, {half}"]
    loaded = load({"container.yaml": container(*tags)})
    assert loaded.container is not None
    both = [
        {name: one.reason for name, one in decide(loaded.container, event({"client_id": f"c-{n}"})).items()}
        for n in range(200)
    ]
    assert any(one["A"] != one["B"] for one in both)


def test_priority_decides_who_sends_the_same_event() -> None:
    loaded = load({"container.yaml": container("name: A", "name: B, priority: 1")})
    assert loaded.container is not None
    shown = all_decisions(loaded.container, route(loaded.container, event({})))
    assert [(one.tag.name, one.reason) for one in shown] == [("A", "same_event"), ("B", "fired")]


@pytest.mark.parametrize(("name", "sent"), [("purchase", "Bought"), ("lead", "lead-e-1"), ("other", "other")])
def test_one_tag_for_a_funnel(name: str, sent: str) -> None:
    text = container('name: T, event_name: {purchase: Bought, lead: "lead-{{ event_id }}"}')
    loaded = load({"container.yaml": text})
    assert loaded.container is not None
    built = decide(loaded.container, event({"event": name}))["T"].built
    assert built is not None
    assert built.name == sent


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("schedule: {}", "E113"),
        ("schedule: {from: tomorrow}", "E115"),
        ("schedule: {from: 2026-02-01, until: 2026-01-01}", "E115"),
        ("schedule: {from: 2026-02-01, time_zone: Mars}", "E115"),
        ("schedule: {since: 2026-02-01}", "E110"),
        ("sample: {percent: 10}", "E113"),
        ('sample: {percent: 110, by: "{{ client_id }}"}', "E115"),
        ('sample: {percent: many, by: "{{ client_id }}"}', "E115"),
        ("sample: {percent: 10, by: client_id}", "E115"),
        ('once_per: {key: "{{ client_id }}"}', "E113"),
        ('once_per: {key: "{{ client_id }}", within: soon}', "E115"),
        ('once_per: {key: "{{ client_id }}", within: 400d}', "E115"),
        ("priority: high", "E111"),
        ("event_name: {purchase: [1]}", "E111"),
    ],
)
def test_what_is_wrong_is_said(tag: str, code: str) -> None:
    assert code in codes(load({"container.yaml": container(f"name: T, {tag}")}))
