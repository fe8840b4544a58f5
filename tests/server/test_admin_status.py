"""Status and metrics, in the contract's shape."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from .conftest import BEARER, CONTAINER, Running, Start, purchase, samples

STATUS_OF_A_DESTINATION: dict[str, Any] = {
    "type": str,
    "state": str,
    "reason": (str, type(None)),
    "accepted": int,
    "delivered": int,
    "pending": int,
    "waiting": int,
    "dead": int,
    "erased": int,
    "dead_by_reason": dict,
    "oldest_pending_s": (int, float, type(None)),
}

MORE = {"pause", "pending_bytes"}
"""Beyond the contract."""


def check_status(status: dict[str, Any]) -> None:
    """The contract's keys and types, and its sum."""
    assert {"version", "ready", "container", "destinations"} <= status.keys()
    assert isinstance(status["version"], str)
    assert isinstance(status["ready"], bool)
    assert {"version", "loaded", "problems"} <= status["container"].keys()
    for one in status["destinations"].values():
        assert [name for name in one if name not in MORE] == list(STATUS_OF_A_DESTINATION)
        assert one.keys() >= MORE
        for name, kind in STATUS_OF_A_DESTINATION.items():
            assert isinstance(one[name], kind), name
            assert not isinstance(one[name], bool)
        assert one["state"] in ("ok", "retrying", "open", "paused", "failing", "disabled")
        assert one["accepted"] == one["delivered"] + one["pending"] + one["dead"] + one["erased"]
        assert sum(one["dead_by_reason"].values()) == one["dead"]


async def test_status(server: Running) -> None:
    """Exactly the contract's shape, before and after a purchase."""
    fresh = await server.status()
    check_status(fresh)
    assert {name: value for name, value in fresh["destinations"]["meta"].items() if name not in MORE} == {
        "type": "meta_capi",
        "state": "ok",
        "reason": None,
        "accepted": 0,
        "delivered": 0,
        "pending": 0,
        "waiting": 0,
        "dead": 0,
        "erased": 0,
        "dead_by_reason": {},
        "oldest_pending_s": None,
    }
    await server.collect(purchase())
    await server.drained()
    after = await server.status()
    check_status(after)
    meta = after["destinations"]["meta"]
    assert (meta["accepted"], meta["delivered"], meta["pending"], meta["dead"]) == (1, 1, 0, 0)
    assert after["container"]["problems"] == []
    assert after["ready"] is True


async def test_status_of_a_paused_destination(start: Start) -> None:
    """Its state, and why; the rest is ready."""
    paused: Running = await start(environ={"BACKEND_KEY": "a", "CRM_KEY": "b"})
    await paused.collect(purchase())
    status = await paused.status()
    check_status(status)
    meta = status["destinations"]["meta"]
    assert (meta["state"], meta["pending"]) == ("paused", 1)
    assert "META_TOKEN" in meta["reason"]
    assert meta["oldest_pending_s"] >= 0
    assert [one["code"] for one in status["container"]["problems"]] == ["P210"]


async def test_status_of_dead_letters(start: Start) -> None:
    """By reason."""

    async def refuse(request: Any) -> PlainTextResponse:
        body = '{"error": {"message": "no", "code": 100, "error_subcode": 2804008}}'
        return PlainTextResponse(body, 400, media_type="application/json")

    vendor = Starlette(
        routes=[
            Route("/stats.json", lambda request: PlainTextResponse("{}")),
            Route("/{path:path}", refuse, methods=["POST"]),
        ]
    )
    refusing: Running = await start(vendor=vendor)
    await refusing.collect(purchase())
    await refusing.drained()
    status = await refusing.status()
    check_status(status)
    assert status["destinations"]["meta"]["dead"] == 1
    assert sum(status["destinations"]["meta"]["dead_by_reason"].values()) == 1


async def test_metrics(server: Running) -> None:
    """They parse, and they count."""
    before = samples((await server.http.get("/-/metrics", headers=BEARER)).text)
    assert before["tagserver_events_total"] == 0
    await server.collect(purchase())
    await server.collect(purchase(consent={}))
    await server.drained()
    answer = await server.http.get("/-/metrics", headers=BEARER)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    after = samples(answer.text)
    assert after["tagserver_events_total"] == 2
    decided = {key: value for key, value in after.items() if key.startswith("tagserver_decisions_total")}
    assert sorted(decided.values()) == [1, 1]
    assert after['tagserver_deliveries_delivered_total{destination="meta"}'] == 1


async def test_metrics_of_histograms(server: Running) -> None:
    """Buckets grow, and the last is the count."""
    await server.collect(purchase())
    await server.drained()
    found = samples((await server.http.get("/-/metrics", headers=BEARER)).text)
    buckets = [value for key, value in found.items() if key.startswith("tagserver_commit_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found["tagserver_commit_seconds_count"] >= 1


async def test_metrics_with_odd_names(start: Start) -> None:
    """Names of tags hold quotes, backslashes and line ends; the text stays readable."""
    odd = 'a\\"b\\\\c\\nd ä{}'
    text = CONTAINER.replace("name: Meta purchase", f'name: "{odd}"')
    server: Running = await start(container=text)
    await server.collect(purchase())
    found = samples((await server.http.get("/-/metrics", headers=BEARER)).text)
    assert [key for key in found if r"a\"b\\c\nd ä{}" in key]


async def test_strangers_make_no_labels(server: Running) -> None:
    """Names of events, ids and origins are no labels."""
    await server.collect([purchase("e-stranger") | {"event": "stranger"}])
    await server.http.post("/collect", content=b"x", headers={"origin": "https://stranger.example"})
    assert "stranger" not in (await server.http.get("/-/metrics", headers=BEARER)).text
