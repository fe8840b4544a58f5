"""How an operator logs in: the link that works once, the cookie that comes of it, and what a cookie may not do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running
from tagserver.server.app import create_app

from .conftest import BEARER, CONTAINER, ENVIRON, SERVER, TOKEN, Running, Start, form_token_in, purchase


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
        ("https://evil.example", 403),
        ("https://tags.shop.example.evil.example", 403),
        ("https://evil.example/tags.shop.example", 403),
        ("https://tags.shop.example:8443", 403),
        ("null", 403),
        ("", 403),
        (None, 403),
    ],
)
async def test_a_cookie_alone_changes_nothing(linked: Linked, origin: str | None, status: int) -> None:
    """A page of somebody else cannot post with an operator's cookie; the token in a header needs no origin."""
    host = {"host": "tags.shop.example"}
    value, _ = cookie_of(await linked.http.get(linked.app.state.login_path(), headers=host))
    linked.http.cookies.clear()
    asked = {"event": purchase()}
    headers = {"cookie": f"tagserver_admin={value}"} | host
    page = await linked.http.get("/-/", headers=headers)
    headers["x-form-token"] = form_token_in(page.text)
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
