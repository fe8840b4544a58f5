"""Events that wait for consent, at `/collect`: answered `held`, decided by what comes, lost by nobody's promise."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.delivery.support import until

from .conftest import CONTAINER, ENVIRON, GRANTED, SERVER, Running, Start, purchase

MINUTES_AGO = int(time.time()) - 180
LATER = {"default": {"ad_storage": "denied", "ad_user_data": "denied", "wait_for_update": 5000}}
SHORT = {"default": {"ad_storage": "denied", "ad_user_data": "denied", "wait_for_update": 30}}
DENIED = {"ad_storage": "denied", "ad_user_data": "denied"}


def waiting(event_id: str, consent: Any = LATER, **fields: Any) -> dict[str, Any]:
    """A purchase whose visitor has not chosen yet."""
    return purchase(event_id, client_id="c", consent=consent, timestamp=MINUTES_AGO * 1000) | fields


def choice(consent: Any, **fields: Any) -> dict[str, Any]:
    """What the page says when the visitor has chosen."""
    page = {"location": "https://shop.example/thanks"}
    return {"event": "consent", "client_id": "c", "page": page, "consent": {"update": consent}} | fields


async def statuses(server: Running, *events: Any) -> list[str]:
    answer = await server.collect(list(events))
    return [one["status"] for one in answer.json()["events"]]


def ended(server: Running) -> dict[str, int]:
    """How the waiting of events has ended."""
    return {name: number for name, number in server.runtime.consent_wait.ended.items() if number}


async def test_a_grant_lets_go_in_order_with_time_and_id(server: Running) -> None:
    assert await statuses(server, waiting("b"), waiting("a")) == ["held", "held"]
    assert (await server.status())["held"]["events"] == 2
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0
    assert await statuses(server, choice(GRANTED)) == ["accepted"]
    stats = await server.drained()
    assert [one["event_id"] for one in reversed(stats["events"])] == ["b", "a"]
    assert {one["event_time"] for one in stats["events"]} == {MINUTES_AGO}
    assert (await server.status())["held"] == {"events": 0, "bytes": 0}
    assert ended(server) == {"granted": 2}


async def test_the_next_event_with_a_grant_is_a_choice_too(server: Running) -> None:
    """Whatever its name; it goes behind what has waited."""
    await server.collect(waiting("first"))
    await server.collect(waiting("second", {**LATER, "update": GRANTED}))
    stats = await server.drained()
    assert [one["event_id"] for one in reversed(stats["events"])] == ["first", "second"]


async def test_a_denial_purges(server: Running) -> None:
    await server.collect([waiting("a"), waiting("b")])
    await server.collect(choice(DENIED))
    await server.collect(choice(GRANTED))
    assert (await server.drained())["arrivals"] == 0
    assert ended(server) == {"denied": 2}


async def test_in_time_it_is_decided_with_what_is_known(server: Running) -> None:
    """Which is nothing: blocked. A grant that comes later is too late."""
    assert await statuses(server, waiting("a", SHORT)) == ["held"]
    await until(lambda: ended(server) == {"timeout": 1})
    await server.collect(choice(GRANTED))
    assert (await server.drained())["arrivals"] == 0


async def test_others_are_answered_as_ever(server: Running) -> None:
    """Without a name of the visitor, without a wish to wait, after an explicit denial, or when nobody wants it."""
    nameless = waiting("nameless")
    del nameless["client_id"]
    refused = waiting("refused", {**LATER, "update": {"ad_storage": "denied"}})
    hasty = waiting("hasty", {"default": DENIED})
    unwanted = waiting("unwanted", event="scroll")
    assert await statuses(server, nameless, refused, hasty, unwanted) == ["accepted"] * 4
    assert await statuses(server, waiting("granted", {**LATER, "update": GRANTED})) == ["accepted"]
    assert (await server.status())["held"]["events"] == 0


async def test_the_site_can_hold_all(start: Start) -> None:
    server: Running = await start(container="consent: {hold: 2s}\n" + CONTAINER)
    assert await statuses(server, waiting("a", None)) == ["held"]
    await server.collect(choice(GRANTED))
    assert (await server.drained())["unique"] == 1


async def test_a_grant_reaches_the_present_page_alone_unless_the_site_says_session(start: Start) -> None:
    for name, setting, arrived in (("page", "", 0), ("session", "consent: {retroactive: session}\n", 1)):
        server: Running = await start(container=setting + CONTAINER, name=name)
        await server.collect(waiting("a"))
        await server.collect(choice(GRANTED, page={"location": "https://shop.example/next"}))
        assert (await server.drained())["arrivals"] == arrived, name


async def test_a_repeat_of_what_waits_arrives_once(server: Running) -> None:
    assert await statuses(server, waiting("a"), waiting("a")) == ["held", "held"]
    await server.collect(choice(GRANTED))
    assert (await server.drained())["arrivals"] == 1
    assert await statuses(server, waiting("a", {"update": GRANTED})) == ["duplicate"]


async def test_the_end_of_the_server_decides_and_nothing_survives_it(start: Start) -> None:
    server: Running = await start()
    await server.collect(waiting("a"))
    await server.runtime.ingest.decide_waiting(server.runtime.container, server.runtime.server, closing=True)
    assert ended(server) == {"closing": 1}
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0
    rest = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    assert b"erika" not in rest


async def test_what_was_taken_back_meanwhile_is_not_let_go(start: Start) -> None:
    """By another way than the visitor's browser: the gate is asked again."""
    keys = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
    server: Running = await start(environ=keys)
    await server.collect(waiting("a"))
    denial = {"event": "consent", "user_data": {"email": "erika@example.com"}, "consent": {"update": DENIED}}
    await server.http.post("/collect", json=denial, headers={"authorization": "Bearer backend-key"})
    await server.collect(choice(GRANTED))
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0


async def test_what_could_not_be_stored_waits_on(start: Start) -> None:
    """The choice came in a request that was too much: whoever posts it again lets go what waits."""
    noted = CONTAINER.replace("[purchase]}", '[purchase], parameters: {note: "{{ header.x-note }}"}}', 1)
    server: Running = await start(server=SERVER.replace("64KiB", "8KiB").replace("16KiB", "8KiB"), container=noted)
    await server.collect([waiting("a"), waiting("b")])
    many = [purchase(f"p-{number}") for number in range(5)]
    assert (await server.collect([choice(GRANTED), *many], **{"x-note": "x" * 30_000})).status_code == 413
    assert (await server.status())["held"]["events"] == 2
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0
    assert await statuses(server, choice(GRANTED), *many) == ["accepted"] * 6
    arrived = {one["event_id"] for one in (await server.drained())["events"]}
    assert arrived == {"a", "b", *(one["event_id"] for one in many)}


ANYHOW = """
  - name: Own
    destination: meta
    event_name: Own
    triggers: [purchase]
    consent: []
    consent_override: by contract
"""


@pytest.mark.parametrize(("wish", "closing"), [(SHORT, False), (LATER, True)], ids=["its time is over", "the end"])
async def test_what_needs_no_choice_is_sent_when_the_waiting_ends(start: Start, wish: Any, closing: bool) -> None:
    """The event waits for one of its tags, and for the other one with it."""
    server: Running = await start(container=CONTAINER + ANYHOW)
    assert await statuses(server, waiting("a", wish)) == ["held"]
    if closing:
        assert (await server.status())["destinations"]["meta"]["accepted"] == 0
        await server.runtime.ingest.decide_waiting(server.runtime.container, server.runtime.server, closing=True)
    await until(lambda: any(one.accepted for one in server.runtime.outbox.counts().values()))
    assert [one["event_name"] for one in (await server.drained())["events"]] == ["Own"]


async def test_what_waits_is_in_the_metrics(server: Running) -> None:
    await server.collect([waiting("a"), waiting("b", client_id="other")])
    await server.collect(choice(DENIED))
    answer = await server.http.get("/-/metrics", headers={"authorization": "Bearer admin-token-of-tests"})
    assert "tagserver_held_events 1" in answer.text
    assert 'tagserver_held_ended_total{outcome="denied"} 1' in answer.text


async def test_what_a_page_sent_is_let_go_by_its_page_view_alone(server: Running) -> None:
    """As the page's script posts it: the view's id stands in `ctx`, the choice names nobody, and goes to no tag."""
    view = {"page": {"location": "https://shop.example/thanks"}, "page_view_id": "view-1"}
    event = purchase("a", consent=LATER)
    said = {"event": "consent", "event_id": "c", "consent": LATER | {"update": GRANTED}}
    answer = await server.collect({"v": 1, "ctx": view, "events": [event]})
    assert [one["status"] for one in answer.json()["events"]] == ["held"]
    await server.collect({"v": 1, "ctx": view | {"page_view_id": "view-2"}, "events": [said | {"event_id": "d"}]})
    assert (await server.status())["held"]["events"] == 1
    await server.collect({"v": 1, "ctx": view, "events": [said]})
    stats = await server.drained()
    assert [one["event_id"] for one in stats["events"]] == ["a"]
