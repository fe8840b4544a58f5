"""The page of one event: its story from the page to the vendor's words."""

from __future__ import annotations

import re

import pytest

from tests.server.conftest import BEARER, CONTAINER, GRANTED, SERVER, Running, Start, container, post, purchase
from tests.server.pages.test_preview import page

FULL = SERVER + "records: {level: full}\n"
THANKS = CONTAINER.replace(
    "  lead: {event: generate_lead}\n",
    '  lead: {event: generate_lead}\n  thanks: {event: purchase, when: {page.path: "/thank-you"}}\n',
).replace("tags:\n", "tags:\n  - {name: Meta thanks, destination: meta, triggers: [thanks]}\n")


def words(html: str) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&#34;", '"').replace("&#39;", "'").split())


async def told(server: Running, name: str) -> str:
    return words(await page(server, f"events/{name}"))


async def test_why_a_tag_did_not_fire_stands_there_with_both_operands(start: Start) -> None:
    server: Running = await start(server=FULL, container=THANKS)
    await server.collect(purchase())
    await server.drained()
    said = await told(server, "purchase_T-1")
    assert 'Not sent: the condition page.path equals "/thank-you" does not hold, it is "/thanks"' in said
    assert 'Trigger thanks Asks page.path equals "/thank-you" Met "/thanks"' in said
    assert "it is for generate_lead , and this event is purchase" in said


async def test_a_summary_says_what_it_does_not_hold(start: Start) -> None:
    server: Running = await start(container=THANKS)
    await server.collect(purchase())
    said = await told(server, "purchase_T-1")
    assert 'Not sent: the condition page.path equals "/thank-you" does not hold' in said
    assert "Met kept at level full alone" in said
    assert "records: {level: full}" in said


async def test_what_the_vendor_said_stands_there(server: Running) -> None:
    await server.vendor.post("/control", json={"bad_ids": ["purchase_T-2"]})
    await server.collect([purchase(), purchase("purchase_T-2")])
    await server.drained()
    said = await told(server, "purchase_T-1")
    assert "answered 200 after" in said
    assert '{"events_received":1' in said
    said = await told(server, "purchase_T-2")
    assert "Given up: the vendor refused it for good. What helps: retry helps if" in said
    assert "this event_id was armed as bad" in said


async def test_consent_is_told_with_its_sources(start: Start) -> None:
    server: Running = await start(server=FULL)
    await server.collect(purchase(consent={**GRANTED, "ad_user_data": "denied"}))
    said = await told(server, "purchase_T-1")
    assert "Not sent: consent is missing: ad_user_data is denied" in said
    assert "ad_user_data ✖ denied" in said
    assert "accepted It was taken, and no tag fired: below stands why." in said


async def test_records_of_one_id_are_sections(server: Running) -> None:
    await server.collect(purchase())
    await server.collect(purchase())
    html = await page(server, "events/purchase_T-1")
    assert re.findall(r'id="record-(\d+)"', html) == ["1", "2"]
    assert "Not sent again: the same event_id came before" in words(html)
    alone = await page(server, "events/record:2")
    assert 'href="/-/events/record:1">accepted' in alone


async def test_an_order_s_number_leads_there(server: Running) -> None:
    await server.collect(purchase())
    assert "Event T-1 purchase ✔ accepted" in await told(server, "T-1")


async def test_a_refused_request_has_a_page(server: Running) -> None:
    await server.http.post("/collect", json=purchase(), headers={"origin": "https://other.example"})
    said = await told(server, "record:1")
    assert "refused request ✖ refused The whole request was turned away" in said
    assert "collect.origins" in said


async def test_an_unknown_event_says_since_when_records_are_kept(server: Running) -> None:
    assert "Nothing is on record yet." in await page(server, "events/nobody", 404)
    await server.collect(purchase())
    assert "records are kept since 20" in await page(server, "events/nobody", 404)


async def test_what_today_s_configuration_would_do_otherwise(start: Start) -> None:
    server: Running = await start(container=THANKS)
    await server.collect(purchase())
    said = await told(server, "purchase_T-1")
    assert "The same configuration serves now ( version 1 ): it would decide alike." in said
    changed = THANKS.replace('"/thank-you"', '"/thanks"').replace("name: Meta lead", "paused: true, name: Meta lead")
    container(server).write_text(changed)
    assert (await post(server, "reload", {"note": "thanks, by its right name"}))[0] == 200
    html = await page(server, "events/purchase_T-1")
    said = words(html)
    assert "Decided by version 1" in said
    assert "Now version 2 serves thanks, by its right name" in said
    assert 'Meta thanks was kept by page.path equals "/thank-you" ; its trigger thanks asks page.path equals' in said
    assert "Meta lead is paused now" in said
    assert 'href="/-/configuration/versions/1#container.yaml-' in html


async def test_what_stands_there_is_masked(start: Start) -> None:
    server: Running = await start(server=FULL)
    await server.collect(purchase(user_id="user-77", client_id="client-88"))
    html = await page(server, "events/purchase_T-1")
    for secret in ("erika@example.com", "user-77", "client-88", "meta-token-secret"):
        assert secret not in html
    assert "[email, 17 characters" in html


@pytest.mark.parametrize("name", ["a%2Fb", "a%20b", "%3Cb%3E"])
async def test_any_id_has_an_address(server: Running, name: str) -> None:
    assert "No such event" in await page(server, f"events/{name}", 404)
    assert (await server.http.get(f"/-/events/{name}.json", headers=BEARER)).status_code == 404


async def test_of_an_event_that_came_often_the_newest_records_are_shown_and_all_are_counted(server: Running) -> None:
    await server.collect([purchase() for _ in range(13)])
    shown = await page(server, "events/purchase_T-1")
    assert "13 records, the oldest first; shown are the newest 10." in words(shown)
    assert shown.count("<article") == 10
