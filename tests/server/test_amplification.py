"""What a stranger sends costs about its size: in the answer, in the queue, and in what is remembered."""

from __future__ import annotations

import gc
import gzip
import json
import tracemalloc
from typing import Any

import pytest

from tagserver.config.model import Container
from tagserver.ingest.consent_wait import MOST_BYTES, ConsentWait
from tagserver.pipeline.route import route
from tagserver.plugin.registry import Registry
from tests.config.world import load
from tests.events import event
from tests.fake_time import FakeTime

from .conftest import CONTAINER, GRANTED, ORIGIN, SERVER, Running, Start, purchase

SMALL = SERVER.replace("64KiB", "8KiB").replace("16KiB", "8KiB")


async def test_what_ctx_says_is_said_once(server: Running) -> None:
    """It stands beneath every event, and its problems are the request's."""
    ctx = {"page": 7, "user_data": "x", "ip": "198.51.100.7"}
    answer = (await server.collect({"events": [purchase(f"p-{n}") for n in range(50)], "ctx": ctx})).json()
    assert [one["path"] for one in answer["problems"]] == ["ctx.page", "ctx.user_data", "ctx.ip"]
    assert not any(one["problems"] for one in answer["events"])


async def test_the_problems_of_an_event_are_counted_from_some_number_on(server: Running) -> None:
    """Twenty, and how many more."""
    answer = await server.collect(purchase(click={f"key{n}": [] for n in range(100)}))
    problems = answer.json()["events"][0]["problems"]
    assert len(problems) == 21
    assert problems[0]["path"] == "click.key0"
    assert problems[-1] == {"path": "", "code": "more", "message": "and 80 more problems"}


async def test_a_long_key_is_told_by_its_beginning(server: Running) -> None:
    """A problem names the field, and does not repeat what the sender wrote."""
    answer = await server.collect(purchase(click={"k" * 9000: []}))
    (problem,) = answer.json()["events"][0]["problems"]
    assert problem["path"].startswith("click.kkk")
    assert len(problem["path"]) == 200
    assert len(problem["message"]) == 200


@pytest.mark.parametrize(
    "body",
    [
        [{}] * 50,
        [7] * 50,
        [{"event": "x", "click": {str(n): 0.5 for n in range(30)} | {f"k{n}": [] for n in range(30)}}] * 50,
        {"events": [{"event": "purchase"}] * 50, "ctx": {"ecommerce": {"transaction_id": "x" * 8000}}},
        {"events": [{"event": "x"}] * 50, "ctx": {"event_id": "x" * 8000}},
        {"events": [{"event": "x"}] * 50, "ctx": {f"k{n}": {} for n in range(900)} | {"click": {"\x01" * 3000: []}}},
        {"events": [{"event": "x"}] * 50, "ctx": [1], "sent": "x"},
    ],
)
async def test_an_answer_is_bounded(server: Running, body: Any) -> None:
    """Whatever comes: a short line for each event, and no more than a share of the largest body beside."""
    answer = await server.collect(body)
    assert len(answer.content) <= 50 * 200 + (64 << 10) // 8
    if answer.status_code == 202:
        assert len(answer.json()["events"]) == 50


async def test_what_is_left_out_of_an_answer_is_counted(start: Start) -> None:
    """Lines stay in their order; ids that are longer than ids are told as far as there is room."""
    server = await start(server=SMALL)
    many = {"event": "x", "event_id": "s" * 80, "click": {"a": [], "b": []}}
    answer = (await server.collect([many] * 50)).json()
    shown = sum(len(one["problems"]) for one in answer["events"])
    assert all(one["event_id"] == "s" * 80 for one in answer["events"])
    assert answer["problems"][-1]["message"].startswith(f"and {100 - shown} more problems")
    answer = (await server.collect([{"event": "scroll", "event_id": f"{n}" * 200} for n in range(1, 10)])).json()
    assert answer["events"][0]["event_id"] == "1" * 200
    assert answer["events"][8] == {"event_id": None, "status": "accepted", "problems": []}


async def test_one_request_adds_no_more_to_the_queue_than_it_may(start: Start) -> None:
    """A long header that goes into each payload of a request: from some size on nothing of it is taken."""
    noted = CONTAINER.replace("[purchase]}", '[purchase], parameters: {note: "{{ header.x-note }}"}}', 1)
    server = await start(server=SMALL, container=noted)
    body = gzip.compress(json.dumps([purchase(f"p-{n}") for n in range(20)]).encode())
    for note, status in (("x" * 500, 202), ("x" * 8000, 413)):
        headers = {"origin": ORIGIN, "content-encoding": "gzip", "x-note": note}
        answer = await server.http.post("/collect", content=body, headers=headers)
        assert answer.status_code == status
    assert answer.json()["problems"][0]["code"] == "too_large"
    assert (await server.status())["destinations"]["meta"]["accepted"] == 20


def _container(tags: int) -> Container:
    """So many tags that want every event."""
    text = """
consent: {cmp_cookies: [cookiebot, onetrust]}
destinations: {meta: {type: meta_capi, pixel_id: "1", access_token: "${env:TOKEN}"}}
tags:
""" + "\n".join(f"  - {{name: tag {n}, destination: meta, triggers: [all], event_name: E{n}}}" for n in range(tags))
    made = load({"container.yaml": text}, registry=Registry.load()).container
    assert made is not None
    return made


def _hostile(kind: str, number: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Fields and cookies of an event whose values nobody has sent before."""
    text = f"{number:05}" * 5000
    match kind:
        case "name":
            return {"event": text}, {}
        case "short name":
            return {"event": f"name-{number}"}, {}
        case "address":
            return {"page": {"location": f"https://shop.example/{text}?{text}=1"}}, {}
        case "person":
            address = dict.fromkeys(("city", "region", "postal_code", "country", "first_name"), text)
            return {"user_data": {"email": text, "phone_number": text, "address": address}}, {}
        case "consent":
            return {"consent": {"ad_storage": text, "tcf": text, "gpp": text, "gcs": text}}, {}
        case "cookies":
            return {}, {
                "CookieConsent": text[:12_000],
                "OptanonConsent": text[:12_000],
                "_fbc": text,
                "usprivacy": text,
            }
        case _:
            return {text: text, "ecommerce": {"items": [{text: text}], "currency": text}}, {}


@pytest.mark.parametrize("kind", ["name", "short name", "address", "person", "consent", "cookies", "fields"])
def test_what_is_remembered_of_strangers_is_bounded_in_bytes(kind: str) -> None:
    """600 events with values of 25 KB each leave at most a few MB behind (the standard library remembers some, too)."""
    made = _container(5)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(600):
            fields, cookies = _hostile(kind, number)
            route(made, event({"event": "x", "consent": GRANTED if number % 2 else {}} | fields, cookies=cookies))
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 6 << 20


async def test_what_waits_for_consent_is_bounded_in_memory() -> None:
    """Many small values, and the headers of the request, count with the event that is held."""
    made = _container(1)
    holding = ConsentWait(FakeTime())
    waits = {"event": "x", "page_view_id": "1", "consent": {"default": {"wait_for_update": 5000}}}
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(400):
            data = {**waits, "page_view_id": f"v-{number}", "many": [[] for _ in range(1500)]}
            held = event(data, headers={"x": f"{number}" * 5000})
            holding.comes(made, route(made, held), None)
        gc.collect()
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert holding.ended["overflow"] > 0
    assert left < 3 * MOST_BYTES
