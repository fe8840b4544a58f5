"""`/-/try.json`: what it answers, that it decides as the live path does and changes nothing, and what it refuses."""

from __future__ import annotations

import msgspec
import pytest

from .conftest import BEARER, ENVIRON, SAFE, Running, purchase, samples


async def test_try_answers(server: Running) -> None:
    """The contract's keys; nothing is written, nothing is counted, nothing is sent."""
    before = await server.status()
    for _ in range(2):
        answer = await server.http.post("/-/try.json", json={"event": purchase()}, headers=BEARER)
        assert answer.status_code == 200
        shown = answer.json()
        assert {"event", "consent", "tags"} <= shown.keys()
        assert [(tag["tag"], tag["decision"], tag["reason"]) for tag in shown["tags"]] == [
            ("Meta purchase", "send", "fired"),
            ("Meta lead", "skip", "no_trigger"),
        ]
        assert ENVIRON["META_TOKEN"] not in answer.text
    assert (await server.status())["destinations"] == before["destinations"]
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0
    metrics = samples((await server.http.get("/-/metrics", headers=BEARER)).text)
    assert metrics["tagserver_events_total"] == 0
    # And no entry stands in the way of the real one.
    assert (await server.collect(purchase())).json()["events"][0]["status"] == "accepted"


async def test_try_and_the_live_path_send_the_same(server: Running) -> None:
    """What was shown is what the vendor then got."""
    shown = (await server.http.post("/-/try.json", json={"event": purchase()}, headers=BEARER)).json()
    await server.collect(purchase())
    stats = await server.drained()
    assert stats["arrivals"] == 1
    assert stats["events"][0]["event_id"] == shown["tags"][0]["request"]["body"]["data"][0]["event_id"]


@pytest.mark.parametrize(
    "pushed",
    [
        '{"event": "purchase", "ecommerce": {"items": [{"item_id": "T-1", "item_name": "Tasse \\ud83d"}]}}',
        '{"event": "purchase", "page": {"title": "Angebot \\ud83d", "location": "https://shop.example/"}}',
        '{"event": "purchase", "user_data": {"email": "\\ude00a@b.example"}, "\\ud83d": ["\\udc00"]}',
        '{"event": "purchase\\ud83d", "event_id": "\\ud83d", "user_id": "\\ud83d", "consent": {"\\ud83d": "\\ud83d"}}',
    ],
)
async def test_half_an_emoji_goes_on_at_try_as_at_collect(server: Running, pushed: str) -> None:
    """The half is the sign for what cannot be shown; nothing else of the event is different."""
    body = f'{{"event": {pushed}}}'.encode()
    answer = await server.http.post("/-/try.json", content=body, headers=BEARER)
    assert answer.status_code == 200
    assert "\ufffd" in answer.text
    assert all(tag["decision"] != "error" for tag in answer.json()["tags"])
    taken = await server.http.post("/collect", content=pushed.encode(), headers={"origin": "https://shop.example"})
    assert taken.status_code == 202


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
async def test_try_reads_json_whatever_the_content_type(server: Running, content_type: str) -> None:
    """As /collect does."""
    headers = BEARER | {"content-type": content_type}
    content = msgspec.json.encode({"event": purchase()})
    assert (await server.http.post("/-/try.json", content=content, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b"\xff", 400, "bad_json"),
        (b"nonsense", 400, "bad_json"),
        (b"[" * 60_000, 400, "bad_json"),
        (b"[]", 400, "bad_trial"),
        (b"null", 400, "bad_trial"),
        (b'"x"', 400, "bad_trial"),
        (b"7", 400, "bad_trial"),
        (b'{"evnt": {}}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "source": "nobody"}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "source": 7}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "source": null}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "now": "x"}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "now": 7}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "headers": {"a": 1}}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "cookies": []}', 400, "bad_trial"),
        (b'{"event": {"event": "x"}, "ip": 7}', 400, "bad_trial"),
        (b" " * 70_000, 413, None),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_try_errors(server: Running, content: bytes, status: int, code: str | None) -> None:
    """A problem with code and sentence; never a 500."""
    answer = await server.http.post("/-/try.json", content=content, headers=BEARER)
    assert answer.status_code == status
    (problem,) = answer.json()["problems"]
    assert list(problem) == ["path", "code", "message"]
    assert problem["message"]
    assert code is None or problem["code"] == code
    assert {name: answer.headers[name] for name in SAFE} == SAFE
