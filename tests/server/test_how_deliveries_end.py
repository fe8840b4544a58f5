"""However a delivery leaves the queue, its record ends in words: nothing stays on its way for ever."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.records.values import Attempted, EventRecord, RowOutcome, TagDecision
from tagserver.records.view import tries, whole
from tests.delivery.support import until

from .conftest import BEARER, ENVIRON, Running, Start, purchase

PAUSED = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
"""Without its token Meta is paused: what is for it waits."""
DENIED = {"ad_storage": "denied", "ad_user_data": "denied", "ad_personalization": "denied"}


async def asked(server: Running, path: str) -> Any:
    await server.runtime.records.flush()
    return await server.http.get(f"/-/{path}", headers=BEARER)


async def ended(server: Running, event_id: str = "purchase_T-1") -> tuple[dict[str, Any], dict[str, int], str]:
    """The delivery of an event, what the list says of all of them, and the event's page."""
    (record,) = (await asked(server, f"events/{event_id}.json")).json()["records"]
    (listed,) = (await asked(server, f"events.json?q={event_id}")).json()["events"]
    delivery = next(tag["delivery"] for tag in record["tags"] if tag["delivery"] is not None)
    return delivery, listed["deliveries"], (await asked(server, f"events/{event_id}")).text


async def refused(start: Start) -> Running:
    """A server with one dead letter."""
    server: Running = await start()
    await server.vendor.post("/control", json={"bad_ids": ["purchase_T-1"]})
    await server.collect(purchase())
    await server.drained()
    assert (await ended(server))[1] == {"dead": 1}
    return server


async def order(server: Running, action: str) -> None:
    answer = await server.http.post(
        "/-/dead.json", json={"action": action, "event_id": ["purchase_T-1"]}, headers=BEARER
    )
    assert answer.json()["count"] == 1, answer.text


async def test_erased_because_consent_was_withdrawn(start: Start) -> None:
    server: Running = await start(environ=PAUSED)
    await server.collect(purchase(client_id="c-erika"))
    assert (await ended(server))[1] == {"pending": 1}
    before = server.runtime.time.now()
    await server.collect({"event": "consent", "client_id": "c-erika", "consent": {"update": DENIED}})
    await until(lambda: server.runtime.outbox.counts()["meta"].erased == 1)
    delivery, listed, page = await ended(server)
    assert (delivery["state"], delivery["reason"]) == ("erased", "consent")
    assert before <= delivery["at"] <= server.runtime.time.now()
    assert listed == {"erased": 1}
    assert "Erased: consent for it was withdrawn, at 20" in page
    assert "on its way" not in page.partition("<template")[0]
    (row,) = [one for one in (await asked(server, "orders/T-1.json")).json()["orders"] if one["tag"] == "Meta purchase"]
    assert (row["fate"], row["reason"]) == ("erased", "consent")


async def test_a_dead_letter_whose_consent_was_withdrawn(start: Start) -> None:
    """Why it had died stays."""
    server = await refused(start)
    await server.collect({"event": "c", "user_data": {"email": "erika@example.com"}, "consent": {"update": DENIED}})
    await until(lambda: server.runtime.outbox.counts()["meta"].erased == 1)
    delivery, listed, page = await ended(server)
    assert (delivery["state"], delivery["reason"]) == ("erased", "consent: rejected")
    assert listed == {"erased": 1}
    assert "Given up, because the vendor refused it for good; then erased: consent for it was withdrawn" in page


async def test_a_dead_letter_that_was_dropped(start: Start) -> None:
    """It failed all the same, and an order is reckoned as one that the vendor refused."""
    server = await refused(start)
    await order(server, "drop")
    delivery, listed, page = await ended(server)
    assert (delivery["state"], delivery["reason"], listed) == ("erased", "dropped: rejected", {"erased": 1})
    assert "then erased: somebody dropped it from the dead letters" in page
    assert len((await asked(server, "events.json?verdict=failed")).json()["events"]) == 1
    (row,) = [one for one in (await asked(server, "orders/T-1.json")).json()["orders"] if one["tag"] == "Meta purchase"]
    assert (row["fate"], row["reason"]) == ("dead", "rejected")


async def test_a_dead_letter_that_was_put_back_is_on_its_way_again(start: Start) -> None:
    server = await refused(start)
    await server.http.post("/-/pause.json", json={"destination": "meta", "note": ""}, headers=BEARER)
    await order(server, "retry")
    delivery, listed, page = await ended(server)
    assert (delivery["state"], delivery["reason"], listed) == ("pending", "retried", {"pending": 1})
    assert "somebody put it back into the queue" in page
    await server.vendor.post("/control", json={"bad_ids": []})
    await server.http.post("/-/resume.json", json={"destination": "meta"}, headers=BEARER)
    await server.drained()
    assert (await ended(server))[1] == {"delivered": 1}


@pytest.mark.parametrize("states", [("dead", "erased"), ("erased", "dead")], ids=["in-order", "told-late"])
def test_what_was_erased_stays_so(states: tuple[str, str]) -> None:
    """A walk can erase a letter in the very commit in which it died; that it died is told later."""
    outcomes = {
        "dead": RowOutcome("", "rejected", "100 no", "rejected"),
        "erased": RowOutcome("", "consent", "", "rejected", "erased"),
    }
    rows = (("p-1", "Meta"),)
    tags = (TagDecision("Meta", "meta", "send", "send", "fired"),)
    record = EventRecord(7, 1, "p-1", "purchase", "browser", "datalayer", "accepted", "c1", tags)
    of = tries(Attempted("meta", at, 0, None, rows, (outcomes[one],)) for at, one in enumerate(states))
    assert whole(record, of, None)["tags"][0]["delivery"]["state"] == "erased"
