"""`/healthz` and `/readyz`: a word for strangers, the reasons for whoever has the token, and nothing to guess by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tagserver.server.admin.auth import GUESSES, PAUSE
from tagserver.server.app import create_app
from tests.fake_time import FakeTime

from .conftest import CONTAINER, TOKEN, Running

BEARER = {"authorization": f"Bearer {TOKEN}"}


def sound(server: Running) -> None:
    """As it is."""


def broken(server: Running) -> None:
    """Today's files have errors."""
    (server.data.parent / "config" / "container.yaml").write_text("tags: [{nmae: secret-plan}]\n")


def draining(server: Running) -> None:
    """It is about to end."""
    server.runtime.draining = True


def without_queue(server: Running) -> None:
    """Its queue's lock is gone: nothing can be promised."""
    (server.data / "outbox.db.lock").unlink()


Spoil = Callable[[Running], None]
CASES: list[tuple[Spoil, int, str, str | None]] = [
    (sound, 200, "ok", None),
    (broken, 200, "degraded", None),
    (draining, 503, "unavailable", "draining"),
    (without_queue, 503, "unavailable", "outbox"),
]


async def spoilt(server: Running, spoil: Spoil) -> None:
    spoil(server)
    if spoil is broken:
        await server.http.post("/-/reload", headers=BEARER)
    if spoil is without_queue:
        while server.runtime.outbox.trouble() is None:
            await server.collect({"event": "scroll"})


@pytest.mark.parametrize(("spoil", "status", "word", "reason"), CASES, ids=[one[0].__name__ for one in CASES])
async def test_strangers_get_one_word(
    server: Running, spoil: Spoil, status: int, word: str, reason: str | None
) -> None:
    """No version, no name, no reason; whoever brings the token gets them, as in status.json."""
    await spoilt(server, spoil)
    cookie = (await server.http.post("/-/login", data={"token": TOKEN})).headers["set-cookie"].partition(";")[0]
    server.http.cookies.clear()
    for headers in ({}, {"cookie": cookie}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}):
        for method in ("GET", "HEAD"):
            answer = await server.http.request(method, "/readyz", headers=headers)
            assert (answer.status_code, answer.text) == (status, word if method == "GET" else answer.text)
            assert answer.headers["content-length"] == str(len(word))
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers.get("retry-after") == ("2" if status == 503 else None)
    answer = await server.http.get("/readyz", headers=BEARER)
    shown, there = answer.json(), await server.status()
    assert answer.status_code == status
    assert (shown["ready"], shown["status"], shown["reason"]) == (status == 200, word, reason)
    assert bool(shown["detail"]) is (status == 503)
    assert [there[name] for name in ("ready", "status", "reason", "detail")] == [
        shown[name] for name in ("ready", "status", "reason", "detail")
    ]
    assert shown["container"] == there["container"]["version"]
    assert shown["problems"] == there["container"]["problems"]
    alive = await server.http.get("/healthz", headers=BEARER)
    assert (alive.status_code, alive.text) == (200, "ok"), "whoever asks, whatever is wrong: a restart mends nothing"


@pytest.fixture
async def timed(server: Running) -> AsyncIterator[tuple[httpx.AsyncClient, FakeTime]]:
    """The server's addresses, with the time in hand."""
    time = FakeTime()
    app = create_app(server.runtime, TOKEN, time)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tags.shop.example") as http:
        yield http, time


async def test_guessing_at_readyz_is_guessing(timed: tuple[httpx.AsyncClient, FakeTime]) -> None:
    """It counts as at `/-/`, in both directions; and who must wait learns nothing by the right token."""
    http, time = timed
    for _ in range(GUESSES):
        assert (await http.get("/readyz", headers={"authorization": "Bearer guess"})).text == "ok"
    assert (await http.get("/-/status.json", headers=BEARER)).status_code == 429
    assert (await http.get("/readyz", headers=BEARER)).text == "ok"
    assert (await http.get("/readyz")).status_code == 200, "a health check from there goes on"
    time.pass_unseen(PAUSE)
    assert (await http.get("/readyz", headers=BEARER)).json()["status"] == "ok"
    assert (await http.get("/-/status.json", headers={"authorization": "Bearer guess"})).status_code == 401
    assert (await http.get("/readyz", headers=BEARER)).text == "ok"


async def test_health_checks_without_a_token_are_no_guesses(timed: tuple[httpx.AsyncClient, FakeTime]) -> None:
    http, _ = timed
    for _ in range(3 * GUESSES):
        assert (await http.get("/readyz")).status_code == 200
    assert (await http.get("/readyz", headers=BEARER)).json()["status"] == "ok"


async def test_what_is_mended_is_ok_again(server: Running) -> None:
    await spoilt(server, broken)
    (server.data.parent / "config" / "container.yaml").write_text(CONTAINER)
    await server.http.post("/-/reload", headers=BEARER)
    assert (await server.http.get("/readyz")).text == "ok"
