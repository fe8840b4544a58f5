"""Several tokens: who may look, who may change something, how they are renewed and taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tagserver.server.app import create_app
from tests.server.conftest import ENVIRON, SERVER, TOKEN, Running, Start, purchase
from tests.server.listener import listening

from .conftest import ANNA, NAMED, STATUS, VERA, Desk, bearer

LOOKED_AT = ["/-/", STATUS, "/-/metrics", "/-/dead.json", "/-/versions.json"]
ASKED: list[tuple[str, Any]] = [
    ("/-/try.json", {"event": {"event": "purchase"}}),
    ("/-/consent.json", {"kind": "usp", "input": "1YNN"}),
]
ORDERED: list[tuple[str, Any]] = [
    ("/-/reload", {}),
    ("/-/reload", {"server": True}),
    ("/-/rollback", {"number": 1}),
    ("/-/pause.json", {"destination": "meta"}),
    ("/-/resume.json", {"destination": "meta"}),
    ("/-/resume.json", {"destination": "meta", "dry_run": True}),
    ("/-/forget.json", {"email": "erika@example.com"}),
    ("/-/backup", None),
    ("/-/restore", {"action": "deliver"}),
    ("/-/dead.json", {"action": "drop", "all": True}),
    ("/-/configuration/publish", None),
    ("/-/configuration/versions/1/rollback", None),
    ("/-/try/send", None),
    ("/-/try/send.json", {}),
    ("/-/nothing", None),
]


@pytest.mark.parametrize("way", ["bearer", "cookie"])
@pytest.mark.parametrize("token", [TOKEN, ANNA, VERA], ids=["admin", "anna", "vera"])
async def test_who_may_do_what(desk: Desk, token: str, way: str) -> None:
    """Everybody sees everything and may ask; who may only look changes nothing."""
    headers = bearer(token) if way == "bearer" else await desk.login(token)
    for path in LOOKED_AT:
        for method in ("GET", "HEAD"):
            assert (await desk.http.request(method, path, headers=headers)).status_code == 200, path
    for path, body in ASKED:
        assert (await desk.http.post(path, json=body, headers=headers)).status_code == 200, path
    fields = {"q": "purchase_T-1", "form_token": headers.get("x-form-token", "")}
    assert (await desk.http.post("/-/events/search", data=fields, headers=headers)).status_code == 303
    for path, body in ORDERED:
        answer = await desk.http.post(path, json=body, headers=headers)
        assert (answer.status_code == 403) == (token == VERA), path
        if token == VERA:
            assert answer.json()["problems"][0]["code"] == "view_only"
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = await desk.http.request(method, STATUS, headers=headers)
        assert answer.status_code == (403 if token == VERA else 405), method


TRICKS = [
    *("/-/reload%0A", "/-/reload%00", "/-/reload/", "/-//reload", "/-/try.json/../reload", "/-/%2e%2e/-/reload"),
    *("/-/try.json/../../-/reload", "/-/./reload", "/-/reload;/try.json", "/-/reload?/-/try.json", "/-/RELOAD"),
    *("/-/try.json%2f..%2freload", "/-/reload#/-/try.json", "/-/static/../reload", "/-/static/..%2freload"),
    *("/-/s/../reload", "/-/login/../reload", "/-/login%2f..%2freload", "/-/\\reload"),
]


@pytest.mark.parametrize("path", TRICKS)
@pytest.mark.parametrize("token", [VERA, None], ids=["vera", "nobody"])
async def test_no_spelling_of_a_path_opens_an_order(desk: Desk, path: str, token: str | None) -> None:
    """What is allowed is a list of paths as they are; everything else is refused before anybody looks what it is."""
    app = create_app(desk.running.runtime, TOKEN)
    # Sent as it is: a client would tidy it up.
    raw, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "POST",
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"tags.shop.example")]
        + ([(b"authorization", f"Bearer {token}".encode())] if token else []),
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    before = desk.running.runtime.publisher.listed()
    await app(scope, receive, send)
    assert sent[0]["status"] in (401, 403, 404)
    assert desk.running.runtime.publisher.listed() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"x-http-method-override": "POST"},
        {"x-method-override": "DELETE"},
        {"x-original-url": "/-/reload", "x-rewrite-url": "/-/reload"},
        {"x-forwarded-prefix": "/-/try.json", "x-forwarded-user": "admin"},
    ],
    ids=lambda one: next(iter(one)),
)
async def test_no_header_makes_another_request_of_it(desk: Desk, headers: dict[str, str]) -> None:
    number = desk.running.runtime.publisher.now.serving.number
    answer = await desk.http.get("/-/reload", headers=bearer(VERA) | headers)
    assert answer.status_code == 405
    answer = await desk.http.post("/-/consent.json?_method=DELETE", json={}, headers=bearer(VERA) | headers)
    assert answer.status_code == 400
    assert desk.running.runtime.publisher.now.serving.number == number


# ── tokens come and go


async def test_a_token_of_the_file_comes_and_goes_without_a_restart(desk: Desk) -> None:
    """And takes its logins along."""
    login = await desk.login(ANNA)
    assert (await desk.http.get(STATUS, headers=login)).status_code == 200
    desk.configure("")
    await desk.renew()
    for headers in (login, bearer(ANNA), bearer(VERA)):
        assert (await desk.http.get(STATUS, headers=headers)).status_code == 401
    assert (await desk.http.get(STATUS, headers=bearer(TOKEN))).status_code == 200
    desk.configure(NAMED)
    await desk.renew()
    assert (await desk.http.get(STATUS, headers=bearer(ANNA))).status_code == 200


@pytest.mark.parametrize("way", ["token", "login"])
async def test_who_looks_on_live_is_sent_away_when_the_token_goes(desk: Desk, way: str) -> None:
    """Before the next event is told."""
    given = bearer(VERA) if way == "token" else {"authorization": "", **await desk.login(VERA)}
    server = Running(desk.http, desk.running.runtime, desk.running.vendor, desk.running.data)
    async with listening(server, **given) as listener:
        desk.configure(NAMED.replace("    vera:", "    vero:"))
        await desk.renew()
        await server.collect(purchase())
        await listener.until("event: end")
    assert listener.messages() == [("end", {"why": "this token or login has ended"})]


async def test_another_token_of_the_same_name_ends_its_logins_and_no_others(start: Start, tmp_path: Path) -> None:
    """A token that somebody has seen is replaced; the others stay logged in."""
    env_file = tmp_path / "secrets.env"
    env_file.write_text(f"TOKEN_OF_ANNA={ANNA}\nTOKEN_OF_VERA={VERA}\n")
    running: Running = await start(server=SERVER + NAMED, env_file=env_file)
    desk = Desk(running, running.http)
    anna, vera = await desk.login(ANNA), await desk.login(VERA)
    env_file.write_text(f"TOKEN_OF_ANNA=another-{ANNA}\nTOKEN_OF_VERA={VERA}\n")
    await desk.renew()
    assert (await desk.http.get(STATUS, headers=anna)).status_code == 401
    assert (await desk.http.get(STATUS, headers=bearer(ANNA))).status_code == 401
    assert (await desk.http.get(STATUS, headers=bearer(f"another-{ANNA}"))).status_code == 200
    assert (await desk.http.get(STATUS, headers=vera)).status_code == 200


async def test_a_variable_that_is_gone_opens_nothing(start: Start) -> None:
    """Neither with nothing nor with what was there before."""
    running: Running = await start(server=SERVER + NAMED, environ={**ENVIRON, "TOKEN_OF_VERA": VERA})
    for token in ("", ANNA, "None", "${env:TOKEN_OF_ANNA}"):
        assert (await running.http.get(STATUS, headers=bearer(token))).status_code == 401
    assert (await running.http.get(STATUS, headers=bearer(VERA))).status_code == 200


async def test_a_role_is_what_the_file_says_today(desk: Desk) -> None:
    """A login of before has no rights of its own."""
    anna, vera = await desk.login(ANNA), await desk.login(VERA)
    desk.configure(NAMED.replace("operate", "x").replace("view", "operate").replace("x}", "view}"))
    await desk.renew()
    statuses = [(await desk.http.post("/-/reload", json={}, headers=one)).status_code for one in (anna, vera)]
    assert statuses == [403, 200]


async def test_readyz_tells_everybody_who_may_look(desk: Desk) -> None:
    for token in (TOKEN, ANNA, VERA):
        assert "detail" in (await desk.http.get("/readyz", headers=bearer(token))).json()
    assert (await desk.http.get("/readyz", headers=bearer("token-of-nobody"))).text == "ok"
