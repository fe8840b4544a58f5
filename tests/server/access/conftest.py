"""A server with named tokens, and how people come to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tagserver.audit.files import FOLDER, read_rows
from tagserver.server.app import create_app
from tests.fake_time import FakeTime
from tests.server.conftest import ENVIRON, SERVER, TOKEN, Running, Start, form_token_in

ANNA, VERA = "token-of-anna-0123456789", "token-of-vera-0123456789"
NAMED = """
admin:
  tokens:
    anna: {token: "${env:TOKEN_OF_ANNA}", role: operate}
    vera: {token: "${env:TOKEN_OF_VERA}", role: view}
"""
ENV = {**ENVIRON, "TOKEN_OF_ANNA": ANNA, "TOKEN_OF_VERA": VERA}
HOST = "http://tags.shop.example"
HTML = {"accept": "text/html,*/*"}
STATUS = "/-/status.json"
FORM = "application/x-www-form-urlencoded"


class Desk:
    """A server with named tokens, and how people come to it."""

    def __init__(self, running: Running, http: httpx.AsyncClient) -> None:
        self.running = running
        self.http = http

    async def login(self, token: str, **headers: str) -> dict[str, str]:
        """The headers of a browser that has logged in, with what its page's forms would bring."""
        answer = await self.http.post("/-/login", data={"token": token}, headers=headers)
        assert answer.status_code == 303, answer.text
        self.http.cookies.clear()
        cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]} | headers
        page = (await self.http.get("/-/", headers=cookie)).text
        return cookie | {"origin": HOST, "x-form-token": form_token_in(page)}

    def rows(self, *kinds: str) -> list[dict[str, Any]]:
        """Of the audit."""
        rows = (dict(one.record or {}) for one in read_rows(self.running.data / FOLDER))
        return [one for one in rows if one["kind"] in kinds]

    def configure(self, text: str) -> None:
        """Another `server.yaml`."""
        (self.running.data.parent / "config" / "server.yaml").write_text(SERVER + text)

    async def renew(self) -> None:
        assert (await self.running.runtime.renew()).ok


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def desk(start: Start, time: FakeTime) -> AsyncIterator[Desk]:
    running: Running = await start(server=SERVER + NAMED, environ=ENV)
    app = create_app(running.runtime, TOKEN, time)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as http:
        yield Desk(running, http)
