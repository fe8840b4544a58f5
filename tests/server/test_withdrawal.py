"""Consent that is taken back while deliveries wait: they are erased, whoever they were waiting for."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tagserver.event.hashing import sha256_hex
from tagserver.event.person_keys import person_key
from tagserver.queue.data_folder import install_key
from tagserver.queue.values import Tombstone
from tests.delivery.support import until

from .conftest import CONTAINER, ENVIRON, GRANTED, SERVER, TOKEN, Running, Start, purchase

DENIED = {"ad_storage": "denied", "ad_user_data": "denied", "ad_personalization": "denied"}
PAUSED = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
"""Without its token Meta is paused: what is for it waits."""
BACKEND = {"authorization": "Bearer backend-key"}
CRM = {"authorization": "Bearer crm-key"}


def choice(consent: Any = DENIED, **fields: Any) -> dict[str, Any]:
    """The visitor has chosen."""
    return {"event": "consent", "consent": {"update": consent}} | fields


@pytest.fixture
async def waiting(start: Start) -> Running:
    """A server whose vendor is paused, with two purchases of Erika and one of Max in the queue."""
    server: Running = await start(environ=PAUSED)
    erika = {"client_id": "c-erika", "user_id": "u-1"}
    answer = await server.collect(
        [
            purchase("erika-1", **erika),
            purchase("erika-2", **erika),
            purchase("max", client_id="c-max", user_data={"email": "max@example.com"}),
        ]
    )
    assert {one["status"] for one in answer.json()["events"]} == {"accepted"}
    return server


async def post(server: Running, event: Any, **headers: str) -> str:
    """The status of one event that a key sends."""
    answer = await server.http.post("/collect", json=event, headers=headers)
    status: str = answer.json()["events"][0]["status"]
    return status


def queued(server: Running) -> list[str]:
    """The event ids that lie in the queue."""
    with closing(sqlite3.connect(f"file:{server.data / 'outbox.db'}?mode=ro", uri=True)) as database:
        return [one for (one,) in database.execute("SELECT event_id FROM delivery ORDER BY id")]


async def left(server: Running, *events: str) -> None:
    """Wait until no more than these lie in the queue, and the account holds."""
    await until(lambda: queued(server) == list(events))
    await until(lambda: server.runtime.outbox.counts()["meta"].pending == len(events))
    meta = (await server.status())["destinations"]["meta"]
    assert meta["accepted"] == meta["delivered"] + meta["pending"] + meta["dead"] + meta["erased"]
    assert (meta["pending"], meta["dead"], meta["erased"]) == (len(events), 0, 3 - len(events))


@pytest.mark.parametrize(
    "who",
    [{"client_id": "c-erika"}, {"user_id": "u-1"}, {"user_data": {"email": " ERIKA@example.com"}}],
    ids=["client_id", "user_id", "email"],
)
@pytest.mark.parametrize("source", ["browser", "key"])
async def test_what_waits_of_somebody_who_denies_is_erased(waiting: Running, who: dict[str, Any], source: str) -> None:
    """Found by any identifier of the event, in the browser's words or a backend's; others stay."""
    if source == "browser":
        assert (await waiting.collect(choice(**who))).status_code == 202
    else:
        assert await post(waiting, choice(**who), **BACKEND) == "accepted"
    await left(waiting, "max")


@pytest.mark.parametrize(
    "consent",
    [
        {"default": DENIED},
        {"update": {"ad_storage": "perhaps"}},
        GRANTED,
        None,
    ],
    ids=["a preset", "garbled", "a grant", "nothing"],
)
async def test_what_is_no_denial_erases_nothing(waiting: Running, consent: Any) -> None:
    await waiting.collect({"event": "consent", "client_id": "c-erika", "consent": consent})
    await post(waiting, {"event": "consent", "client_id": "c-erika", "consent": consent}, **BACKEND)
    await waiting.runtime.outbox.forget_keys([])
    await left(waiting, "erika-1", "erika-2", "max")
    assert waiting.runtime.outbox.tombstones() == 0


async def test_a_denial_of_another_purpose_erases_nothing(waiting: Running) -> None:
    """Meta's tag does not measure."""
    await waiting.collect(choice({"analytics_storage": "denied"}, client_id="c-erika"))
    await until(lambda: waiting.runtime.outbox.tombstones() == 1)
    await asyncio.sleep(0.1)
    await left(waiting, "erika-1", "erika-2", "max")


async def test_a_string_that_cannot_be_read_takes_nothing_back(waiting: Running) -> None:
    """It counts as a refusal for its own event alone."""
    await waiting.collect({"event": "view", "client_id": "c-erika", "tcf": "garbled"})
    assert waiting.runtime.outbox.tombstones() == 0


async def test_a_denial_beside_a_purchase_counts_for_it(waiting: Running) -> None:
    """In one request, whatever the order: pages send a few events together."""
    who = {"client_id": "c-new"}
    for number, events in enumerate(([purchase("p1", **who), choice(**who)], [choice(**who), purchase("p2", **who)])):
        answer = await waiting.http.post("/collect", json=events, headers=BACKEND)
        assert [one["status"] for one in answer.json()["events"]] == ["accepted"] * 2, number
    await left(waiting, "erika-1", "erika-2", "max")


async def test_a_denial_of_a_browser_leaves_later_events_to_their_own_consent(waiting: Running) -> None:
    """Or a stranger could keep somebody else's purchases from being sent, for as long as the tombstone lasts."""
    await waiting.collect(choice(user_data={"email": "max@example.com"}))
    await left(waiting, "erika-1", "erika-2")
    await asyncio.sleep(0.002)
    event = purchase("max-again", user_data={"email": "max@example.com"})
    assert (await waiting.collect(event)).json()["events"][0]["status"] == "accepted"
    assert queued(waiting) == ["erika-1", "erika-2", "max-again"]


async def test_a_denial_by_a_key_stands_until_a_key_grants_again(waiting: Running) -> None:
    """Not against a contract, not against a browser; after the grant, new events go and old ones do not."""
    await post(waiting, choice(user_data={"email": "erika@example.com"}), **BACKEND)
    await left(waiting, "max")
    event = purchase("later")
    del event["consent"]
    assert await post(waiting, event, **CRM) == "accepted"
    await waiting.collect(purchase("by a browser"))
    assert queued(waiting) == ["max"], "what was taken back is not even stored"
    await asyncio.sleep(0.002)
    old = waiting.runtime.time.now() - 60_000
    grant = choice(GRANTED, user_data={"email": "erika@example.com"})
    await post(waiting, grant, **BACKEND)
    await asyncio.sleep(0.002)
    await post(waiting, purchase("old", timestamp=old), **BACKEND)
    await post(waiting, purchase("new"), **BACKEND)
    assert queued(waiting) == ["max", "new"]


ANALYTICS = (
    CONTAINER.replace(
        "triggers:\n", '  ga4: {type: ga4, measurement_id: G-A1B2C3D4, api_secret: "${env:META_TOKEN}"}\ntriggers:\n', 1
    )
    + "  - {name: Analytics, destination: ga4, triggers: [purchase]}\n"
)


async def test_a_denial_stops_the_tags_that_rely_on_it_and_is_on_record_for_those_alone(start: Start) -> None:
    """Analytics was not denied: its tag sends the same event."""
    server: Running = await start(environ=PAUSED, container=ANALYTICS)
    await post(server, choice(user_data={"email": "erika@example.com"}), **BACKEND)
    granted = GRANTED | {"analytics_storage": "granted"}
    assert (await server.collect(purchase("both", client_id="1.2", consent=granted))).status_code == 202
    assert queued(server) == ["both"]
    metrics = (await server.http.get("/-/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text
    decided = [line for line in metrics.splitlines() if line.startswith("tagserver_decisions_total{")]
    assert [(line.count('"block"'), line.count('"send"')) for line in decided if '"Meta purchase"' in line] == [(1, 0)]
    assert [(line.count('"block"'), line.count('"send"')) for line in decided if '"Analytics"' in line] == [(0, 1)]


async def test_strangers_who_deny_leave_nothing_behind(waiting: Running) -> None:
    """Most visitors who refuse have granted nothing before: no tombstone, no write."""
    await waiting.runtime.outbox.forget_keys([])
    for number in range(50):
        await waiting.collect(choice(client_id=f"stranger-{number}", user_data={"email": f"s{number}@example.com"}))
    assert waiting.runtime.outbox.tombstones() <= 1, "one in a thousand may be taken for somebody else"


async def test_an_address_that_names_everybody_is_slowed_down(start: Start) -> None:
    """Whose client_id it is it may say for as many as it likes: those cannot be guessed."""
    server: Running = await start(environ=PAUSED)
    names = [f"n{number}" for number in range(80)]
    for at in range(0, 80, 40):
        await server.collect(
            [
                purchase(name, client_id=f"c-{name}", user_data={"email": f"{name}@example.com"})
                for name in names[at : at + 40]
            ]
        )
    for at in range(0, 80, 40):
        await server.collect([choice(user_data={"email": f"{name}@example.com"}) for name in names[at : at + 40]])
    stones = server.runtime.outbox.tombstones()
    assert 60 <= stones <= 65
    await server.collect([choice(client_id=f"c-{name}") for name in names[-40:]])
    await until(lambda: queued(server) == [])
    await until(lambda: server.runtime.outbox.counts()["meta"].erased == 80)


async def test_dead_letters_are_erased_too(start: Start) -> None:
    server: Running = await start()
    await server.vendor.post("/control", json={"bad_ids": ["bad", "of max"]})
    await server.collect([purchase("bad"), purchase("of max", user_data={"email": "max@example.com"})])
    await server.drained()
    assert (await server.status())["destinations"]["meta"]["dead"] == 2
    await server.collect(choice(user_data={"email": "erika@example.com"}))
    await until(lambda: server.runtime.outbox.counts()["meta"].erased == 1)
    meta = (await server.status())["destinations"]["meta"]
    assert (meta["dead"], meta["erased"], meta["dead_by_reason"]) == (1, 1, {"rejected": 1})


async def test_a_restart_goes_on_with_what_a_kill_has_cut_short(start: Start) -> None:
    """The tombstone is on disk before anything is erased."""
    one: Running = await start(environ=PAUSED)
    await one.collect([purchase(), purchase("max", user_data={"email": "max@example.com"})])
    key = person_key("email", sha256_hex("erika@example.com"), install_key(one.data))
    await one.runtime.outbox.withdraw([Tombstone(key, "ad_storage", one.runtime.time.now())], 60)
    killed = one.data.parent.parent / "two" / "data"
    shutil.copytree(one.data, killed)
    two: Running = await start(environ=PAUSED, name="two")
    await until(lambda: two.runtime.outbox.counts()["meta"].erased == 1)
    assert queued(two) == ["max"]


@pytest.mark.parametrize("trigger", ["all", "chosen"])
async def test_a_choice_is_not_told_to_an_ads_destination(start: Start, trigger: str) -> None:
    """Neither by a tag for every event, nor by one that asks for it by name; there is somebody to be told of."""
    text = CONTAINER.replace("triggers:\n", "triggers:\n  chosen: {event: consent}\n", 1)
    everything = f"{text}  - {{name: Meta all, destination: meta, triggers: [{trigger}]}}\n"
    server: Running = await start(server=SERVER, container=everything)
    who = {"client_id": "c", "user_data": {"email": "erika@example.com"}, "consent": GRANTED}
    await server.collect([choice(GRANTED) | who, {"event": "view", "event_id": "v", "consent": GRANTED}])
    assert [one["event_id"] for one in (await server.drained())["events"]] == []
