"""Who may only look sees the pages Configuration and Try without their buttons, and cannot publish, go back or send;
who may operate is named in the record; a form needs its own token, and an origin of ours."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.server.access.conftest import ANNA, ENV, HOST, HTML, NAMED, VERA
from tests.server.conftest import SERVER, TWO, Running, Start, container, form_token_in, purchase

ACTS = ["configuration/publish", "configuration/versions/1/rollback", "try/send", "try/send.json"]
FIELDS = {"note": "", "event": '{"event": "purchase"}', "destination": "meta", "code": "T1"}


class Person:
    """Somebody who has logged in with a browser. `token`: what the forms of their pages bring."""

    def __init__(self, server: Running, cookie: str, token: str) -> None:
        self._server = server
        self._cookie = cookie
        self.token = token

    async def see(self, path: str) -> str:
        answer = await self._server.http.get(f"/-/{path}", headers={**HTML, "cookie": self._cookie})
        assert answer.status_code == 200
        return answer.text

    async def post(self, path: str, fields: Mapping[str, str], origin: str = HOST) -> int:
        headers = {**HTML, "cookie": self._cookie, "origin": origin}
        headers["content-type"] = "application/x-www-form-urlencoded"
        return (await self._server.http.post(f"/-/{path}", content=urlencode(fields), headers=headers)).status_code


async def logged_in(server: Running, token: str) -> Person:
    answer = await server.http.post("/-/login", data={"token": token})
    server.http.cookies.clear()
    cookie = answer.headers["set-cookie"].partition(";")[0]
    page = await server.http.get("/-/try", headers={**HTML, "cookie": cookie})
    return Person(server, cookie, form_token_in(page.text))


@pytest.fixture
async def server(start: Start) -> Running:
    """With a draft that waits."""
    running: Running = await start(server=f"{SERVER}reload: manual{NAMED}", environ=ENV)
    container(running).write_text(TWO)
    return running


def unchanged(server: Running) -> bool:
    return server.runtime.publisher.now.serving.number == 1


async def test_who_may_only_look(server: Running) -> None:
    """Sees all of it, may try, and changes nothing."""
    vera = await logged_in(server, VERA)
    configuration = await vera.see("configuration")
    assert "Meta all" in configuration
    assert "<button>Publish</button>" not in configuration
    assert "Roll back to" not in await vera.see("configuration/versions/1")
    shown = await vera.see("try")
    assert ("formaction" not in shown, "Your token may only look" in shown) == (True, True)
    assert await vera.post("try", {"event": '{"event": "purchase"}', "form_token": vera.token}) == 200
    for path in ACTS:
        assert await vera.post(path, {**FIELDS, "form_token": vera.token}) == 403
        bearer = {"authorization": f"Bearer {VERA}"}
        assert (await server.http.post(f"/-/{path}", json={}, headers=bearer)).status_code == 403
    assert unchanged(server)
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0


@pytest.mark.parametrize("path", ACTS[:3])
async def test_a_form_without_its_token_or_from_elsewhere(server: Running, path: str) -> None:
    """It is refused, and nothing is changed; with both it is taken."""
    anna = await logged_in(server, ANNA)
    for fields, origin in (
        ({}, HOST),
        ({"form_token": "x" * len(anna.token)}, HOST),
        ({"form_token": anna.token}, "https://elsewhere.example"),
        ({"form_token": anna.token}, "null"),
    ):
        assert await anna.post(path, {**FIELDS, **fields}, origin) == 403
    assert unchanged(server)
    assert await anna.post(path, {**FIELDS, "form_token": anna.token}) in (200, 303)


async def test_who_it_was(server: Running) -> None:
    """The version names who published it."""
    anna = await logged_in(server, ANNA)
    assert await anna.post("configuration/publish", {"note": "more", "form_token": anna.token}) == 303
    (newest, _) = server.runtime.publisher.listed()["versions"]
    assert (newest["by"], newest["note"]) == ("anna", "more")
    fields = {**FIELDS, "event": str(purchase()).replace("'", '"'), "form_token": anna.token}
    assert await anna.post("try/send", fields) == 200
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 1
