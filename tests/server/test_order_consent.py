"""What a visitor has said with one copy of an order holds at a whole server: the other door is a contract's key."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.doors import DOORS, WITH_SECRETS, post

from .conftest import GRANTED, TOKEN, Running, Start, purchase, samples
from .previews import sent, started, verdicts
from .test_withdrawal import PAUSED, queued

DENIED = dict.fromkeys(GRANTED, "denied")
CRM = {"authorization": "Bearer crm-key"}


def copy(event_id: str, order: str = "T-1", **fields: Any) -> dict[str, Any]:
    """Of an order, without a word of the visitor's; nobody else's copy names the same person."""
    shop = {"transaction_id": order, "value": 59.9, "currency": "EUR"}
    made = purchase(event_id, ecommerce=shop, user_data={"email": f"{event_id}@example.com"}) | fields
    if "consent" not in fields:
        del made["consent"]
    return made


async def measured(server: Running, name: str) -> float:
    """One figure of the metrics."""
    answer = await server.http.get("/-/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    return samples(answer.text)[name]


async def test_no_contract_sends_what_the_page_denied(server: Running) -> None:
    """And the record says why; the answer does not."""
    await server.collect(copy("page", consent=DENIED))
    answer = await server.collect(copy("crm"), **CRM)
    assert answer.json()["events"] == [{"event_id": "crm", "status": "accepted", "problems": []}]
    await server.collect(copy("other", "T-2"), **CRM)
    assert (await server.drained())["unique"] == 1
    blocked = 'tagserver_decisions_total{tag="Meta purchase",decision="block",reason="consent"}'
    assert await measured(server, blocked) == 2
    for _ in range(100):
        answer = await server.http.get("/-/events/crm.json", headers={"authorization": f"Bearer {TOKEN}"})
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.05)
    (record,) = answer.json()["records"]
    (decided,) = (one for one in record["tags"] if one["tag"] == "Meta purchase")
    assert (decided["decision"], decided["reason"]) == ("block", "consent")


async def test_what_waits_of_the_order_is_erased(start: Start) -> None:
    """The webhook was first, and its vendor is not to be reached: the page's denial comes in time."""
    server: Running = await start(environ=PAUSED)
    await server.collect([copy("crm"), copy("other", "T-2")], **CRM)
    await server.collect(copy("page", consent=DENIED))
    for _ in range(200):
        if queued(server) == ["other"]:
            break
        await asyncio.sleep(0.02)
    assert queued(server) == ["other"]
    meta = (await server.status())["destinations"]["meta"]
    assert (meta["accepted"], meta["pending"], meta["erased"]) == (2, 1, 1)


@pytest.mark.parametrize(("send", "found"), [("dry", 1), ("live", 0)])
async def test_a_preview_that_is_not_for_real_is_no_word_of_a_visitors(send: str, found: int, server: Running) -> None:
    """A tester's denial of an order stops nobody's; one in a session that sends for real does."""
    session = await started(server, send=send)
    await sent(server, session, copy("page", consent=DENIED))
    await server.collect(copy("crm"), **CRM)
    assert (await server.drained())["unique"] == found


async def test_a_preview_lifts_nothing_that_a_visitor_has_denied(server: Running) -> None:
    """And what it shows is what would happen: the tester's own grant is one."""
    await server.collect(copy("page", consent=DENIED))
    session = await started(server)
    told = await sent(server, session, copy("silent"), copy("test", consent=GRANTED))
    assert verdicts(told, 1)["Meta purchase"] == ("send", "dry")
    await server.collect(copy("crm"), **CRM)
    assert (await server.drained())["unique"] == 0


async def test_denials_that_are_not_remembered_are_counted(server: Running) -> None:
    name = "tagserver_order_denials_dropped_total"
    assert await measured(server, name) == 0
    for start in range(0, 65, 13):
        await server.collect([copy(f"p-{start}-{one}", f"S-{start}-{one}", consent=DENIED) for one in range(13)])
    assert await measured(server, name) >= 3


async def test_a_browser_that_keeps_a_key_from_being_heard_is_counted(server: Running) -> None:
    """It may be somebody who has guessed the order; what it is worth is in the key's copy."""
    stranger = copy("page", consent=GRANTED)
    stranger["ecommerce"]["value"] = 0.01
    await server.collect(stranger)
    answer = await server.collect(copy("crm"), **CRM)
    (told,) = answer.json()["events"]
    assert (told["status"], [one["code"] for one in told["problems"]]) == ("duplicate", ["conflict", "same_order"])
    reason = 'tagserver_duplicates_total{destination="meta",reason="untrusted_first"}'
    assert await measured(server, reason) == 1


async def test_a_browser_that_names_the_id_of_an_order_and_no_order_is_counted_too(start: Start) -> None:
    """What a shop's webhook makes its id of, anybody can guess."""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS)
    stranger = copy("purchase_T-1", consent=GRANTED) | {"ecommerce": {"value": 0.01, "currency": "EUR"}}
    await server.collect(stranger)
    nameless = {key: value for key, value in copy("hook").items() if key != "event_id"}
    (told,) = (await post(server, "shop", nameless)).json()["events"]
    assert (told["status"], [one["code"] for one in told["problems"]]) == ("duplicate", ["minted", "conflict"])
    reason = 'tagserver_duplicates_total{destination="meta",reason="untrusted_first"}'
    assert await measured(server, reason) == 1


async def test_a_webhook_with_a_contract_is_one_more_door(start: Start) -> None:
    """It meets the page's copy by the order, and the page's word counts for it."""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS)
    await server.collect(copy("page", consent=DENIED))
    nameless = {key: value for key, value in copy("hook").items() if key != "event_id"}
    answer = await post(server, "shop", nameless)
    assert answer.status_code == 200
    (told,) = answer.json()["events"]
    assert (told["event_id"], told["status"]) == ("purchase_T-1", "accepted")
    assert server.runtime.outbox.counts() == {}
    await server.collect(copy("page-again", consent=GRANTED))
    (told,) = (await post(server, "shop", nameless)).json()["events"]
    assert (told["status"], [one["code"] for one in told["problems"]]) == ("duplicate", ["minted", "same_order"])
    assert (await server.drained())["unique"] == 1


async def test_a_webhook_without_a_contract_may_bring_the_visitors_own_word(start: Start) -> None:
    """A denial that it carries holds for what a contract grants elsewhere."""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS)
    await post(server, "own", {"type": "purchase", "data": copy("own", consent=DENIED)})
    await server.collect(copy("crm"), **CRM)
    assert server.runtime.outbox.counts() == {}


async def test_a_denial_by_a_webhook_counts_for_what_was_before_it_alone(start: Start) -> None:
    """It tells of one order; what the person does later stands on its own consent. That of a key stands until a key
    grants again."""
    server: Running = await start(server=DOORS, environ=WITH_SECRETS)
    erika = {"user_data": {"email": "erika@example.com"}}
    await post(server, "own", {"type": "purchase", "data": copy("own", consent=DENIED) | erika})
    await server.collect(copy("later", "T-2", consent=GRANTED) | erika)
    assert (await server.drained())["unique"] == 1
    await server.collect(copy("key", "T-3", consent=DENIED) | erika, authorization="Bearer backend-key")
    await server.collect(copy("last", "T-4", consent=GRANTED) | erika)
    assert (await server.drained())["unique"] == 1


async def test_a_denial_by_a_webhook_erases_what_waits_of_the_person(start: Start) -> None:
    server: Running = await start(server=DOORS, environ={**PAUSED, **WITH_SECRETS, "META_TOKEN": ""})
    erika = {"user_data": {"email": "erika@example.com"}}
    await server.collect([copy("first", "T-1", consent=GRANTED) | erika, copy("max", "T-2", consent=GRANTED)])
    assert queued(server) == ["first", "max"]
    await post(server, "own", {"type": "purchase", "data": copy("own", "T-3", consent=DENIED) | erika})
    for _ in range(200):
        if queued(server) == ["max"]:
            break
        await asyncio.sleep(0.02)
    assert queued(server) == ["max"]
