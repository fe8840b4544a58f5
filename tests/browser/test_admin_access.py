"""A person at the pages, in a real browser: logs in, lands where they wanted to go, logs out; and another site that
posts a form, frames a page or has a link in their name."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tagserver.config.configuration import ConfigurationFolder
from tagserver.plugin.registry import Registry
from tagserver.runtime.running import running as a_runtime
from tagserver.sandbox import create_sandbox
from tagserver.server.app import create_app
from tagserver.server.serving import serving
from tests.browser.recorder import Recorder, listening
from tests.server.conftest import CONTAINER, ENVIRON, SERVER

ANNA, VERA = "token-of-anna-0123456789", "token-of-vera-0123456789"
TOKENS = """
admin:
  tokens:
    anna: {token: "${env:TOKEN_OF_ANNA}", role: operate}
    vera: {token: "${env:TOKEN_OF_VERA}", role: view}
"""
ENV = {**ENVIRON, "TOKEN_OF_ANNA": ANNA, "TOKEN_OF_VERA": VERA}


class Admin:
    """A server with its pages, in a thread with a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = ""
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._listens.wait(30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        config, data = self._folder / "config", self._folder / "data"
        config.mkdir()
        (config / "server.yaml").write_text(SERVER + TOKENS)
        (config / "container.yaml").write_text(CONTAINER)
        held = ConfigurationFolder(config, Registry.load(), ENV, None, data)
        async with AsyncExitStack() as stack:
            transport = httpx.ASGITransport(create_sandbox())
            runtime = await stack.enter_async_context(a_runtime(held, data, transport=transport, drain=0.1))
            bound = stack.enter_context(listening())
            app = create_app(runtime, "token-of-the-admin")
            self.link = app.state.login_path
            self.paused = lambda: runtime.status.state("meta")[0] == "paused"
            self.address = f"http://127.0.0.1:{bound.getsockname()[1]}"
            server = serving(app)
            task = asyncio.create_task(server.serve(sockets=[bound]))
            self._listens.set()
            await self._end.wait()
            server.should_exit = True
            await task


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    made = Admin(tmp_path)
    made.start()
    yield made
    made.stop()


def log_in(page: Page, token: str) -> None:
    """By the form that is shown."""
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_in_to_the_page_that_was_wanted_and_out_again(page: Page, admin: Admin) -> None:
    """A wrong token is told, and the page is not forgotten by it."""
    page.goto(f"{admin.address}/-/?view=all")
    expect(page).to_have_url(f"{admin.address}/-/login?next=%2F-%2F%3Fview%3Dall")
    log_in(page, "not-the-token-at-all-0123")
    expect(page.get_by_role("alert")).to_be_visible()
    log_in(page, VERA)
    expect(page).to_have_url(f"{admin.address}/-/?view=all")
    expect(page.get_by_text("vera")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/-/")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{admin.address}/-/login")
    assert page.context.cookies() == []
    page.goto(f"{admin.address}/-/")
    expect(page).to_have_url(f"{admin.address}/-/login")


def test_a_login_link_works_once(page: Page, admin: Admin) -> None:
    link = f"{admin.address}{admin.link()}"
    page.goto(link)
    expect(page).to_have_url(f"{admin.address}/-/")
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_role("alert")).to_be_visible()


FORM = """<form method="post" action="{0}/-/pause.json" enctype="text/plain">
<input name='{{"destination": "meta", "note": "' value='"}}'><button>Win a prize</button></form>
<form method="post" action="{0}/-/logout"><button>Another prize</button></form>"""


@pytest.mark.parametrize("site", ["127.0.0.1", "localhost"], ids=["a site beside ours", "another site"])
@pytest.mark.parametrize("button", ["Win a prize", "Another prize"])
def test_another_site_posts_in_somebodys_name(
    page: Page, admin: Admin, recorder: Recorder, site: str, button: str
) -> None:
    """A page at another port has the same cookies, which are sent along; one at another name gets none."""
    page.goto(f"{admin.address}/-/login")
    log_in(page, ANNA)
    expect(page).to_have_url(f"{admin.address}/-/")
    recorder.pages["/prize"] = FORM.format(admin.address)
    page.goto(f"http://{site}:{recorder.port}/prize")
    with page.expect_response(lambda answer: admin.address in answer.url) as answered:
        page.get_by_role("button", name=button).click()
    assert answered.value.status == (403 if site == "127.0.0.1" else 401)
    assert not admin.paused()
    page.goto(f"{admin.address}/-/")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_no_page_is_shown_in_a_frame_of_another_site(page: Page, admin: Admin, recorder: Recorder) -> None:
    """Nor is data given to a script of it."""
    page.goto(f"{admin.address}/-/login")
    log_in(page, ANNA)
    expect(page).to_have_url(f"{admin.address}/-/")
    recorder.pages["/frames"] = (
        f'<iframe src="{admin.address}/-/"></iframe><iframe src="{admin.address}/-/login"></iframe>'
    )
    page.goto(f"http://127.0.0.1:{recorder.port}/frames")
    page.wait_for_load_state("networkidle")
    for frame in page.frames[1:]:
        assert "tagserver" not in frame.content().lower()
    fetched = page.evaluate(
        "address => fetch(address, {mode: 'no-cors', credentials: 'include'}).then(() => 'given', () => 'refused')",
        f"{admin.address}/-/status.json",
    )
    assert fetched == "refused"


def test_a_link_of_another_site_leads_to_the_page(page: Page, admin: Admin, recorder: Recorder) -> None:
    """For who is logged in, though their browser keeps the cookie back at first; for who is not, by way of the form."""
    recorder.pages["/chat"] = f'<a href="{admin.address}/-/?shared=yes">look at this</a>'
    for first in (True, False):
        page.goto(f"http://localhost:{recorder.port}/chat")
        page.get_by_role("link").click()
        if first:
            log_in(page, ANNA)
        expect(page).to_have_url(f"{admin.address}/-/?shared=yes")
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
