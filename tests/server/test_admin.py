"""What lies under `/-/`: who gets in, how, and the shapes of what is answered."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.server.app import create_app

from .conftest import CONTAINER, ENVIRON, SERVER, TOKEN, Running, Start, purchase

BEARER = {"authorization": f"Bearer {TOKEN}"}
GUARDED = [
    *(("GET", "/-/"), ("GET", "/-/status.json"), ("GET", "/-/metrics"), ("POST", "/-/try.json")),
    *(("GET", "/-/dead.json"), ("POST", "/-/dead.json"), ("GET", "/-/nothing"), ("GET", "/-/login/x")),
    *(("GET", "/-/status.json/-/login"), ("GET", "/-/x/-/style.css"), ("HEAD", "/-/status.json")),
    *(("DELETE", "/-/status.json"), ("OPTIONS", "/-/status.json"), ("GET", "/-//status.json")),
]
SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN.upper()}"},
        {"cookie": f"tagserver_admin={TOKEN}"},
        {"cookie": "tagserver_admin="},
        {"cookie": "tagserver_admin=ä"},
        {"authorization": "Bearer backend-key"},
    ],
    ids=str,
)
async def test_without_the_token(server: Running, method: str, path: str, headers: dict[str, str]) -> None:
    """401 with the problem, whatever is asked for, and nothing about what is there."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await server.http.request(method, path, headers=raw)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert {name: answer.headers[name] for name in SAFE} == SAFE
    if method != "HEAD":
        assert [list(one) for one in answer.json()["problems"]] == [["path", "code", "message"]]
        assert answer.json()["problems"][0]["code"] == "unauthorised"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_with_the_token(server: Running, scheme: str) -> None:
    """The scheme's case does not matter."""
    for path in ("/-/", "/-/status.json", "/-/metrics", "/-/dead.json"):
        answer = await server.http.get(path, headers={"authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200
        assert {name: answer.headers[name] for name in SAFE} == SAFE
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_no_cors(server: Running) -> None:
    """No page may read what an operator may."""
    for origin in ("https://shop.example", "https://evil.example", "null"):
        answer = await server.http.get("/-/status.json", headers=BEARER | {"origin": origin})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_browser_is_shown_the_way_in(server: Running) -> None:
    """To the login page, which says nothing else."""
    answer = await server.http.get("/-/", headers={"accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/-/login")
    page = await server.http.get("/-/login")
    assert page.status_code == 200
    assert "<form" in page.text
    assert TOKEN not in page.text
    assert "meta" not in re.sub(r"<meta[^>]*>", "", page.text).lower()
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await server.http.get("/-/style.css")).headers["content-type"].startswith("text/css")


def cookie_of(answer: httpx.Response) -> tuple[str, set[str]]:
    """The login cookie's value, and its flags in lower case."""
    value, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert value.startswith("tagserver_admin=")
    return value.partition("=")[2], {flag.lower() for flag in flags}


class Linked:
    """A server whose login link is known."""

    def __init__(self, app: Starlette, http: httpx.AsyncClient) -> None:
        self.app = app
        self.http = http


@pytest.fixture
async def linked(tmp_path: Path) -> AsyncIterator[Linked]:
    """A server as `serve` makes it, and its application."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "server.yaml").write_text(SERVER)
    (tmp_path / "config" / "container.yaml").write_text(CONTAINER)
    folder = ConfigurationFolder(tmp_path / "config", Registry.load(), ENVIRON, None, tmp_path / "data")
    nobody = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("", 503))])
    async with running(folder, tmp_path / "data", transport=httpx.ASGITransport(nobody), drain=0.1) as runtime:
        app = create_app(runtime, TOKEN)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as http:
            yield Linked(app, http)


async def test_the_login_link_works_once(linked: Linked) -> None:
    """It logs in, and then it is spent; the token is not in it."""
    path = linked.app.state.login_path()
    assert path.startswith("/-/login?code=")
    assert TOKEN not in path
    first = await linked.http.get(path)
    assert (first.status_code, first.headers["location"]) == (303, "/-/")
    value, flags = cookie_of(first)
    assert TOKEN not in value
    assert {"httponly", "path=/-/"} <= flags
    assert flags & {"samesite=lax", "samesite=strict"}
    assert "secure" not in flags
    linked.http.cookies.clear()
    for _ in range(2):
        again = await linked.http.get(path)
        assert again.status_code == 200
        assert "set-cookie" not in again.headers
    assert (await linked.http.get("/-/status.json")).status_code == 401
    shown = await linked.http.get("/-/status.json", headers={"cookie": f"tagserver_admin={value}"})
    assert shown.status_code == 200
    assert linked.app.state.login_path() != path


@pytest.mark.parametrize("code", ["", "wrong", "%C3%A4", "a" * 5000])
async def test_a_wrong_login_link(linked: Linked, code: str) -> None:
    """Gives no cookie, and does not spend the right one."""
    answer = await linked.http.get(f"/-/login?code={code}")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert (await linked.http.get(linked.app.state.login_path())).status_code == 303


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://tags.shop.example", 200),
        ("https://tags.shop.example", 200),
        ("https://evil.example", 401),
        ("https://tags.shop.example.evil.example", 401),
        ("https://evil.example/tags.shop.example", 401),
        ("https://tags.shop.example:8443", 401),
        ("null", 401),
        ("", 401),
        (None, 401),
    ],
)
async def test_a_cookie_alone_changes_nothing(linked: Linked, origin: str | None, status: int) -> None:
    """A page of somebody else cannot post with an operator's cookie; the token in a header needs no origin."""
    host = {"host": "tags.shop.example"}
    value, _ = cookie_of(await linked.http.get(linked.app.state.login_path(), headers=host))
    linked.http.cookies.clear()
    asked = {"event": purchase()}
    headers = {"cookie": f"tagserver_admin={value}"} | host
    headers |= {} if origin is None else {"origin": origin}
    assert (await linked.http.post("/-/try.json", json=asked, headers=headers)).status_code == status
    assert (await linked.http.post("/-/try.json", json=asked, headers=BEARER)).status_code == 200


async def test_the_cookie_is_secure_over_https(linked: Linked) -> None:
    """Behind https it never travels in the clear."""
    answer = await linked.http.get("https://tags.shop.example" + linked.app.state.login_path())
    assert "secure" in cookie_of(answer)[1]


async def test_another_token_ends_old_cookies(start: Start) -> None:
    """The cookie is made from the token."""
    server: Running = await start()
    statuses = []
    value = ""
    for token in (TOKEN, "another-token"):
        app = create_app(server.runtime, token)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t.example") as http:
            if not value:
                value, _ = cookie_of(await http.get(app.state.login_path()))
                http.cookies.clear()
            shown = await http.get("/-/status.json", headers={"cookie": f"tagserver_admin={value}"})
            statuses.append(shown.status_code)
    assert statuses == [200, 401]


@pytest.mark.parametrize("host", ["x/-/login?", "x/-/login#", "x:1/-/style.css?a=", "x?/-/login", ""])
async def test_the_host_header_opens_nothing(server: Running, host: str) -> None:
    """What is open without a token is decided by the path alone."""
    assert (await server.http.get("/-/status.json", headers={"host": host})).status_code == 401


async def test_the_token_is_never_answered(server: Running) -> None:
    """Nor any secret of the configuration, on any page."""
    await server.collect(purchase())
    await server.drained()
    for path in ("/-/", "/-/status.json", "/-/metrics", "/-/dead.json", "/-/login", "/readyz", "/healthz", "/t.js"):
        answer = await server.http.get(path, headers=BEARER)
        for secret in (TOKEN, *ENVIRON.values()):
            assert secret not in answer.text
            assert secret not in str(answer.headers)


STATUS_OF_A_DESTINATION: dict[str, Any] = {
    "type": str,
    "state": str,
    "reason": (str, type(None)),
    "accepted": int,
    "delivered": int,
    "pending": int,
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


SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+|\+Inf|NaN)\Z')


def samples(text: str) -> dict[str, float]:
    """A strict reading of the Prometheus text format: every sample after its HELP and TYPE, none twice."""
    found: dict[str, float] = {}
    family, kind = "", ""
    announced: set[str] = set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in announced
            announced.add(family)
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == family
            kind = line.split(" ")[3]
            assert kind in ("counter", "gauge", "histogram")
        else:
            match = SAMPLE.match(line)
            assert match, line
            name = match[1]
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert name in [family + ending for ending in endings], line
            assert kind != "counter" or name.endswith("_total")
            key = line.rpartition(" ")[0]
            assert key not in found
            found[key] = float(match[3])
    return found


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


@pytest.mark.parametrize("front", ["\ufeff", " \n" * 100, "\ufeff  "])
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("try.json", '{"event": {"event": "x"}}', 200),
        ("consent.json", '{"kind": "usp", "input": "1YNN"}', 200),
        ("dead.json", '{"action": "retry", "all": true}', 200),
        ("forget.json", '{"email": "a\\ud83d@b.example"}', 200),
        ("rollback", '{"number": 4711}', 409),
    ],
)
async def test_a_mark_and_blanks_in_front_of_json_are_passed_over(
    server: Running, front: str, path: str, body: str, status: int
) -> None:
    """At every address that takes JSON, as at /collect."""
    answer = await server.http.post(f"/-/{path}", content=(front + body).encode(), headers=BEARER)
    assert answer.status_code == status, answer.text


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


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/-/try.json"), ("POST", "/-/status.json"), ("PUT", "/-/try.json"), ("POST", "/-/metrics")],
)
async def test_wrong_methods(server: Running, method: str, path: str) -> None:
    """405."""
    assert (await server.http.request(method, path, headers=BEARER)).status_code == 405


async def test_the_overview_shows_names_as_text(start: Start) -> None:
    """Names are marketing's, and no markup."""
    text = CONTAINER.replace("  meta:\n", '  "<script>alert(1)</script>":\n').replace(
        "destination: meta", 'destination: "<script>alert(1)</script>"'
    )
    server: Running = await start(container=text)
    page = await server.http.get("/-/", headers=BEARER)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


NUMBERS = ["-1", "0", "9223372036854775808", "9" * 400, "1e3", "1.0", "true", "null", '"1"', "٣"]


@pytest.mark.parametrize("number", [*NUMBERS, "+1", " 1", "1_0"])
@pytest.mark.parametrize("name", ["id", "limit"])
async def test_a_number_that_is_none_is_told_so(server: Running, name: str, number: str) -> None:
    """No error of ours, whatever is asked for."""
    answer = await server.http.get("/-/dead.json", params={name: number}, headers=BEARER)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "bad_number")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/-/dead.json", '{"action": "retry", "id": %s}'),
        ("/-/dead.json", '{"action": "drop", "id": %s}'),
        ("/-/rollback", '{"number": %s}'),
    ],
)
async def test_nor_is_it_in_an_order(server: Running, path: str, body: str, number: str) -> None:
    answer = await server.http.post(path, content=(body % number).encode(), headers=BEARER)
    assert answer.status_code == 400


@pytest.mark.parametrize("number", [1, 9223372036854775807])
async def test_a_number_that_nothing_has_is_no_error(server: Running, number: int) -> None:
    found = await server.http.get("/-/dead.json", params={"id": number, "limit": number}, headers=BEARER)
    assert found.json() == {"letters": [], "total": 0, "next": None}
    done = await server.http.post("/-/dead.json", json={"action": "retry", "id": number}, headers=BEARER)
    assert done.json()["count"] == 0
    # The one version there is may be gone back to.
    back = await server.http.post("/-/rollback", json={"number": number}, headers=BEARER)
    assert back.status_code == (200 if number == 1 else 409)
