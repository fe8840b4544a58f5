"""`wait` of a webhook, and of a server with a key: what is answered at once is sent when its time is over, and the
page's copy goes before it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tagserver.server.collect import Collect

from .conftest import GRANTED, SERVER, Running, Start, purchase
from .doors import DOORS, WITH_SECRETS, post
from .test_order_consent import measured

WAITS = DOORS.replace("      style: hmac\n", "      style: hmac\n      wait: 10m\n")
KEY = {"authorization": "Bearer crm-key"}


def order(event_id: str, **fields: Any) -> dict[str, Any]:
    """Of order T-1, without a word of the visitor's."""
    made = purchase(event_id) | {"ecommerce": {"transaction_id": "T-1", "value": 59.9, "currency": "EUR"}}
    return {key: value for key, value in made.items() if key != "consent"} | fields


async def shown(server: Running) -> tuple[int, ...]:
    """Accepted, pending, waiting, delivered, erased."""
    meta = (await server.status())["destinations"]["meta"]
    assert meta["accepted"] == meta["delivered"] + meta["pending"] + meta["dead"] + meta["erased"]
    return tuple(meta[one] for one in ("accepted", "pending", "waiting", "delivered", "erased"))


async def over(server: Running) -> None:
    """As if its time were over."""
    copies = await server.runtime.outbox.due(server.runtime.time.now() + 86_400_000, 100)
    await server.runtime.outbox.release([one.id for one in copies])


async def test_a_webhook_waits_for_the_page(start: Start) -> None:
    server = await start(server=WAITS, environ=WITH_SECRETS)
    answer = await post(server, "shop", order("hook"))
    assert (answer.status_code, answer.json()["events"][0]["status"]) == (200, "accepted")
    assert await shown(server) == (1, 1, 1, 0, 0)
    again = await post(server, "shop", order("hook"))
    assert again.json()["events"][0]["status"] == "duplicate"
    await server.collect(order("page", consent=GRANTED))
    for _ in range(200):
        if (await shown(server))[3]:
            break
        await asyncio.sleep(0.02)
    assert await shown(server) == (2, 1, 1, 1, 0)
    await over(server)
    assert await shown(server) == (2, 0, 0, 1, 1)
    stats = (await server.vendor.get("/stats.json")).json()
    assert [one["event_id"] for one in stats["events"]] == ["page"]


async def test_a_browser_that_goes_before_what_waits_and_says_otherwise_is_counted(start: Start) -> None:
    server = await start(server=WAITS, environ=WITH_SECRETS)
    await post(server, "shop", order("hook"))
    stranger = order("page", consent=GRANTED)
    stranger["ecommerce"]["value"] = 0.01
    await server.collect(stranger)
    reason = 'tagserver_duplicates_total{destination="meta",reason="untrusted_first"}'
    await over(server)
    assert await measured(server, reason) == 1


async def test_another_webhook_does_not(start: Start) -> None:
    server = await start(server=WAITS, environ=WITH_SECRETS)
    await post(server, "own", {"type": "purchase", "data": order("own", consent=GRANTED)})
    assert (await server.drained())["unique"] == 1


@pytest.mark.parametrize("where", ["beside", "ctx"])
async def test_a_key_may_ask_for_it(server: Running, where: str) -> None:
    """It is no field of the events."""
    body: dict[str, Any] = {"events": [order("file")]}
    body |= {"wait": 600} if where == "beside" else {"ctx": {"wait": 600}}
    answer = await server.collect(body, **KEY)
    assert answer.json() == {"events": [{"event_id": "file", "status": "accepted", "problems": []}]}
    assert await shown(server) == (1, 1, 1, 0, 0)
    await over(server)
    assert (await server.drained())["unique"] == 1


async def test_a_page_may_not(server: Running) -> None:
    """It could keep back everybody's orders."""
    await server.collect({"events": [order("page", consent=GRANTED)], "wait": 600})
    assert (await server.drained())["unique"] == 1


@pytest.mark.parametrize("wait", [-1, 86401, "10m", True, [600]])
async def test_what_is_no_time_is_told_and_nothing_waits(server: Running, wait: Any) -> None:
    answer = await server.collect({"events": [order("file")], "wait": wait}, **KEY)
    assert [one["code"] for one in answer.json()["problems"]] == ["wrong_type"]
    assert (await server.drained())["unique"] == 1


async def test_the_loop_releases_what_is_over(server: Running) -> None:
    """By itself, within a second or two."""
    await server.collect({"events": [order("file")], "wait": 1}, **KEY)
    assert (await shown(server))[2] == 1
    for _ in range(300):
        if (await shown(server))[3]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it waits on")


async def test_a_limit_of_events_does_not_end_the_wait(start: Start) -> None:
    """Of a client whose events `collect.rate` counts, as it does unless the client says otherwise."""
    server = await start(server=SERVER.replace("collect:\n", "collect:\n  rate: 1000/s\n"))
    collect = Collect(server.runtime)
    await collect.take("crm", {}, None, [order("door", consent=GRANTED)], None, None, client="own", wait=600.0)
    assert await shown(server) == (1, 1, 1, 0, 0)
