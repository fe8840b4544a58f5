"""Faults on demand."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Sandbox

NOTHING = {"fault": None, "bad_ids": [], "bad_subcode": 2804007, "dead_tokens": [], "blame": False}


async def test_nothing_armed(sandbox: Sandbox) -> None:
    """At first nothing is armed."""
    assert (await sandbox.http.get("/control")).json() == NOTHING


async def test_status(sandbox: Sandbox) -> None:
    """An armed status answers before anything is counted, until cleared."""
    armed = await sandbox.arm(status=503, retry_after="30")
    assert armed.json()["fault"] == {
        "status": 503,
        "code": None,
        "subcode": None,
        "type": "OAuthException",
        "retry_after": "30",
        "body": None,
        "delay": 0.0,
        "reset": False,
        "hang": False,
        "after": False,
        "next": None,
    }
    for _ in range(2):
        response = await sandbox.send(sandbox.event())
        assert (response.status_code, response.headers["retry-after"]) == (503, "30")
        error = response.json()["error"]
        assert (error["code"], error["is_transient"]) == (2, True)
    assert (await sandbox.arm(clear=True)).json() == NOTHING
    assert (await sandbox.send(sandbox.event())).status_code == 200
    assert await sandbox.counts("requests", "faults", "refused", "arrivals") == [3, 2, 0, 1]


@pytest.mark.parametrize(
    ("order", "seen"),
    [
        ({"status": 429}, (429, 4, None, False)),
        ({"status": 401}, (401, 190, None, False)),
        ({"status": 403}, (403, 200, None, False)),
        ({"status": 422}, (422, 100, None, False)),
        ({"code": 1}, (400, 1, None, True)),
        ({"code": 80004, "subcode": 2446079}, (400, 80004, 2446079, False)),
        ({"status": 400, "code": 190, "subcode": 460}, (400, 190, 460, False)),
        ({"status": 200, "code": 2}, (200, 2, None, True)),
    ],
)
async def test_codes(sandbox: Sandbox, order: dict[str, Any], seen: object) -> None:
    """Status, code and subcode are answered as armed; the code follows from the status when there is none."""
    await sandbox.arm(**order, type="FacebookApiException")
    response = await sandbox.send(sandbox.event())
    error = response.json()["error"]
    assert error["type"] == "FacebookApiException"
    assert (response.status_code, error["code"], error.get("error_subcode"), error["is_transient"]) == seen


async def test_next(sandbox: Sandbox) -> None:
    """A fault with `next` strikes so many Graph requests; browsers' hits do not use it up."""
    await sandbox.arm(status=500, next=2)
    await sandbox.hit()
    statuses = [(await sandbox.send(sandbox.event())).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert (await sandbox.http.get("/control")).json() == NOTHING


async def test_after(sandbox: Sandbox) -> None:
    """With `after` the events count and the sender is told otherwise: its next try is a duplicate."""
    await sandbox.arm(status=500, after=True, next=1)
    assert (await sandbox.send(sandbox.event())).status_code == 500
    assert (await sandbox.send(sandbox.event())).status_code == 200
    assert await sandbox.counts("arrivals", "unique", "duplicates") == [2, 1, 1]


async def test_after_a_refusal(sandbox: Sandbox) -> None:
    """A batch that is refused stays refused: there is nothing to fail after."""
    await sandbox.arm(status=500, after=True)
    assert (await sandbox.send({})).status_code == 400


async def test_body(sandbox: Sandbox) -> None:
    """Garbage comes with the status that was asked for, or 200."""
    await sandbox.arm(body="<html>gateway</html>")
    response = await sandbox.send(sandbox.event())
    assert (response.status_code, response.text) == (200, "<html>gateway</html>")
    await sandbox.arm(body="", status=502)
    response = await sandbox.send(sandbox.event())
    assert (response.status_code, response.text) == (502, "")


@pytest.mark.parametrize("after", [False, True])
async def test_delay(sandbox: Sandbox, after: bool) -> None:
    """A delay alone is no fault: the request is served as usual, late."""
    await sandbox.arm(delay=0.01, after=after)
    assert (await sandbox.send(sandbox.event())).status_code == 200
    assert await sandbox.counts("faults", "arrivals") == [0, 1]


async def test_delay_after(sandbox: Sandbox) -> None:
    """With `after`, the events have counted by the time a sender loses patience."""
    await sandbox.arm(delay=60, after=True, next=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await sandbox.send(sandbox.event())
    assert await sandbox.counts("arrivals") == [1]


async def test_reset(sandbox: Sandbox) -> None:
    """A reset raises when there is no connection to abort; `after` counts before it."""
    await sandbox.arm(reset=True)
    with pytest.raises(ConnectionResetError):
        await sandbox.send(sandbox.event())
    assert await sandbox.counts("arrivals") == [0]
    await sandbox.arm(reset=True, after=True)
    with pytest.raises(ConnectionResetError):
        await sandbox.send(sandbox.event())
    assert await sandbox.counts("arrivals") == [1]


async def test_hang(sandbox: Sandbox) -> None:
    """A request hangs until its sender gives up, or the fault is cleared."""
    await sandbox.arm(hang=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await sandbox.send(sandbox.event())
    hanging = asyncio.ensure_future(sandbox.send(sandbox.event()))
    while await sandbox.counts("faults") != [2]:
        await asyncio.sleep(0.001)
    await sandbox.arm(clear=True)
    with pytest.raises(ConnectionResetError):
        await hanging
    assert await sandbox.counts("arrivals") == [0]


async def test_bad_ids(sandbox: Sandbox) -> None:
    """An armed id refuses its whole batch, until it is no longer armed."""
    await sandbox.arm(bad_ids=["b", "d"])
    batch = [sandbox.event(name) for name in "abcd"]
    response = await sandbox.send(*batch)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["error_subcode"]) == (400, 100, 2804007)
    assert (await sandbox.stats())["last_refusal"]["index"] == 1
    assert (await sandbox.send(batch[0], batch[2])).status_code == 200
    await sandbox.arm(bad_ids=["d"], bad_subcode=2804048)
    assert (await sandbox.send(*batch)).json()["error"]["error_subcode"] == 2804048
    await sandbox.arm(bad_ids=[])
    assert (await sandbox.send(*batch)).status_code == 200


async def test_first_of_both(sandbox: Sandbox) -> None:
    """Of a broken rule and an armed id, the earlier event is the answer."""
    await sandbox.arm(bad_ids=["b"])
    broken = sandbox.event("c", event_time=1)
    response = await sandbox.send(sandbox.event("b"), broken)
    assert response.json()["error"]["error_subcode"] == 2804007
    response = await sandbox.send(broken, sandbox.event("b"), None)
    assert response.json()["error"]["error_subcode"] == 2804003


async def test_standing_rules_outlive_a_fault(sandbox: Sandbox) -> None:
    """A new fault replaces the old one and leaves bad ids alone; an order with `clear` starts afresh."""
    await sandbox.arm(bad_ids=["b"], status=500)
    await sandbox.arm(code=4, next=1)
    armed = (await sandbox.http.get("/control")).json()
    assert (armed["fault"]["status"], armed["fault"]["code"], armed["bad_ids"]) == (None, 4, ["b"])
    armed = (await sandbox.arm(clear=True, blame=True)).json()
    assert armed == NOTHING | {"blame": True}


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"stauts": 503}, "stauts"),
        ({"status": "503"}, "$.status"),
        ({"status": 99}, "$.status"),
        ({"status": True}, "$.status"),
        ({"delay": -1}, "$.delay"),
        ({"status": 503, "next": 0}, "$.next"),
        ({"bad_ids": "a"}, "$.bad_ids"),
        ({"bad_ids": [1]}, "$.bad_ids"),
        ({"status": 503, "retry_after": "1\r\nx: y"}, "$.retry_after"),
        ({"next": 3}, "need a fault"),
        ({"after": True}, "need a fault"),
        ({"bad_ids": ["a"], "subcode": 1}, "bad_subcode"),
        ({"delay": 1, "retry_after": "1"}, "retry_after needs"),
        ({"reset": True, "hang": True}, "exclude each other"),
        ({"reset": True, "status": 500}, "give no answer"),
        ({"body": "x", "code": 1}, "leave out code"),
        ([], "object"),
    ],
)
async def test_wrong_order(sandbox: Sandbox, order: Any, sentence: str) -> None:
    """A wrong order is answered with a sentence and changes nothing."""
    await sandbox.arm(blame=True)
    response = await sandbox.http.post("/control", json=order)
    assert response.status_code == 400
    assert sentence in response.json()["error"]
    assert (await sandbox.http.get("/control")).json() == NOTHING | {"blame": True}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b" " * 2_000_000])
async def test_no_order(sandbox: Sandbox, content: bytes) -> None:
    """What is no JSON is answered likewise."""
    response: httpx.Response = await sandbox.http.post("/control", content=content)
    assert response.status_code == 400
    assert response.json()["error"]
