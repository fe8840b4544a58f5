"""`/collect`: who may post, what is answered, and that a purchase arrives once."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from .conftest import GRANTED, ORIGIN, SERVER, Running, Start, purchase


async def test_a_purchase_is_accepted_and_arrives_once(server: Running) -> None:
    """The main job."""
    answer = await server.collect(purchase())
    assert answer.status_code == 202
    assert answer.json() == {"events": [{"event_id": "purchase_T-1", "status": "accepted", "problems": []}]}
    stats = await server.drained()
    assert stats["unique"] == stats["arrivals"] == 1
    assert stats["events"][0]["event_id"] == "purchase_T-1"


async def test_a_repeat_is_a_duplicate_and_is_not_sent_again(server: Running) -> None:
    """Dedup is per delivery: tag, vendor event name, event_id."""
    await server.collect(purchase())
    answer = await server.collect(purchase())
    assert answer.json()["events"][0]["status"] == "duplicate"
    assert (await server.drained())["arrivals"] == 1


async def test_a_repeat_within_one_request_is_a_duplicate(server: Running) -> None:
    """Two equal events in one list are one delivery."""
    answer = await server.collect([purchase(), purchase()])
    assert [one["status"] for one in answer.json()["events"]] == ["accepted", "duplicate"]


async def test_without_consent_nothing_is_called_or_stored(server: Running) -> None:
    """Promise 3, end to end; and the answer does not tell a page what was decided."""
    for consent in (
        {},
        None,
        "granted",
        {"ad_storage": "granted"},
        {"ad_storage": "denied", "ad_user_data": "granted"},
    ):
        answer = await server.collect(purchase(consent=consent))
        assert answer.json()["events"][0]["status"] == "accepted"
    assert (await server.drained())["arrivals"] == 0
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0


@pytest.mark.parametrize(
    ("word", "ctx"),
    [
        ({"consent_state": {"ad_storage": "denied"}}, {"consent": GRANTED}),
        ({"consent": {"ad_storage": "granted"}}, {"consent_state": GRANTED}),
        ({"consent": "no"}, {"consent": GRANTED}),
        ({"tcf": "garbled"}, {"consent": GRANTED}),
        ({}, {"consent": GRANTED, "gcs": "G100"}),
        ({}, [{"consent": GRANTED}]),
    ],
)
async def test_the_events_own_word_comes_before_its_batchs(server: Running, word: Any, ctx: Any) -> None:
    """In whatever spelling: a grant for all lets nothing out that one has refused."""
    event = {key: value for key, value in purchase().items() if key != "consent"}
    await server.collect({"events": [event | word], "ctx": ctx})
    assert (await server.drained())["arrivals"] == 0


REFUSED = dict.fromkeys(GRANTED, "denied")


@pytest.mark.parametrize("word", [{"consent": REFUSED}, {"consent_state": "no"}, {"x-ga-gcs": "G100"}, {"tcf": 0}])
@pytest.mark.parametrize("place", ["ctx", "beside", "both", "one", "within"])
async def test_a_refusal_is_heard_where_senders_write_it(server: Running, place: str, word: Any) -> None:
    """In `ctx`, beside `events`, or in the `ctx` of an event: against the contract behind the key, too."""
    event = {key: value for key, value in purchase().items() if key != "consent"}
    body: Any = {
        "ctx": {"events": [event], "ctx": word},
        "beside": {"events": [event], **word},
        "both": {"events": [event], "ctx": {"consent": GRANTED}, **word},
        "one": event | {"ctx": word},
        "within": {"events": [event | {"ctx": word}], "ctx": {"consent": GRANTED}},
    }[place]
    answer = await server.http.post("/collect", json=body, headers={"authorization": "Bearer crm-key"})
    assert answer.status_code == 202
    assert (await server.drained())["arrivals"] == 0


@pytest.mark.parametrize("ctx", [None, {}, {"consent": GRANTED}, {"gcs": "G111"}])
async def test_a_grant_is_heard_there_as_in_ctx(server: Running, ctx: Any) -> None:
    """It is what a visitor said, and stands beneath each event's own word."""
    events = [{key: value for key, value in purchase(name).items() if key != "consent"} for name in ("a", "b", "c")]
    events[1]["consent"] = REFUSED
    await server.collect({"events": events[:2], "ctx": ctx, "consent": GRANTED})
    await server.collect({"events": [events[2] | {"ctx": {"consent": GRANTED}}], "ctx": ctx})
    assert (await server.drained())["unique"] == 2


async def test_a_blocked_event_leaves_no_dedup_entry(server: Running) -> None:
    """Granted a moment later, the same event goes out."""
    await server.collect(purchase(consent={}))
    await server.collect(purchase())
    assert (await server.drained())["unique"] == 1


async def test_an_event_that_no_tag_wants_is_accepted(server: Running) -> None:
    """Nothing is stored for it, so nothing is a duplicate either."""
    for _ in range(2):
        answer = await server.collect({"event": "scroll", "event_id": "s-1"})
        assert answer.json()["events"][0]["status"] == "accepted"


async def test_results_are_in_the_order_sent(server: Running) -> None:
    """Good and bad side by side, each with its own line."""
    answer = await server.collect([purchase("a"), {"no": "event"}, purchase("b"), 7])
    assert answer.status_code == 202
    assert [one["status"] for one in answer.json()["events"]] == ["accepted", "rejected", "accepted", "rejected"]
    assert answer.json()["events"][1]["problems"][0]["path"] == "event"


async def test_an_event_that_is_too_large_is_rejected_alone(server: Running) -> None:
    """With the reason; its neighbours go on."""
    large = purchase("large", note="x" * (17 << 10))
    answer = (await server.collect([purchase("a"), large, purchase("b")])).json()
    assert [one["status"] for one in answer["events"]] == ["accepted", "rejected", "accepted"]
    assert [note["code"] for note in answer["events"][1]["problems"]] == ["too_large"]
    assert (await server.drained())["unique"] == 2


async def test_every_event_rejected_is_400(server: Running) -> None:
    """Then the page should know that nothing was taken."""
    answer = await server.collect([{}, {}])
    assert answer.status_code == 400
    assert [one["status"] for one in answer.json()["events"]] == ["rejected", "rejected"]
    assert answer.json()["problems"]


async def test_a_batch_with_context(server: Running) -> None:
    """`ctx` lies beneath every event."""
    event = purchase()
    del event["consent"]
    answer = await server.http.post(
        "/collect",
        content=json.dumps({"v": 1, "events": [event], "ctx": {"consent": GRANTED}, "sent": 1}),
        headers={"origin": ORIGIN, "content-type": "text/plain;charset=UTF-8"},
    )
    assert answer.status_code == 202
    assert (await server.drained())["unique"] == 1


async def test_gzip_is_taken(server: Running) -> None:
    """Content-Encoding gzip, as a backend sends it."""
    answer = await server.http.post(
        "/collect",
        content=gzip.compress(json.dumps(purchase()).encode()),
        headers={"origin": ORIGIN, "content-encoding": "gzip"},
    )
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": ORIGIN}, 202),
        ({"origin": ORIGIN.upper()}, 202),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://shop.example.evil.example"}, 403),
        ({"origin": "http://shop.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
        ({"authorization": "Bearer backend-key"}, 202),
        ({"authorization": "bearer backend-key"}, 202),
        ({"authorization": "Basic " + base64.b64encode(b"backend-key:").decode()}, 202),
        ({"authorization": "Bearer wrong", "origin": ORIGIN}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Digest backend-key"}, 401),
        ({"authorization": "Basic !!!"}, 401),
        ({"authorization": "Basic /w=="}, 401),
    ],
)
async def test_who_may_post(server: Running, headers: dict[str, str], status: int) -> None:
    """A listed origin or a known key; a wrong key is not saved by an origin."""
    answer = await server.http.post("/collect", json=purchase(), headers=headers)
    assert answer.status_code == status
    if status != 202:
        assert answer.json()["events"] == []
        assert answer.json()["problems"][0]["message"]


@pytest.mark.parametrize("key", [b"Basic \xff", b"Bearer \xff", b"\xff", b"Basic", b"Basic \xc3\xa9==", b"Bearer"])
async def test_a_key_of_any_bytes_is_unknown(server: Running, key: bytes) -> None:
    """And no error of ours, whose traceback strangers could fill the log with."""
    headers = [(b"authorization", key), (b"content-type", b"application/json")]
    answer = await server.http.post("/collect", json=purchase(), headers=headers)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (401, "unknown_key")


async def test_cors_echoes_the_exact_origin(server: Running) -> None:
    """Never a star; a refusal can be read by the page too."""
    taken = await server.collect(purchase())
    assert taken.headers["access-control-allow-origin"] == ORIGIN
    assert taken.headers["access-control-allow-credentials"] == "true"
    refused = await server.collect([])
    assert refused.headers["access-control-allow-origin"] == ORIGIN


async def test_who_has_neither_origin_nor_key_is_told_so(server: Running) -> None:
    refused = await server.http.post("/collect", json=purchase())
    assert refused.status_code == 403
    assert "collect.keys" in refused.json()["problems"][0]["message"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_page_that_is_not_listed_can_read_that(server: Running, origin: str) -> None:
    """Without credentials, and nothing else of the server."""
    refused = await server.http.post("/collect", json=purchase(), headers={"origin": origin})
    assert refused.status_code == 403
    assert refused.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in refused.headers
    assert refused.headers["vary"] == "origin"
    assert "collect.origins" in refused.json()["problems"][0]["message"]
    preflight = await server.http.options("/collect", headers={"origin": origin})
    assert "access-control-allow-origin" not in preflight.headers
    with_key = {"origin": origin, "authorization": "Bearer backend-key"}
    taken = await server.http.post("/collect", json=purchase(), headers=with_key)
    assert (taken.status_code, taken.headers.get("access-control-allow-origin")) == (202, None)


async def test_under_the_star_every_page_can_read_the_answer(start: Start) -> None:
    """A page in a sandboxed frame has the origin null; it would send again what it cannot see the answer of."""
    server: Running = await start(server=SERVER.replace('["https://shop.example"]', '["*"]'))
    for origin in ("null", "https://any.example"):
        taken = await server.http.post("/collect", json=purchase(), headers={"origin": origin})
        assert taken.status_code == 202
        assert taken.headers["access-control-allow-origin"] == origin
        assert taken.headers["access-control-allow-credentials"] == "true"
    without = await server.http.post("/collect", json=purchase())
    assert (without.status_code, without.headers.get("access-control-allow-origin")) == (202, None)


@pytest.mark.parametrize(
    ("purpose", "status"),
    [
        ("prefetch;prerender", 503),
        ("prefetch", 503),
        (" Prefetch;anonymous-client-ip", 503),
        ("", 202),
        ("something", 202),
    ],
)
async def test_what_a_page_sends_that_nobody_has_seen_is_not_counted(
    server: Running, purpose: str, status: int
) -> None:
    """It is to be sent again, and then counts once; whoever sends it with a key has seen it."""
    headers = {"origin": ORIGIN, "sec-purpose": purpose}
    answer = await server.http.post("/collect", json=purchase(), headers=headers)
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert (await server.collect(purchase())).json()["events"][0]["status"] == (
        "accepted" if status == 503 else "duplicate"
    )
    with_key = {"authorization": "Bearer backend-key", "sec-purpose": purpose}
    assert (await server.http.post("/collect", json=purchase("another"), headers=with_key)).status_code == 202


async def test_preflight(server: Running) -> None:
    """OPTIONS says what a listed page may send."""
    answer = await server.http.options("/collect", headers={"origin": ORIGIN, "access-control-request-method": "POST"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"]


async def test_other_methods(server: Running) -> None:
    """Only posting makes sense."""
    assert (await server.http.get("/collect", headers={"origin": ORIGIN})).status_code == 405


async def test_a_key_with_consent_by_contract(server: Running) -> None:
    """`crm` states consent and its basis; `backend` does not, so its events need their own."""
    event = purchase()
    del event["consent"]
    await server.http.post("/collect", json=event | {"event_id": "c"}, headers={"authorization": "Bearer crm-key"})
    await server.http.post("/collect", json=event | {"event_id": "b"}, headers={"authorization": "Bearer backend-key"})
    assert [one["event_id"] for one in (await server.drained())["events"]] == ["c"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b'"text"', 400, "bad_json"),
        (b"[" * 50_000, 400, "bad_json"),
        (b'{"event": "x", "v": NaN}', 400, "bad_json"),
        (b"\xff\xfe", 400, "bad_json"),
        (b" " * 70_000, 413, "too_large"),
        (json.dumps([{"event": "x"}] * 51).encode(), 413, "too_many_events"),
    ],
)
async def test_bad_bodies(server: Running, body: bytes, status: int, code: str) -> None:
    """Each with its status and a code; the server goes on."""
    answer = await server.http.post("/collect", content=body, headers={"origin": ORIGIN})
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (status, code)
    assert (await server.collect(purchase())).status_code == 202


async def test_a_forged_forwarded_header_is_ignored(server: Running) -> None:
    """With `trusted_proxies: 0` not even loopback may say who the visitor is."""
    answer = await server.http.post(
        "/-/try.json",
        json={"event": purchase(), "headers": {"X-Forwarded-For": "203.0.113.9"}, "ip": "127.0.0.1"},
        headers={"authorization": "Bearer admin-token-of-tests"},
    )
    assert answer.json()["event"]["ip"] == "127.0.0.1"


async def test_no_secret_and_no_raw_identifier_rests(server: Running) -> None:
    """Promise 4: the data folder holds neither the token nor the e-mail in the clear."""
    await server.vendor.post("/control", json={"status": 503})
    await server.collect(purchase())
    stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    assert b"purchase_T-1" in stored
    for secret in (b"erika@example.com", b"meta-token-secret", b"backend-key"):
        assert secret not in stored


async def test_every_delivery_is_counted(server: Running) -> None:
    """Promise 5 in `/-/status.json` and `/-/metrics`."""
    await server.vendor.post("/control", json={"bad_ids": ["bad"]})
    await server.collect([purchase("good"), purchase("bad"), purchase("good too")])
    await server.drained()
    meta = (await server.status())["destinations"]["meta"]
    assert (meta["accepted"], meta["delivered"], meta["pending"], meta["dead"]) == (3, 2, 0, 1)
    assert sum(meta["dead_by_reason"].values()) == 1
    answer = await server.http.get("/-/metrics", headers={"authorization": "Bearer admin-token-of-tests"})
    assert 'tagserver_deliveries_delivered_total{destination="meta"} 2' in answer.text


async def test_per_source_dedup(start: Start) -> None:
    """A stranger who guesses an order's id cannot take its place, where the site asks for that."""
    server: Any = await start(server=SERVER.replace("collect:", "collect:\n  dedup: per_source"))
    await server.collect(purchase())
    answer = await server.http.post("/collect", json=purchase(), headers={"authorization": "Bearer crm-key"})
    assert answer.json()["events"][0]["status"] == "accepted"
