"""Somebody asks to be forgotten: everything goes, is counted, and cannot be found in the files."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from tagserver.queue.values import Settlement
from tests.delivery.support import until

from .conftest import CONTAINER, ENVIRON, SERVER, TOKEN, Running, Start, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
EMAIL = "erika@example.com"
MARKER = "marker-of-erika"
TRACES = (
    *(EMAIL, hashlib.sha256(EMAIL.encode()).hexdigest(), MARKER, "u-erika", "c-erika"),
    *(hashlib.sha256(text.encode()).hexdigest() for text in ("u-erika", "4930123456")),
)
PAUSED = {name: value for name, value in ENVIRON.items() if name != "META_TOKEN"}
BOTH = (
    CONTAINER.replace(
        "\ntriggers:",
        """
  other:
    type: meta_capi
    pixel_id: "77"
    access_token: "${env:OTHER_TOKEN}"
    api_url: http://vendor.internal
triggers:""",
    )
    + '  - {name: Other, destination: other, triggers: [all], once_per: {key: "{{ user_data.email }}", within: 7d}}\n'
)


def erika(event_id: str, **fields: Any) -> dict[str, Any]:
    """A purchase of Erika, by whom she is known in every way; its payload is marked."""
    person = {"email": EMAIL, "phone_number": "+49 30 123456", "external_id": "u-erika"}
    page = {"location": f"https://shop.example/{MARKER}"}
    return (
        purchase(f"{event_id}-{MARKER}", user_data=person, user_id="u-erika", client_id="c-erika", page=page) | fields
    )


def somebody(event_id: str) -> dict[str, Any]:
    return purchase(event_id, user_data={"email": f"{event_id}@example.com"})


async def forget(server: Running, **who: Any) -> dict[str, Any]:
    answer = await server.http.post("/-/forget.json", json=who, headers=BEARER)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def found(server: Running) -> list[str]:
    """What of the person can be found in the data folder."""
    stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    return [one for one in TRACES if one.encode() in stored]


async def account(server: Running) -> dict[str, Any]:
    """The counts by destination, which must add up."""
    shown: dict[str, Any] = (await server.status())["destinations"]
    for one in shown.values():
        assert one["accepted"] == one["delivered"] + one["pending"] + one["dead"] + one["erased"]
    return shown


async def test_older_copies_in_the_data_folder_are_named(start: Start) -> None:
    """A queue that was set aside, what a restore has moved away, a copy that waits to be packed: nobody looks through
    them, so nobody may say that nothing is left."""
    server: Running = await start()
    assert (await forget(server, email="erika@example.com"))["copies"] == []
    aside = ["before-restore-1795971670", "outbox.db.damaged-20261129-170000", "outbox.db.snapshot-0123456789abcdef"]
    for name in aside:
        (server.data / name).mkdir()
    assert (await forget(server, email="erika@example.com"))["copies"] == aside


@pytest.mark.parametrize(
    "who",
    [
        {"email": " ERIKA@example.com "},
        {"email": hashlib.sha256(EMAIL.encode()).hexdigest()},
        {"phone": "0049-30-123456"},
        {"user_id": "u-erika"},
        {"client_id": ["c-other", "c-erika"]},
    ],
    ids=["email", "hash of it", "phone", "user_id", "client_id"],
)
async def test_everything_of_a_person_is_erased_and_nothing_is_left_in_the_files(
    start: Start, who: dict[str, Any]
) -> None:
    """Queue, dead letters and what was delivered before, at two destinations; others stay."""
    server: Running = await start(container=BOTH, environ=ENVIRON)
    await server.vendor.post("/control", json={"bad_ids": [f"bad-{MARKER}"]})
    events = [erika("bad"), erika("good"), somebody("max")]
    await server.collect(events)
    await until(lambda: server.runtime.outbox.counts()["meta"].pending == 0)
    assert found(server)
    done = await forget(server, **who)
    assert done["destinations"] == {
        "meta": {"queue": 0, "dead": 1, "left": 0},
        "other": {"queue": 1, "dead": 0, "left": 0},
    }
    assert (done["clean"], found(server)) == (True, [])
    shown = await account(server)
    assert [(one["delivered"], one["pending"], one["dead"], one["erased"]) for one in shown.values()] == [
        (2, 0, 0, 1),
        (0, 1, 0, 1),
    ]


@pytest.mark.parametrize("dedup", ["shared", "per_source"])
async def test_what_waits_for_consent_and_keys_of_once_per_go_too(start: Start, dedup: str) -> None:
    """The key of a tag is made of the e-mail, and would say for a week that somebody with it has been here."""
    settings = SERVER.replace("collect:", f"collect:\n  dedup: {dedup}")
    server: Running = await start(server=settings, container=BOTH, environ=PAUSED)
    await server.collect(erika("one"))
    later = {"default": {"wait_for_update": 5000}}
    assert (await server.collect(erika("two", consent=later))).json()["events"][0]["status"] == "held"
    done = await forget(server, email=EMAIL)
    assert (done["held"], done["once_per"]) == (1, 1)
    assert (await server.status())["held"]["events"] == 0


async def test_later_events_of_the_person_are_refused_for_a_while(start: Start) -> None:
    """A browser's stored choice, or a late repeat, is no new will. The answer does not tell."""
    server: Running = await start(environ=PAUSED)
    await server.collect(erika("one"))
    done = await forget(server, user_id="u-erika")
    assert done["refused_until"] > server.runtime.time.now() + 29 * 86_400_000
    for event, sender in ((erika("two"), {}), (erika("three"), {"authorization": "Bearer crm-key"})):
        answer = await server.collect(event, **sender)
        assert answer.json()["events"][0]["status"] == "accepted"
    assert ((await account(server))["meta"]["accepted"], found(server)) == (1, [])


async def test_a_site_may_take_later_events(start: Start) -> None:
    """Of what happened afterwards; what was on its way in before is still refused."""
    server: Running = await start(server=SERVER + "forget: {refuse: 0s}\n", environ=PAUSED)
    before = server.runtime.time.now()
    done = await forget(server, email=EMAIL)
    assert done["refused_until"] is None
    await asyncio.sleep(0.002)
    await server.collect([erika("late", timestamp=before - 1000), erika("new")])
    assert (await account(server))["meta"]["accepted"] == 1


@pytest.mark.parametrize("refused", [False, True])
async def test_what_is_on_its_way_is_waited_for(start: Start, refused: bool) -> None:
    """Delivered or not: afterwards nothing of it is here."""
    server: Running = await start(environ=PAUSED)
    await server.collect(erika("flying"))
    outbox = server.runtime.outbox
    batch = await outbox.claim("meta", max_items=1, max_bytes=1 << 20)
    assert batch is not None
    forgetting = asyncio.create_task(forget(server, email=EMAIL))
    await asyncio.sleep(0.1)
    assert not forgetting.done()
    ids = [row.id for row in batch.rows]
    await outbox.settle(batch, Settlement(attempted=ids) if refused else Settlement(delivered=ids))
    done = await forgetting
    assert done["destinations"]["meta"] == {"queue": int(refused), "dead": 0, "left": 0}
    assert found(server) == []
    await account(server)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "say who"),
        ({"email": []}, "say who"),
        ({"email": "erika"}, "email: this is none"),
        ({"phone": "call me"}, "phone: this is none"),
        ({"user_id": ""}, "user_id: this is none"),
        ({"client_id": ["a"] * 6}, "at most 5"),
        ({"name": "Erika"}, "post {"),
        ({"email": 7}, "post {"),
        ([], "post {"),
    ],
)
async def test_who_is_not_understood(server: Running, body: Any, said: str) -> None:
    """Told with the place, never with what was sent; nothing is done."""
    answer = await server.http.post("/-/forget.json", json=body, headers=BEARER)
    assert answer.status_code == 400
    message = answer.json()["problems"][0]["message"]
    assert said in message
    assert "erika" not in message.lower()
    assert server.runtime.outbox.tombstones() == 0
