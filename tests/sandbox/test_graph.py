"""The Graph API edge: versions, tokens, encodings, batches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import EDGE, TOKEN, Sandbox


def error_of(response: Any) -> tuple[int, int, int | None]:
    """HTTP status, code and subcode of an error, whose shape is checked."""
    error = response.json()["error"]
    assert {"message", "type", "code", "is_transient", "fbtrace_id"} <= error.keys()
    assert error["type"] == "OAuthException"
    return response.status_code, error["code"], error.get("error_subcode")


async def test_success(sandbox: Sandbox) -> None:
    """The documented answer, and nothing beside it."""
    response = await sandbox.send(sandbox.event("a"), sandbox.event("b"))
    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("fbtrace_id")
    assert answer == {"events_received": 2, "messages": []}
    assert "x-ad-api-version-warning" not in response.headers


async def test_old_version(sandbox: Sandbox) -> None:
    """A version before v24.0 is served with a warning."""
    body = {"data": [sandbox.event()]}
    response = await sandbox.http.post("/v23.0/123/events", json=body, headers=TOKEN)
    assert response.status_code == 200
    assert response.headers["x-ad-api-version-warning"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/123/events", (400, 2635, None)),
        ("/26.0/123/events", (400, 2500, None)),
        ("/v26/123/events", (400, 2500, None)),
        ("/v26.0/my-pixel/events", (400, 100, 33)),
    ],
)
async def test_bad_path(sandbox: Sandbox, path: str, error: object) -> None:
    """A missing or misshapen version and an impossible pixel are errors of the configuration."""
    response = await sandbox.http.post(path, json={"data": [sandbox.event()]}, headers=TOKEN)
    assert error_of(response) == error


async def test_post_only(sandbox: Sandbox) -> None:
    """The edge cannot be read."""
    assert error_of(await sandbox.http.get(EDGE, headers=TOKEN)) == (400, 100, 33)


async def test_no_token(sandbox: Sandbox) -> None:
    """Without a token nothing is looked at."""
    assert error_of(await sandbox.http.post(EDGE, json={"data": []})) == (400, 190, None)


async def test_token_places(sandbox: Sandbox) -> None:
    """A token is found in the header, the query, the body and the form."""
    data = [sandbox.event()]
    form = {"data": json.dumps(data), "access_token": "t"}
    requests: list[dict[str, Any]] = [
        {"headers": {"authorization": "bearer t"}, "json": {"data": data}},
        {"params": {"access_token": "t"}, "json": {"data": data}},
        {"json": {"data": data, "access_token": "t"}},
        {"data": form},
    ]
    for request in requests:
        assert (await sandbox.http.post(EDGE, **request)).status_code == 200


async def test_dead_token(sandbox: Sandbox) -> None:
    """A token that was declared dead is refused wherever it comes from, and is shown nowhere."""
    await sandbox.arm(dead_tokens=["EAAB-a-long-secret-token-99"])
    response = await sandbox.http.post(
        EDGE, params={"access_token": "EAAB-a-long-secret-token-99"}, json={"data": [sandbox.event()]}
    )
    assert error_of(response) == (401, 190, 463)
    assert (await sandbox.send(sandbox.event())).status_code == 200
    for path in ("/control", "/stats.json", "/"):
        text = (await sandbox.http.get(path)).text
        assert "long-secret" not in text
    assert (await sandbox.http.get("/control")).json()["dead_tokens"] == ["EAA…99"]


async def test_form_of_the_sdks(sandbox: Sandbox) -> None:
    """In a form, each event may be a JSON text of its own."""
    texts = [json.dumps(sandbox.event(name)) for name in ("a", "b")]
    form = {"data": json.dumps(texts), "access_token": "t", "test_event_code": "TEST1"}
    assert (await sandbox.http.post(EDGE, data=form)).json()["events_received"] == 2
    assert [one["test_event_code"] for one in (await sandbox.stats())["events"]] == ["TEST1", "TEST1"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"data": [NaN]}', b"\xff", b"[" * 100_000, b'{"a": "\\ud800"}']
)
async def test_no_json(sandbox: Sandbox, body: bytes) -> None:
    """What is not a JSON object is code 100."""
    response = await sandbox.http.post(EDGE, content=body, headers={**TOKEN, "content-type": "application/json"})
    assert error_of(response) == (400, 100, None)


@pytest.mark.parametrize("form", [b"data=[", b'data=["{"]', b"\xff", b"&".join([b"a=1"] * 200)])
async def test_no_form(sandbox: Sandbox, form: bytes) -> None:
    """What is not a form with JSON in it is code 100."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert error_of(await sandbox.http.post(EDGE, content=form, headers=TOKEN | kind)) == (400, 100, None)


async def test_multipart(sandbox: Sandbox) -> None:
    """Multipart is refused with a sentence."""
    response = await sandbox.http.post(EDGE, files={"data": b"[]"}, headers=TOKEN)
    assert "multipart" in response.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"data": []}, {"data": "[]"}])
async def test_no_data(sandbox: Sandbox, body: dict[str, Any]) -> None:
    """`data` must be an array with something in it."""
    assert error_of(await sandbox.http.post(EDGE, json=body, headers=TOKEN)) == (400, 100, None)


async def test_batch_limit(sandbox: Sandbox) -> None:
    """A thousand events pass, one more does not."""
    events = [sandbox.event(str(number)) for number in range(1001)]
    assert (await sandbox.send(*events[:1000])).json()["events_received"] == 1000
    assert error_of(await sandbox.send(*events)) == (400, 100, None)
    assert await sandbox.counts("arrivals", "unique") == [1000, 1000]


async def test_too_large(sandbox: Sandbox) -> None:
    """A body over the limit is code 100 as well."""
    blanks = b" " * ((64 << 20) + 1)
    assert error_of(await sandbox.http.post(EDGE, content=blanks, headers=TOKEN)) == (413, 100, None)


async def test_one_bad_event_refuses_all(sandbox: Sandbox) -> None:
    """Nothing of the batch is counted, and nothing in the answer says which event it was."""
    old = sandbox.event("old", event_time=1)
    response = await sandbox.send(sandbox.event("a"), sandbox.event("b"), old)
    assert error_of(response) == (400, 100, 2804003)
    error = response.json()["error"]
    assert error["error_user_title"]
    assert error["error_user_msg"]
    assert "error_data" not in error
    assert "data[2]" not in response.text
    assert "old" not in error["message"].split()[-1]
    assert await sandbox.counts("requests", "refused", "arrivals", "events_received") == [1, 1, 0, 0]
    refusal = (await sandbox.stats())["last_refusal"]
    assert refusal == {
        "at": sandbox.now,
        "pixel": "123",
        "status": 400,
        "code": 100,
        "subcode": 2804003,
        "message": "event_time is more than 7 days ago",
        "index": 2,
        "event_name": "Lead",
        "event_id": "old",
    }


async def test_blame(sandbox: Sandbox) -> None:
    """When asked to, the answer names the place."""
    await sandbox.arm(blame=True)
    error = (await sandbox.send(sandbox.event("a"), None)).json()["error"]
    assert error["error_data"] == {"blame_field_specs": [["data[1]"]]}
    assert "error_data" not in (await sandbox.send()).json()["error"]


async def test_wrong_test_code(sandbox: Sandbox) -> None:
    """`test_event_code` must be text."""
    assert error_of(await sandbox.send(sandbox.event(), test_event_code=7)) == (400, 100, None)


async def test_trace_ids_differ(sandbox: Sandbox) -> None:
    """Every answer has a trace id of its own."""
    traces = {(await sandbox.send(sandbox.event())).json()["fbtrace_id"] for _ in range(3)}
    assert len(traces) == 3
