"""A page that names the script by its hash: a browser runs that version, as packed as it likes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tagserver.server.script import Scripts, shipped
from tests.browser.recorder import listening, running

pytestmark = pytest.mark.browser
SCRIPT = shipped()


@pytest.fixture
def tags() -> Iterator[str]:
    """A server of the script, and of a page at another origin that uses it with the hash in its query."""
    scripts = Scripts(SCRIPT, None)

    async def shop(request: Request) -> Response:
        src = f"http://localhost:{port}/t/{SCRIPT.version}.js"
        integrity = request.query_params["integrity"].replace(" ", "+")
        return HTMLResponse(f'<script src="{src}" integrity="{integrity}" crossorigin></script>')

    with listening() as bound:
        port = bound.getsockname()[1]
        with running(Starlette(routes=[Route("/", shop), Route("/t/{version}.js", scripts.version)]), bound):
            yield f"http://127.0.0.1:{port}/"


def test_the_right_hash(page: Page, tags: str) -> None:
    page.goto(f"{tags}?integrity={SCRIPT.integrity}")
    assert page.evaluate("tagserver.version") == SCRIPT.version


def test_another_hash(page: Page, tags: str) -> None:
    page.goto(f"{tags}?integrity=sha384-{'A' * 64}")
    assert page.evaluate("typeof tagserver") == "undefined"
