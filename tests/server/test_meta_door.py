"""Meta's own door in a whole server: consent as everywhere, Graph's words for what the host refuses, one request that
is stored or refused as a whole, and nothing of a token or a person where it does not belong."""

from __future__ import annotations

import gzip
import json
import logging
import time
from typing import Any

import httpx
import pytest

from tests.server.conftest import CONTAINER, ENVIRON, GRANTED, SERVER, Running, Start, purchase
from tests.server.test_door_secrecy import MARK, everything

META = (
    SERVER
    + """
clients:
  meta:
    access_tokens:
      shop:
        secret: "${env:SHOP}"
        consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
        basis: "terms, 2026-03"
      silent: {secret: "${env:SILENT}"}
"""
)
SECRETS = {**ENVIRON, "SHOP": "token-of-the-shop", "SILENT": "token-without-a-contract"}
PIXEL = "1234567890"


def bought(event_id: str | None = "m-1", **fields: Any) -> dict[str, Any]:
    """A Purchase as Meta's SDK sends it; each id is an order of its own."""
    made = {
        "event_name": "Purchase",
        "event_time": int(time.time()),
        "event_id": event_id,
        "action_source": "website",
        "user_data": {"em": ["a" * 64]},
        "custom_data": {"value": 59.9, "currency": "eur", "order_id": str(event_id)},
    }
    return made | fields


async def send(server: Running, *events: Any, token: str = "token-of-the-shop", **more: Any) -> httpx.Response:
    """Post to the door as Node's SDK does."""
    return await server.http.post(
        f"/v26.0/{PIXEL}/events?access_token={token}", json={"data": list(events), "access_token": token}, **more
    )


@pytest.fixture
async def meta(start: Start) -> Running:
    """A server with Meta's own door."""
    server: Running = await start(server=META, environ=SECRETS)
    return server


async def test_events_are_received_and_sent_once(meta: Running) -> None:
    """A request that comes again is received again, and sent once."""
    for _ in range(2):
        answer = await send(meta, bought(), bought("m-2"))
        assert (answer.status_code, answer.json()["events_received"]) == (200, 2)
    stats = await meta.drained()
    assert (stats["arrivals"], stats["unique"]) == (2, 2)
    assert {one["event_name"] for one in stats["events"]} == {"Purchase"}


async def test_the_address_of_the_gateway_is_another_name_of_it(meta: Running) -> None:
    """With its own name of a key, and a form's header over JSON."""
    content = json.dumps({"data": [bought()]})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    address = f"/capi/{PIXEL}/events?accessKey=token-of-the-shop"
    assert (await meta.http.post(address, content=content, headers=headers)).json()["events_received"] == 1
    assert (await meta.drained())["arrivals"] == 1


async def test_a_body_may_be_compressed(meta: Running) -> None:
    """Not by who hides his token in it."""
    content = gzip.compress(json.dumps({"data": [bought()], "access_token": "token-of-the-shop"}).encode())
    address, packed = f"/v26.0/{PIXEL}/events", {"content-encoding": "gzip"}
    assert (await meta.http.post(address, content=content, headers=packed)).status_code == 401
    headers = {"authorization": "Bearer token-of-the-shop", **packed}
    assert (await meta.http.post(address, content=content, headers=headers)).json()["events_received"] == 1
    assert (await meta.drained())["arrivals"] == 1


async def test_one_bad_event_refuses_its_neighbours(meta: Running) -> None:
    """Nothing of the request is stored."""
    answer = await send(meta, bought(), bought("m-2", event_time=1))
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, 2804003)
    assert (await meta.drained())["arrivals"] == 0


@pytest.mark.parametrize(
    ("field", "code"),
    [({"x": "y" * 20_000}, "too_large"), ({"x": json.loads("[" * 30 + "]" * 30)}, "too_deep")],
    ids=["large", "deep"],
)
async def test_what_the_host_finds_of_one_event_refuses_its_neighbours(
    meta: Running, field: dict[str, Any], code: str
) -> None:
    """They may have no ids, and whoever was told 400 sends all of them again."""
    strange = bought("m-2", custom_data={**bought("m-2")["custom_data"], **field})
    answer = await send(meta, bought(None), strange, bought("m-3"))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, 100)
    assert error["error_data"] == {"reason": code, "blame_field_specs": [["data[1]"]]}
    assert error["message"].startswith("(#100) data[1] could not be taken: the event ")
    assert (await meta.drained())["arrivals"] == 0
    assert (await send(meta, bought(None), bought("m-3"))).json()["events_received"] == 2
    assert (await meta.drained())["arrivals"] == 2


@pytest.mark.parametrize(
    ("token", "said", "arrive"),
    [
        ("token-of-the-shop", {}, 1),
        ("token-of-the-shop", {"consent": {"ad_user_data": "denied"}}, 0),
        ("token-of-the-shop", {"consent": "granted"}, 0),
        ("token-without-a-contract", {}, 0),
        ("token-without-a-contract", {"consent": GRANTED}, 1),
        ("token-without-a-contract", {"custom_data": bought()["custom_data"] | {"consent": GRANTED}}, 0),
        ("token-without-a-contract", {"user_data": {"em": ["a" * 64], "consent": GRANTED}}, 0),
    ],
    ids=["contract", "denied", "unreadable", "nothing", "own", "parameter", "person"],
)
async def test_consent_is_what_it_is_everywhere(meta: Running, token: str, said: Any, arrive: int) -> None:
    """The contract of the token, and before it what the visitor has said; a parameter is no word of his."""
    assert (await send(meta, bought(**said), token=token)).json()["events_received"] == 1
    assert (await meta.drained())["arrivals"] == arrive


@pytest.mark.parametrize(
    ("beside", "own", "arrive"),
    [
        ({"consent": dict.fromkeys(GRANTED, "denied")}, {}, 0),
        ({"consent": "no"}, {}, 0),
        ({"gcs": "G100"}, {}, 0),
        ({"consent": {"ad_storage": "denied"}}, {"consent": {"ad_user_data": "granted"}}, 0),
        ({"consent": GRANTED}, {}, 1),
    ],
    ids=["denied", "unreadable", "gcs", "in-parts", "granted"],
)
async def test_consent_beside_data_is_that_of_all_its_events(meta: Running, beside: Any, own: Any, arrive: int) -> None:
    """As beside `events` at /collect: whoever writes it there means it, whatever the token's contract says."""
    address = f"/v26.0/{PIXEL}/events?access_token=token-of-the-shop"
    answer = await meta.http.post(address, json={"data": [bought(**own)], **beside})
    assert answer.json()["events_received"] == 1
    assert (await meta.drained())["arrivals"] == arrive


async def test_what_the_page_has_refused_no_contract_sends(meta: Running) -> None:
    denied = purchase("m-1", consent=dict.fromkeys(GRANTED, "denied")) | {"user_data": {"email": "e@x.example"}}
    await meta.collect(denied)
    assert (await send(meta, bought())).json()["events_received"] == 1
    assert (await meta.drained())["arrivals"] == 0


async def test_an_order_of_the_page_meets_it(meta: Running) -> None:
    """Whichever is first, and also where the backend has no id for it."""
    await meta.collect(purchase("own-1") | {"ecommerce": {"transaction_id": "o1", "value": 59.9, "currency": "EUR"}})
    custom = bought()["custom_data"]
    first = await send(meta, bought(None, custom_data={**custom, "order_id": "o1"}))
    assert first.json()["fbtrace_id"] == "purchase_o1"
    assert (await send(meta, bought(None, custom_data={**custom, "order_id": 2}))).json()["events_received"] == 1
    late = await meta.collect(
        purchase("own-2") | {"ecommerce": {"transaction_id": "2", "value": 59.9, "currency": "EUR"}}
    )
    assert late.json()["events"][0]["status"] == "duplicate"
    assert (await meta.drained())["arrivals"] == 2


ANOTHER = CONTAINER.replace('"1234567890"', '"77"')


async def test_a_destination_of_another_pixel_has_no_part_in_it(start: Start) -> None:
    server: Running = await start(server=META, environ=SECRETS, container=ANOTHER)
    assert (await send(server, bought())).json()["events_received"] == 1
    assert (await server.drained())["arrivals"] == 0


@pytest.mark.parametrize(
    ("given", "status", "code", "transient"),
    [
        ({"content": b" " * (70 << 10)}, 413, 100, False),
        ({"content": json.dumps({"data": [bought(str(at)) for at in range(51)]}).encode()}, 413, 100, False),
        ({"content": b"x", "headers": {"content-encoding": "br"}}, 400, 100, False),
        (
            {"content": json.dumps({"data": [bought(custom_data={"value": 1, "currency": "EUR", "x": "y" * 20_000})]})},
            400,
            100,
            False,
        ),
    ],
    ids=["large", "many", "encoding", "large-event"],
)
async def test_what_the_host_refuses_is_told_in_graphs_words(
    meta: Running, given: dict[str, Any], status: int, code: int, transient: bool
) -> None:
    answer = await meta.http.post(f"/v26.0/{PIXEL}/events?access_token=token-of-the-shop", **given)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["is_transient"]) == (status, code, transient)
    assert error["type"] == "OAuthException"
    assert (await meta.drained())["arrivals"] == 0


async def test_throttling_and_trouble_say_when_to_come_again(start: Start) -> None:
    limited = META.replace("collect:\n", "collect:\n  rate: 1/s\n", 1)
    server: Running = await start(server=limited, environ=SECRETS)
    answers = [await send(server, *(bought(f"{turn}-{at}") for at in range(10))) for turn in range(3)]
    (error,) = {json.dumps({**one.json()["error"], "message": ""}) for one in answers if one.status_code == 429}
    assert (json.loads(error)["code"], json.loads(error)["is_transient"]) == (4, True)
    assert "retry-after" in answers[-1].headers
    server.runtime.closing = True
    closing = await send(server, bought())
    assert (closing.status_code, closing.json()["error"]["code"]) == (503, 2)
    assert closing.json()["error"]["is_transient"] is True


async def test_a_method_that_it_has_not_is_told_so(meta: Running) -> None:
    answer = await meta.http.get(f"/v26.0/{PIXEL}/events?access_token=token-of-the-shop")
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (405, 33)
    assert answer.headers["allow"] == "POST"
    assert (await meta.http.post(f"/v26/{PIXEL}/events")).text == "Not Found"


async def test_no_token_and_no_person_is_written_anywhere(meta: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Not of a request that is taken, nor of one that is refused, whatever stands where."""
    caplog.set_level(logging.DEBUG, logger="tagserver")
    person = {"em": [f"{MARK}@example.com"], "ph": "+4930901820", "fn": MARK, "fbc": MARK, "ct": [MARK, 7]}
    await send(meta, bought(user_data=person))
    await send(meta, bought("m-2", user_data=person, **{f"{MARK}@example.com": MARK}), params={"appsecret_proof": MARK})
    for token in (MARK, "token-of-the-shop"):
        answer = await send(meta, bought(user_data=person, event_time=MARK), token=token)
        assert MARK not in answer.text
        assert token not in answer.text
    address = f"/v26.0/{PIXEL}/events?access_token=token-of-the-shop&email={MARK}"
    for content in (b"data=" + MARK.encode(), b'{"data": "' + MARK.encode() + b'"}', b"--" + MARK.encode() + b"\n\n"):
        answer = await meta.http.post(address, content=content)
        assert (answer.status_code, MARK in answer.text) == (400, False)
    assert (await meta.drained())["arrivals"] == 2
    text = await everything(meta, caplog)
    assert "m-2" in text, "it was looked at"
    assert MARK not in text
    assert not [one for one in SECRETS.values() if one in text]
