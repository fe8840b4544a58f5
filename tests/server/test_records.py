"""What happened to an event can be asked afterwards: by id, order, person, tag and reason, and live."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tagserver.config.configuration import ConfigurationFolder
from tagserver.erasure.erasure import DataSubject
from tagserver.plugin.registry import Registry
from tagserver.records.query import Query
from tagserver.runtime.running import running
from tagserver.sandbox import create_sandbox
from tagserver.server.app import create_app
from tests.delivery.support import until

from .conftest import BEARER, CONTAINER, ENVIRON, GRANTED, SERVER, TOKEN, TWO, Running, Start, purchase

FULL = SERVER + "records: {level: full}\n"
CONDITION = CONTAINER.replace(
    "  lead: {event: generate_lead}\n",
    '  lead: {event: generate_lead}\n  thanks: {event: purchase, when: {page.path: "/thank-you"}}\n',
).replace("tags:\n", "tags:\n  - {name: Meta thanks, destination: meta, triggers: [thanks]}\n")


async def asked(server: Running, path: str, **query: str) -> Any:
    """An answer of the records' addresses, once everything so far is written."""
    await server.runtime.records.flush()
    answer = await server.http.get(f"/-/{path}", params=query, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def only(server: Running, event_id: str) -> dict[str, Any]:
    """The one record of an event."""
    (record,) = (await asked(server, f"events/{event_id}.json"))["records"]
    found: dict[str, Any] = record
    return found


def tag(record: dict[str, Any], name: str) -> dict[str, Any]:
    """What one tag did."""
    return next(one for one in record["tags"] if one["tag"] == name)


async def test_a_delivered_purchase_tells_its_whole_story(server: Running) -> None:
    await server.collect(purchase())
    await server.drained()
    (listed,) = (await asked(server, "events.json"))["events"]
    assert listed["event_id"] == "purchase_T-1"
    assert listed["name"] == "purchase"
    assert listed["status"] == "accepted"
    assert (listed["source"], listed["client"]) == ("browser", "datalayer")
    assert (listed["order"], listed["value"], listed["currency"]) == ("T-1", 59.9, "EUR")
    assert listed["decisions"] == {"send": 1, "skip": 1}
    assert listed["deliveries"] == {"delivered": 1}
    record = await only(server, "purchase_T-1")
    assert listed.items() <= record.items()
    assert record["container"] == server.runtime.container.version
    sent = tag(record, "Meta purchase")
    assert (sent["decision"], sent["reason"], sent["detail"]) == ("send", "fired", "trigger purchase")
    (attempt,) = sent["delivery"]["attempts"]
    assert (attempt["outcome"], attempt["status"]) == ("delivered", 200)
    assert "events_received" in attempt["message"]
    unfired = tag(record, "Meta lead")
    assert (unfired["decision"], unfired["reason"], unfired["delivery"]) == ("skip", "no_trigger", None)
    assert unfired["detail"] == 'lead: event equals "generate_lead", is "purchase"'


async def test_the_condition_that_kept_a_tag_is_named_and_at_full_with_both_operands(start: Start) -> None:
    for level, server in (("summary", SERVER), ("full", FULL)):
        one: Running = await start(server=server, container=CONDITION, name=level)
        await one.collect(purchase())
        kept = tag(await only(one, "purchase_T-1"), "Meta thanks")
        assert kept["failing"] == {"trigger": "thanks", "condition": 1, "path": "page.path"}
        assert 'page.path equals "/thank-you"' in kept["detail"]
        assert ('is "/thanks"' in kept["detail"]) is (level == "full")


async def test_refused_for_consent_says_which_purpose(server: Running) -> None:
    await server.collect(purchase(consent={**GRANTED, "ad_user_data": "denied"}))
    record = await only(server, "purchase_T-1")
    blocked = tag(record, "Meta purchase")
    assert (blocked["consent"], blocked["decision"], blocked["reason"]) == ("block", "block", "consent")
    assert "ad_user_data, is denied" in blocked["detail"]
    assert record["deliveries"] == {}


async def test_a_refused_request_is_on_record_once_a_minute_with_its_count(server: Running) -> None:
    for _ in range(3):
        await server.http.post("/collect", json=purchase(), headers={"origin": "https://other.example"})
        await server.runtime.records.flush()
    (refused,) = (await asked(server, "events.json", status="refused"))["events"]
    assert (refused["event_id"], refused["count"], refused["reason"]) == (None, 3, "origin")
    assert refused["origin"] == "https://other.example"
    assert "collect.origins" in refused["problems"][0]["message"]
    again = await only(server, f"record:{refused['record']}")
    assert again["tags"] == []


async def test_rejected_duplicate_and_held_are_records_too(server: Running) -> None:
    await server.collect([{"event_id": "nameless"}, purchase(), purchase()])
    late = {"default": dict.fromkeys(GRANTED, "denied") | {"wait_for_update": 30}}
    await server.collect(purchase("purchase_T-2", page_view_id="v-1", consent=late))
    await until(lambda: len(server.runtime.consent_wait) == 0)
    await server.drained()
    shown = (await asked(server, "events.json"))["events"]
    assert [one["status"] for one in shown] == ["accepted", "held", "duplicate", "accepted", "rejected"]
    rejected = await only(server, "nameless")
    assert rejected["problems"][0]["path"] == "event"
    first, second = (await asked(server, "events/purchase_T-1.json"))["records"]
    assert first["status"] == "accepted"
    assert tag(second, "Meta purchase")["delivery"]["state"] == "duplicate"


async def test_what_a_vendor_refuses_is_told_in_its_words(start: Start) -> None:
    async def refuses(request: Request) -> JSONResponse:
        error = {"message": "The pixel does not like this", "code": 100, "error_subcode": 2804003, "fbtrace_id": "A1"}
        return JSONResponse({"error": error}, 400)

    server: Running = await start(vendor=Starlette(routes=[Route("/{path:path}", refuses, methods=["POST"])]))
    await server.collect(purchase())
    await until(lambda: server.runtime.outbox.counts()["meta"].dead == 1)
    sent = tag(await only(server, "purchase_T-1"), "Meta purchase")["delivery"]
    assert (sent["state"], sent["attempts"][-1]["outcome"], sent["attempts"][-1]["status"]) == ("dead", "rejected", 400)
    assert "The pixel does not like this" in sent["attempts"][-1]["message"]


async def test_an_unknown_event_says_since_when_records_are_kept(server: Running) -> None:
    answer = await server.http.get("/-/events/nobody.json", headers=BEARER)
    assert answer.status_code == 404
    assert "nothing is on record yet" in answer.json()["problems"][0]["message"]
    await server.collect(purchase())
    await server.runtime.records.flush()
    answer = await server.http.get("/-/events/nobody.json", headers=BEARER)
    assert "records are kept since 20" in answer.json()["problems"][0]["message"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "purchase"}, ["purchase_T-2", "purchase_T-1"]),
        ({"name": "page_view"}, ["v-1"]),
        ({"tag": "Meta purchase", "decision": "send"}, ["purchase_T-2", "purchase_T-1"]),
        ({"tag": "Meta purchase", "decision": "skip"}, ["v-1"]),
        ({"tag": "Meta lead", "reason": "no_trigger"}, ["v-1", "purchase_T-2", "purchase_T-1"]),
        ({"decision": "block"}, []),
        ({"q": "purchase_T"}, ["purchase_T-2", "purchase_T-1"]),
        ({"q": "T-2"}, ["purchase_T-2"]),
        ({"q": "erika@example.com"}, ["purchase_T-1"]),
        ({"q": " Erika@Example.com "}, ["purchase_T-1"]),
        ({"q": "erika@example"}, []),
        ({"limit": "1"}, ["v-1"]),
        ({"status": "rejected"}, []),
    ],
    ids=str,
)
async def test_records_are_found_by(server: Running, query: dict[str, str], expected: list[str]) -> None:
    await server.collect(purchase())
    await server.collect(purchase("purchase_T-2", user_data={"email": "max@example.com"}))
    await server.collect({"event": "page_view", "event_id": "v-1", "consent": GRANTED})
    shown = await asked(server, "events.json", **query)
    assert [one["event_id"] for one in shown["events"]] == expected
    assert "example.com" not in json.dumps(shown)


async def test_a_person_is_found_by_the_keyed_hash_alone(server: Running) -> None:
    """What `explain` and the page of an event take, too."""
    await server.collect(purchase())
    who = DataSubject(email="erika@example.com")
    (person,) = who.keys(server.runtime.install_key, server.runtime.container)
    (record,) = (await asked(server, f"events/{person.hex()}.json"))["records"]
    assert record["event_id"] == "purchase_T-1"


async def test_pages_of_a_list_follow_one_another(server: Running) -> None:
    await server.collect([purchase(f"purchase_T-{number}") for number in range(7)])
    seen: list[str] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        shown = await asked(server, "events.json", **query)
        seen += [one["event_id"] for one in shown["events"]]
        if shown["next"] is None:
            break
        query["before"] = str(shown["next"])
    assert seen == [f"purchase_T-{number}" for number in reversed(range(7))]


@pytest.mark.parametrize("query", [{"status": "lost"}, {"before": "x"}, {"limit": "-1"}, {"person": "erika"}], ids=str)
async def test_a_bad_filter_is_named(server: Running, query: dict[str, str]) -> None:
    answer = await server.http.get("/-/events.json", params=query, headers=BEARER)
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["message"].startswith(next(iter(query)))


@pytest.mark.parametrize("level", ["summary", "full"])
async def test_nothing_personal_and_no_secret_rests_in_the_file(start: Start, level: str) -> None:
    server: Running = await start(server=SERVER + f"records: {{level: {level}}}\n")
    person = {
        "email": "erika@example.com",
        "phone_number": "+49 30 123456",
        "address": {"first_name": "Erikafirst", "last_name": "Mustermannlast", "city": "Musterstadt"},
    }
    await server.collect(
        purchase(
            user_data=person,
            user_id="user-erika-77",
            client_id="client-erika-88",
            search_term="Where is Erikafirst",
            page={"location": "https://shop.example/thanks?email=erika@example.com&fbclid=Click-Erika-99"},
            newsletter={"to": "erika@example.com"},
        ),
        cookie="_fbp=fb.1.1700000000000.1234567890",
        authorization="",
    )
    await server.drained()
    await server.runtime.records.flush()
    stored = b"".join(path.read_bytes() for path in server.data.glob("records.db*"))
    for secret in (
        *("erika@example.com", "49 30 123456", "Erikafirst", "Mustermannlast", "Musterstadt", "user-erika-77"),
        *("client-erika-88", "Click-Erika-99", "1234567890", "meta-token-secret"),
    ):
        assert secret.encode() not in stored, secret


async def test_forget_erases_records_by_person_and_by_order(server: Running) -> None:
    await server.collect(purchase())
    await server.collect(purchase("purchase_T-2", user_data={"email": "max@example.com"}))
    await server.drained()
    done = await server.http.post("/-/forget.json", json={"email": "erika@example.com"}, headers=BEARER)
    assert (done.status_code, done.json()["records"], done.json()["clean"]) == (200, 1, True)
    assert [one["event_id"] for one in (await asked(server, "events.json"))["events"]] == ["purchase_T-2"]
    done = await server.http.post("/-/forget.json", json={"order": "T-2"}, headers=BEARER)
    assert (done.status_code, done.json()["records"]) == (200, 1)
    assert (await asked(server, "events.json"))["events"] == []
    assert b"T-2" not in b"".join(path.read_bytes() for path in server.data.glob("records.db*"))


@pytest.mark.parametrize("order", ["erika@example.com", "+49 151 12345678", " T-7 ", "2026/77 a", "f" * 200])
async def test_forget_finds_an_order_whose_number_records_have_masked(server: Running, order: str) -> None:
    """It is asked for as the shop writes it."""
    await server.collect(purchase("e-1", ecommerce={"transaction_id": order, "value": 5, "currency": "EUR"}))
    await server.drained()
    assert len((await asked(server, "events.json"))["events"]) == 1
    done = await server.http.post("/-/forget.json", json={"order": order}, headers=BEARER)
    assert (done.status_code, done.json()["records"]) == (200, 1)
    assert (await asked(server, "events.json"))["events"] == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("EUR", "EUR"), ("eur", "eur"), ("Erika Mustermann", None), ("erika@example.com", None), ("+49151", None)],
)
async def test_a_currency_is_three_letters(server: Running, sent: str, kept: str | None) -> None:
    """Of what is none not even the first ones stay."""
    await server.collect(purchase(ecommerce={"transaction_id": "T-1", "value": 5, "currency": sent}))
    await server.drained()
    assert (await only(server, "purchase_T-1"))["currency"] == kept


@pytest.mark.parametrize("level", [SERVER, FULL])
async def test_the_name_of_an_event_is_masked_where_it_tells_of_its_person(start: Start, level: str) -> None:
    server: Running = await start(server=level, container=TWO)
    person = {"email": "erika.m@example.com", "first_name": "Erika", "last_name": "Mustermann", "country": "DE"}
    for number, name in enumerate(("login Erika MUSTERMANN", "of erika.m", "page_view_u-4711", "lead_de", "purchase")):
        await server.collect(purchase(f"e-{number}", event=name, user_data=person, user_id="u-4711"))
    await server.drained()
    names = [one["name"] for one in reversed((await asked(server, "events.json"))["events"])]
    assert names == ["[text, 22 characters]", "[text, 10 characters]", "[text, 16 characters]", "lead_de", "purchase"]
    stored = b"".join(path.read_bytes() for path in server.data.glob("records*"))
    assert not [one for one in (b"Erika", b"MUSTERMANN", b"erika.m", b"u-4711") if one in stored]


async def test_searches_that_take_long_hold_up_no_event(server: Running) -> None:
    """Packed requests are unpacked in threads: those are not the ones that look through records."""
    go_on = threading.Event()
    slow = [asyncio.create_task(server.runtime.records.read(lambda _: go_on.wait(60))) for _ in range(50)]
    try:
        await asyncio.sleep(0)
        many = [purchase(f"e-{number}", items=[{"item_id": "a"}] * 10) for number in range(50)]
        packed = gzip.compress(json.dumps(many).encode())
        headers = {"origin": "https://shop.example", "content-encoding": "gzip"}
        answer = await asyncio.wait_for(server.http.post("/collect", content=packed, headers=headers), 30)
        assert answer.json()["events"][0]["status"] == "accepted"
        assert not any(one.done() for one in slow)
    finally:
        go_on.set()
        await asyncio.gather(*slow)


async def test_an_order_is_known_by_destination_and_fate(server: Running) -> None:
    await server.collect(purchase())
    await server.drained()
    (row,) = (await asked(server, "orders/T-1.json"))["orders"]
    assert (row["order"], row["tag"], row["destination"], row["fate"]) == ("T-1", "Meta purchase", "meta", "delivered")
    assert (row["value"], row["currency"], row["source"]) == (59.9, "EUR", "browser")


async def test_level_off_keeps_nothing_and_says_so(start: Start) -> None:
    server: Running = await start(server=SERVER + "records: {level: off}\n")
    await server.collect(purchase())
    assert (await asked(server, "events.json"))["events"] == []
    answer = await server.http.get("/-/events/purchase_T-1.json", headers=BEARER)
    assert "records.level is off" in answer.json()["problems"][0]["message"]


async def test_records_outlive_a_restart(tmp_path: Path) -> None:
    (tmp_path / "server.yaml").write_text(SERVER)
    (tmp_path / "container.yaml").write_text(CONTAINER)
    folder, data = ConfigurationFolder(tmp_path, Registry.load(), ENVIRON), tmp_path / "data"
    transport = httpx.ASGITransport(create_sandbox())
    for expected in (0, 1):
        async with (
            running(folder, data, transport=transport) as runtime,
            httpx.AsyncClient(transport=httpx.ASGITransport(create_app(runtime, TOKEN)), base_url="http://t") as http,
        ):
            server = Running(http, runtime, http, data)
            assert len((await asked(server, "events.json"))["events"]) == expected
            await server.collect(purchase())
    async with running(folder, data, transport=transport) as runtime:
        first, second = await runtime.records.read(lambda reader: reader.records("purchase_T-1"))
    assert (first["deliveries"], second["status"]) == ({"delivered": 1}, "duplicate")


async def test_whoever_watches_hears_of_events_and_of_their_attempts(server: Running) -> None:
    viewer = server.runtime.records.live.watch(Query(name="purchase"))
    await server.collect({"event": "page_view", "event_id": "v-1", "consent": GRANTED})
    await server.collect(purchase())
    told = [await viewer.next(5), await viewer.next(5)]
    assert [one.kind for one in told if one] == ["record", "attempt"]
    assert told[0] is not None
    assert told[0].data["event_id"] == "purchase_T-1"
    assert told[1] is not None
    assert told[1].data["outcome"] == "delivered"
