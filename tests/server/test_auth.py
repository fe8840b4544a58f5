"""The way in to `/-/`: guessing is slow and seen, a login is of use under one name alone, no page can be framed."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tagserver.server.admin.auth import GUESSES, PAUSE
from tagserver.server.app import create_app
from tests.fake_time import FakeTime

from .conftest import SERVER, TOKEN, Running, Start, form_token_in

STATUS = "/-/status.json"
RIGHT = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def behind(start: Start, time: FakeTime) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """A server behind one proxy, which says in X-Forwarded-For who asks."""
    server: Running = await start(server=SERVER.replace("collect:\n", "collect:\n  trusted_proxies: 1\n", 1))
    app = create_app(server.runtime, TOKEN, time)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tags.shop.example") as http:
        yield server, http


GUESS: list[tuple[str, dict[str, Any]]] = [
    (STATUS, {"headers": {"authorization": "Bearer guess-1"}}),
    ("/-/login", {"data": {"token": "guess-1"}}),
]


@pytest.mark.parametrize(("path", "sent"), GUESS, ids=["bearer", "form"])
async def test_who_guesses_must_wait(
    behind: tuple[Running, httpx.AsyncClient],
    time: FakeTime,
    caplog: pytest.LogCaptureFixture,
    path: str,
    sent: dict[str, Any],
) -> None:
    """After some wrong tokens nothing of that address is looked at for a while, the right one neither."""
    server, http = behind

    right = {"headers": RIGHT}
    with caplog.at_level(logging.WARNING):
        first = [await _ask(http, path, sent, "198.51.100.7") for _ in range(GUESSES + 2)]
    assert 429 not in first[:GUESSES]
    assert first[GUESSES:] == [429, 429]
    assert await _ask(http, STATUS, right, "198.51.100.7") == 429
    assert await _ask(http, STATUS, right, "198.51.100.8") == 200
    time.pass_unseen(PAUSE)
    assert await _ask(http, STATUS, right, "198.51.100.7") == 200
    server.runtime.states.refused_requests.close()
    lines = [record.getMessage() for record in caplog.records if record.name == "tagserver.refused"]
    assert [line.partition(" came")[0] for line in lines] == [
        "a wrong admin token",
        f"{GUESSES - 1} more wrong admin tokens",
    ]
    assert all("198.51.100.0" in line and "guess" not in line and "100.7" not in line for line in lines)
    shown = server.runtime.meters.text(await server.runtime.status.picture())
    assert f'tagserver_requests_refused_total{{reason="admin_token"}} {GUESSES}' in shown


NUMBERS = {"five": 5, "six": 6, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20}


def test_the_page_says_how_many_guesses_there_are() -> None:
    """And how long one more takes."""
    text = " ".join((Path(__file__).parents[2] / "config" / "operate.md").read_text("utf-8").split())
    said = re.search(
        r"after (\w+) wrong admin tokens from one address, that address must wait: one more try every (\w+) seconds",
        text,
        re.I,
    )
    assert said is not None
    assert (NUMBERS[said[1].lower()], NUMBERS[said[2].lower()]) == (GUESSES, PAUSE)


@pytest.mark.parametrize(
    ("guesser", "other", "status"),
    [
        ("2001:db8:1:2::a", "2001:db8:1:2:ffff::b", 429),
        ("2001:db8:1:2::a", "2001:db8:1:3::a", 200),
        ("::ffff:198.51.100.7", "198.51.100.7", 429),
        ("198.51.100.7", "198.51.100.8", 200),
        ("x, 198.51.100.7", "198.51.100.7", 429),
        ("198.51.100.8, 198.51.100.7", "198.51.100.8", 200),
    ],
)
async def test_who_counts_as_one_that_guesses(
    behind: tuple[Running, httpx.AsyncClient], guesser: str, other: str, status: int
) -> None:
    """Of IPv6 the network of 64 bits. Behind one proxy the entry that it has written, whatever stands before it."""
    _, http = behind
    path, sent = GUESS[0]
    for _ in range(GUESSES):
        assert await _ask(http, path, sent, guesser) == 401
    assert await _ask(http, path, sent, guesser) == 429
    assert await _ask(http, STATUS, {"headers": RIGHT}, other) == status


@pytest.mark.parametrize("first", ["203.0.113.{}", "203.0.113.1, 203.0.113.{}", ""])
async def test_a_line_of_the_header_that_the_visitor_wrote_names_nobody(
    behind: tuple[Running, httpx.AsyncClient], first: str
) -> None:
    """Some proxies append to X-Forwarded-For with a line of their own. The visitor's line stands before it: it neither
    gives whoever guesses another name, nor locks out whom it names."""
    _, http = behind

    async def ask(number: int, token: str) -> int:
        said = [("x-forwarded-for", first.format(number)), ("x-forwarded-for", "198.51.100.7")]
        answer = await http.get(STATUS, headers=[*said, ("authorization", f"Bearer {token}")])
        return answer.status_code

    assert [await ask(number, "guess") for number in range(GUESSES)] == [401] * GUESSES
    assert await ask(GUESSES, TOKEN) == 429
    assert await _ask(http, STATUS, {"headers": RIGHT}, "203.0.113.1") == 200


async def test_who_guesses_at_many_forms_at_once_has_no_more_guesses(behind: tuple[Running, httpx.AsyncClient]) -> None:
    """All have come before the first is complete, and none is counted until then."""
    _, http = behind
    complete = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"token="
        await complete.wait()
        yield b"guess"

    async def ask() -> int:
        headers = {"x-forwarded-for": "198.51.100.7", "content-type": "application/x-www-form-urlencoded"}
        return (await http.post("/-/login", content=slowly(), headers=headers)).status_code

    asked = [asyncio.create_task(ask()) for _ in range(3 * GUESSES)]
    await asyncio.sleep(0.1)
    complete.set()
    assert Counter(await asyncio.gather(*asked)) == {401: GUESSES, 429: 2 * GUESSES}


async def test_after_the_pause_there_is_one_more_guess_and_no_two(
    behind: tuple[Running, httpx.AsyncClient], time: FakeTime
) -> None:
    _, http = behind
    path, sent = GUESS[0]
    for _ in range(GUESSES):
        await _ask(http, path, sent, "198.51.100.7")
    for _ in range(3):
        time.pass_unseen(PAUSE)
        assert [await _ask(http, path, sent, "198.51.100.7") for _ in range(2)] == [401, 429]


async def _ask(http: httpx.AsyncClient, path: str, sent: dict[str, Any], visitor: str) -> int:
    headers = {"x-forwarded-for": visitor} | sent.get("headers", {})
    data = sent.get("data")
    answer = await http.request("POST" if data else "GET", path, headers=headers, data=data)
    http.cookies.clear()
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code


async def test_who_says_nothing_has_guessed_nothing(behind: tuple[Running, httpx.AsyncClient]) -> None:
    """A health check of somebody who does not know better locks nobody out; nor does the login page."""
    _, http = behind
    for _ in range(3 * GUESSES):
        assert (await http.get(STATUS)).status_code == 401
        assert (await http.get("/-/login")).status_code == 200
        assert (await http.head("/-/login?code=x")).status_code == 200
    assert (await http.get(STATUS, headers=RIGHT)).status_code == 200


PAGES: list[tuple[str, dict[str, Any], int]] = [
    ("/-/login", {"data": {"token": "x"}, "headers": {"origin": "https://evil.example"}}, 403),
    ("/-/login", {"data": {"token": TOKEN}, "headers": {"origin": "https://evil.example"}}, 403),
    ("/-/login", {"data": {"token": "x"}, "headers": {"origin": "null"}}, 403),
    ("/-/login", {"data": {"token": "x"}, "headers": {"origin": "http://tags.shop.example.evil.example"}}, 403),
    ("/-/login", {"data": {"token": "x"}, "headers": {"sec-fetch-site": "cross-site"}}, 403),
    ("/-/login", {"data": {"token": "x"}, "headers": {"sec-fetch-site": "same-site"}}, 403),
    ("/-/login?code=x", {}, 200),
    (STATUS, {"headers": {"cookie": "tagserver_admin=x"}}, 401),
    (STATUS, {"headers": {"authorization": "Basic eDp5"}}, 401),
    (STATUS, {"data": {"a": "b"}, "headers": {"origin": "https://evil.example"}}, 401),
]


@pytest.mark.parametrize(("path", "sent", "status"), PAGES)
async def test_no_web_page_can_lock_the_operator_out(
    behind: tuple[Running, httpx.AsyncClient], path: str, sent: dict[str, Any], status: int
) -> None:
    """Whatever a page has the operator's browser send: a form, an image, a cookie of a parent domain."""
    _, http = behind
    for _ in range(3 * GUESSES):
        assert await _ask(http, path, sent, "198.51.100.7") == status
    assert await _ask(http, STATUS, {"headers": RIGHT}, "198.51.100.7") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://tags.shop.example"},
        {"origin": "https://tags.shop.example", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_our_own_page_and_commands_log_in(
    behind: tuple[Running, httpx.AsyncClient], headers: dict[str, str]
) -> None:
    """Browsers name the origin of a form of ours because the page lets them."""
    _, http = behind
    assert (await http.get("/-/login")).headers["referrer-policy"] == "same-origin"
    assert (await http.post("/-/login", data={"token": TOKEN}, headers=headers)).status_code == 303


async def test_a_login_is_of_use_under_the_name_where_it_was_made(
    behind: tuple[Running, httpx.AsyncClient],
) -> None:
    """A page at another name that was made to point here gets nothing, whatever cookie it could bring."""
    _, http = behind
    cookie = (await http.post("/-/login", data={"token": TOKEN})).headers["set-cookie"].partition(";")[0]
    http.cookies.clear()
    for host, status in (("tags.shop.example", 200), ("Tags.Shop.Example", 200), ("evil.example", 401), ("", 400)):
        answer = await http.get(STATUS, headers={"cookie": cookie, "host": host})
        assert answer.status_code == status
    refused = await http.get(STATUS, headers={"cookie": cookie, "host": "evil.example"})
    assert 'tagserver_admin=""' in refused.headers["set-cookie"]


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False), (None, False)])
async def test_a_login_behind_a_proxy_that_speaks_https(
    behind: tuple[Running, httpx.AsyncClient], scheme: str | None, secure: bool
) -> None:
    """The cookie never travels in the clear, and not at all with a request that another site starts."""
    _, http = behind
    headers = {"x-forwarded-proto": scheme} if scheme else {}
    flags = (await http.post("/-/login", data={"token": TOKEN}, headers=headers)).headers["set-cookie"].lower()
    assert "samesite=strict" in flags
    assert "httponly" in flags
    assert ("secure" in flags) is secure


@pytest.mark.parametrize(
    ("scheme", "origin", "status"),
    [
        ("https", "https://tags.shop.example", 400),
        ("https", "http://tags.shop.example", 403),
        ("http", "http://tags.shop.example", 400),
        (None, "http://tags.shop.example", 400),
        ("https", "https://evil.example", 403),
    ],
)
async def test_a_page_in_the_clear_gives_no_orders_to_one_by_https(
    behind: tuple[Running, httpx.AsyncClient], scheme: str | None, origin: str, status: int
) -> None:
    """Whoever sits in between can answer for http://, under the same name, and has the operator's browser at hand."""
    _, http = behind
    cookie = (await http.post("/-/login", data={"token": TOKEN})).headers["set-cookie"].partition(";")[0]
    http.cookies.clear()
    token = form_token_in((await http.get("/-/", headers={"cookie": cookie})).text)
    headers = {"cookie": cookie, "origin": origin, "x-form-token": token}
    headers |= {"x-forwarded-proto": scheme} if scheme else {}
    assert (await http.post("/-/pause.json", json={}, headers=headers)).status_code == status


@pytest.mark.parametrize("path", ["/-/", "/-/login", STATUS, "/-/metrics", "/-/style.css", "/-/dead.json?id=x"])
async def test_no_page_may_be_framed_or_run_a_script(server: Running, path: str) -> None:
    """By every browser, old ones too."""
    answer = await server.http.get(path, headers=RIGHT)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    # Data runs none; a page runs the files that this server has, and nothing that stands in it.
    assert ("script-src 'self';" if answer.headers["content-type"].startswith("text/html") else "default") in policy
    assert "script-src" not in policy.replace("script-src 'self';", "")
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/-/try.json", "/-/dead.json", "/-/rollback", "/-/login"])
async def test_who_leaves_in_the_middle_of_a_body_is_no_error(server: Running, path: str) -> None:
    """There is nobody to answer, and nothing to report."""
    app = create_app(server.runtime, TOKEN)
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        return None

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"x"), (b"authorization", f"Bearer {TOKEN}".encode())],
        "client": ("127.0.0.1", 1),
    }
    await app(scope, receive, send)
    assert messages == []


async def test_a_path_with_a_slash_too_many_leads_nowhere(server: Running) -> None:
    """And not to what the client says is our name."""
    for path in ("/healthz/", "/-/status.json/"):
        answer = await server.http.get(path, headers=RIGHT | {"host": "evil.example"})
        assert answer.status_code == 404
