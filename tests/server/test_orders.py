"""An order counts once, whatever its event_id; a repeat that says something else is told so."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tagserver.config.compile import compile_container
from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.explain.try_ import try_event
from tagserver.ingest.deliveries import Deliveries
from tagserver.pipeline.route import Routing, route
from tagserver.plugin import Limits
from tagserver.plugin.registry import Registry
from tagserver.queue.sqlite.keys import recent
from tagserver.queue.values import Delivery
from tagserver.testing import make_event

from ..config.world import Box, load
from .conftest import CONTAINER, GRANTED, SERVER, TOKEN, Running, Start, purchase

DAY = 86400.0


def order(event_id: str, number: str, value: float = 59.9, **fields: Any) -> dict[str, Any]:
    """A purchase of an order under an event_id."""
    return purchase(event_id, ecommerce={"transaction_id": number, "value": value, "currency": "EUR"}, **fields)


async def said(server: Running, *events: dict[str, Any], **headers: str) -> list[tuple[str, list[str]]]:
    """The status of each event, and the codes of its problems."""
    answer = await server.collect(list(events), **headers)
    return [(one["status"], [note["code"] for note in one["problems"]]) for one in answer.json()["events"]]


async def counted(server: Running) -> dict[str, int]:
    """Duplicates by reason, as the metrics have them."""
    answer = await server.http.get("/-/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    found = re.findall(r'^tagserver_duplicates_total\{destination="meta",reason="(\w+)"\} (\d+)$', answer.text, re.M)
    return {reason: int(number) for reason, number in found}


async def test_a_copy_under_another_event_id_is_a_duplicate(server: Running) -> None:
    """The thank-you page opened again, and the shop's backend: one sale."""
    assert await said(server, order("a", "T-1"), order("b", "T-1")) == [("accepted", []), ("duplicate", ["same_order"])]
    assert await said(server, order("c", "T-1"), authorization="Bearer backend-key") == [("duplicate", ["same_order"])]
    assert await said(server, order("d", "T-2")) == [("accepted", [])]
    assert (await server.drained())["unique"] == 2
    assert await counted(server) == {"same_order": 2}


async def test_a_repeat_with_another_order_or_value_is_a_conflict(server: Running) -> None:
    """A renewal that copied the event_id of the first order: the vendor would merge them, so it is said."""
    await said(server, order("abo-1", "B-100", 5))
    assert await said(server, order("abo-1", "B-100", 5)) == [("duplicate", [])]
    assert await said(server, order("abo-1", "B-101", 5)) == [("duplicate", ["conflict"])]
    assert await said(server, order("abo-1", "B-100", 5.5)) == [("duplicate", ["conflict"])]
    assert await said(server, order("other", "B-100", 5.5)) == [("duplicate", ["conflict", "same_order"])]
    assert await counted(server) == {"same_event": 1, "conflict": 2, "same_order": 1}
    answer = await server.collect(order("abo-1", "B-101", 5))
    problem = answer.json()["events"][0]["problems"][0]
    assert (problem["path"], "another order" in problem["message"]) == ("ecommerce.transaction_id", True)
    assert "B-10" not in problem["message"]
    # The renewal is not lost for good: under an id of its own it goes out.
    assert await said(server, order("abo-2", "B-101", 5)) == [("accepted", [])]


@pytest.mark.parametrize("value", [5.0, "5", "5.00", " 5 "])
async def test_a_value_written_otherwise_is_no_conflict(server: Running, value: object) -> None:
    """Nor is one that a copy does not name."""
    await said(server, order("a", "T-1", 5))
    shop = {"transaction_id": "T-1 ", "value": value, "currency": "EUR"}
    assert await said(server, purchase("a", ecommerce=shop)) == [("duplicate", [])]
    lead = purchase("l", event="generate_lead", ecommerce={"transaction_id": "L-1"})
    assert await said(server, lead) == [("accepted", [])]
    assert await said(server, lead | {"ecommerce": {"value": value, "currency": "EUR"}}) == [("duplicate", [])]


@pytest.mark.parametrize(
    ("first", "repeat", "problems"),
    [
        ({}, {}, []),
        ({}, {"transaction_id": "L-1", "value": 5, "currency": "EUR"}, []),
        ({"transaction_id": "L-1", "value": 5, "currency": "EUR"}, {}, []),
        ({"transaction_id": "L-1"}, {"transaction_id": "L-2"}, ["ecommerce.transaction_id"]),
        ({"value": 5, "currency": "EUR"}, {"value": 6, "currency": "EUR"}, ["ecommerce.value"]),
        ({"transaction_id": "L-1", "value": 5, "currency": "EUR"}, {"transaction_id": "L-1"}, []),
        ({"value": 0, "currency": "EUR"}, {"value": 1, "currency": "EUR"}, ["ecommerce.value"]),
    ],
)
async def test_a_repeat_contradicts_only_what_both_say(
    server: Running, first: dict[str, Any], repeat: dict[str, Any], problems: list[str]
) -> None:
    """A value of nought is said, too."""
    lead = purchase("l", event="generate_lead")
    await server.collect(lead | {"ecommerce": first})
    (answer,) = (await server.collect(lead | {"ecommerce": repeat})).json()["events"]
    assert answer["status"] == "duplicate"
    assert [(one["path"], one["code"]) for one in answer["problems"]] == [(path, "conflict") for path in problems]


async def test_what_is_no_purchase_has_no_order(server: Running) -> None:
    """Two leads may carry one number; an order may be taken back in parts."""
    lead = purchase("l-1", event="generate_lead", ecommerce={"transaction_id": "T-1"})
    assert await said(server, order("a", "T-1"), lead, lead | {"event_id": "l-2"}) == [("accepted", [])] * 3


async def test_a_purchase_without_an_order_id_is_known_by_its_event_id_alone(server: Running) -> None:
    nameless = {"value": 5, "currency": "EUR"}
    events = [purchase(event_id, ecommerce=nameless) for event_id in ("a", "b", "a")]
    assert [status for status, _ in await said(server, *events)] == ["accepted", "accepted", "duplicate"]


async def test_dedup_orders_can_be_turned_off(start: Start) -> None:
    """Then only the event_id counts; a repeat that says something else is told all the same."""
    server: Running = await start(server=SERVER.replace("collect:", "collect:\n  dedup_orders: false"))
    assert await said(server, order("a", "T-1"), order("b", "T-1")) == [("accepted", [])] * 2
    assert await said(server, order("a", "T-2")) == [("duplicate", ["conflict"])]


async def test_per_source_keeps_orders_of_sources_apart(start: Start) -> None:
    """A stranger who guesses order ids hides nothing of what the backend says."""
    server: Running = await start(server=SERVER.replace("collect:", "collect:\n  dedup: per_source"))
    assert await said(server, order("a", "T-1"), order("b", "T-1")) == [("accepted", []), ("duplicate", ["same_order"])]
    for expected in ([("accepted", [])], [("duplicate", ["same_order"])]):
        event = order(f"c-{expected}", "T-1")
        assert await said(server, event, authorization="Bearer backend-key") == expected


async def test_what_consent_blocks_leaves_no_order(server: Running) -> None:
    """Granted a moment later, the order goes out, also under another id."""
    assert await said(server, order("a", "T-1", consent={})) == [("accepted", [])]
    assert await said(server, order("b", "T-1")) == [("accepted", [])]
    assert (await server.drained())["unique"] == 1


TWO_TAGS = (
    CONTAINER.replace(
        "triggers:\n", "triggers:\n  large: {event: purchase, when: {ecommerce.value: {greater_than: 100}}}\n"
    )
    + "  - {name: Meta large order, destination: meta, event_name: LargeOrder, triggers: [large]}\n"
)


async def test_duplicate_only_when_everything_was_known(start: Start) -> None:
    """A repeat that brings something new for one tag is accepted, and what was odd about it is said."""
    server: Running = await start(container=TWO_TAGS)
    assert await said(server, order("a", "T-1", 50)) == [("accepted", [])]
    assert await said(server, order("a", "T-1", 150)) == [("accepted", ["conflict"])]
    assert await said(server, order("a", "T-1", 150)) == [("duplicate", ["conflict"])]
    assert await said(server, order("b", "T-2", 150), order("c", "T-2", 50)) == [
        ("accepted", []),
        ("duplicate", ["conflict", "same_order"]),
    ]
    assert (await server.drained())["unique"] == 4


async def test_try_knows_no_repeats_and_makes_none(server: Running) -> None:
    """It shows what a tag would do with the event, as if it were the first."""
    await said(server, order("a", "T-1"))
    for event_id in ("b", "c"):
        asked = {"event": order(event_id, "T-1")}
        answer = try_event(server.runtime.container, server.runtime.server, asked, server.runtime.time.now())
        assert answer["tags"][0]["decision"] == "send"
        assert [one["code"] for one in answer["problems"]] == []
    asked = {"event": order("d", "T-2")}
    try_event(server.runtime.container, server.runtime.server, asked, server.runtime.time.now())
    assert await said(server, order("e", "T-2")) == [("accepted", [])]


async def test_after_forget_an_order_still_counts_once_and_nothing_names_it(server: Running) -> None:
    """Its key tells nothing without the installation's; nobody can be found by it."""
    await said(server, order("a", "ORDER-4711-X", 59.93))
    await server.drained()
    answer = await server.http.post(
        "/-/forget.json", json={"email": "erika@example.com"}, headers={"authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 200
    event = order("b", "ORDER-4711-X", user_data={"email": "max@example.com"})
    assert await said(server, event) == [("duplicate", ["conflict", "same_order"])]
    for path in server.data.glob("outbox.db*"):
        assert b"ORDER-4711-X" not in path.read_bytes()


async def test_keys_and_marks_are_others_in_each_installation(start: Start) -> None:
    """Who has the file alone cannot try order ids, one after the other."""
    found = []
    for name in ("one", "two"):
        server: Running = await start(name=name)
        await said(server, order("a", "T-1"))
        await server.drained()
        with closing(sqlite3.connect(f"file:{server.data / 'outbox.db'}?mode=ro", uri=True)) as database:
            rows = [(key, mark) for key, _, mark in recent(database)]
        assert len(rows) == 2
        found.append(rows)
    (one, two) = found
    assert len({key for key, _ in one} & {key for key, _ in two}) == 1, "that of the event_id alone"
    assert {mark for _, mark in one}.isdisjoint({mark for _, mark in two})


DESTINATIONS = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:T}"}
  ga4: {type: ga4, measurement_id: G-A1B2C3D4, api_secret: "${env:T}"}
  pinterest: {type: pinterest, ad_account_id: "1", access_token: "${env:T}"}
  own: {type: webhook, url: "https://own.example/", secret: "${env:T}"}
triggers: {any: {event: [purchase, Order Completed, kauf, refund]}}
tags:
"""


def no_file(name: str) -> str:
    """A world without files."""
    raise FileNotFoundError(name)


def delivery_of(tag: str, **fields: Any) -> Delivery:
    """What is stored of a purchase for the one tag of a container."""
    text = DESTINATIONS + f"  - {{name: one, triggers: [any], {tag}}}\n"
    environ = {"T": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}
    loaded = compile_container(
        {"container.yaml": text.encode()}, registry=Registry.load(), environ=environ, read_file=no_file
    )
    assert loaded.container is not None, loaded.problems
    pushed = purchase(client_id="1.2", **fields)
    routing = route(loaded.container, make_event(pushed, ip="192.0.2.7", user_agent="Mozilla/5.0"))
    return stored(loaded.container, routing)


def stored(container: Container, routing: Routing) -> Delivery:
    """What is stored of an event for its one tag."""
    (decision,) = routing.decisions
    assert decision.built is not None, (decision.reason, decision.detail)
    (made,) = Deliveries(container, ServerConfig(), b"k" * 32).of(routing)
    return made


def order_of(tag: str, **fields: Any) -> tuple[bytes, float] | None:
    """The order key that the tag gives the purchase, and its seconds."""
    return delivery_of(tag, **fields).order


class Hourly(Box):
    """Takes events that are an hour old, and leaves it to the host to say until when."""

    type = "hourly"
    limits = Limits(age=3600.0)


class Ageless(Box):
    """Takes events of any age."""

    type = "ageless"
    limits = Limits()


@pytest.mark.parametrize(("type_", "until"), [("hourly", 3_600_000), ("ageless", None)])
def test_a_delivery_ends_when_the_vendor_takes_the_event_no_more(type_: str, until: int | None) -> None:
    """Counted from when it happened, in milliseconds."""
    text = f"destinations: {{d: {{type: {type_}}}}}\ntags: [{{name: T, destination: d, triggers: [all]}}]\n"
    loaded = load({"container.yaml": text}, registry=Registry.of(Hourly, Ageless))
    assert loaded.container is not None, loaded.problems
    delivery = stored(loaded.container, route(loaded.container, make_event(purchase())))
    assert delivery.expires == (None if until is None else delivery.time + until)


def test_the_mark_of_a_delivery_has_the_size_that_the_queue_has_always_had() -> None:
    """Marks of older versions lie there, and are compared with new ones."""
    assert len(delivery_of("destination: meta").mark) == 8


@pytest.mark.parametrize(
    ("tag", "fields", "days"),
    [
        ("destination: meta", {}, 7),
        ("destination: meta", {"action_source": "physical_store"}, 62),
        ("destination: ga4", {"consent": {**GRANTED, "analytics_storage": "granted"}}, 3),
        ("destination: pinterest", {}, 7),
        ("destination: own", {}, 7),
        ("destination: meta", {"event": "Order Completed"}, 7),
        ("destination: meta, event_name: Purchase", {"event": "kauf"}, 7),
        ("destination: pinterest, event_name: checkout", {"event": "kauf"}, 7),
        ("destination: meta, event_name: FirstOrder", {}, 7),
        ("destination: meta", {"event": "kauf"}, None),
        ("destination: meta", {"event": "refund"}, None),
        ("destination: meta, event_name: Purchase", {"event": "refund"}, None),
        ("destination: meta", {"ecommerce": {"value": 5, "currency": "EUR"}}, None),
        ("destination: meta", {"ecommerce": {"transaction_id": " ", "value": 5, "currency": "EUR"}}, None),
    ],
)
def test_how_long_an_order_counts_once(tag: str, fields: dict[str, Any], days: int | None) -> None:
    """As long as the vendor takes the event; a purchase is what is called so here, or will be there."""
    found = order_of(tag, **fields)
    assert (found and found[1]) == (None if days is None else days * DAY)


def test_orders_of_two_tags_are_two() -> None:
    """Each sends under a name of its own, and each once."""
    one, other = order_of("destination: meta"), order_of("destination: meta, event_name: FirstOrder")
    assert one is not None
    assert other is not None
    assert one[0] != other[0]
