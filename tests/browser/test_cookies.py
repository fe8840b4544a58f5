"""First-party cookies in Chromium, with a server of our own on a subdomain: what the browser keeps, what scripts can
see, and that a withdrawal takes it away. Names lead to this machine by a rule of the browser's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from tests.browser.conftest import ARGUMENTS, CHROMIUM, SHELL
from tests.browser.recorder import listening, running
from tests.browser.site import a_site

pytestmark = pytest.mark.browser

SERVER = """
collect: {origins: ["http://www.shop.co.uk:PAGES", "http://ann.github.io:PAGES", "http://www.other.co.uk:PAGES"]}
cookies: {}
queue: {min_free: 1MiB}
egress: {allow: ["127.0.0.1"]}
"""
PAGE = """<!doctype html><title>Shop</title><script>window.dataLayer = []; FBQ</script>
<script src="http://ADDRESS/t.js"></script><script>
const gtag = function () { dataLayer.push(arguments) }
const both = (word) => ({ad_storage: word, analytics_storage: word})
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for which every name is this machine."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        rule = "--host-resolver-rules=MAP * 127.0.0.1"
        browser = playwright.chromium.launch(
            executable_path=SHELL if SHELL.exists() else CHROMIUM, args=[*ARGUMENTS, rule]
        )
        yield browser
        browser.close()


class World:
    """A server of ours and one with pages, both on this machine: for a browser, a page that came from nowhere may not
    ask for anything here. `shown`: the page that is at every address."""

    port = ""
    pages = 0
    shown = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page."""
        await HTMLResponse(self.shown)(scope, receive, send)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World()
    with listening() as bound, running(world, bound):
        world.pages = bound.getsockname()[1]
        server = SERVER.replace("PAGES", str(world.pages))
        with a_site(tmp_path_factory.mktemp("site"), "destinations: {}", server) as site:
            world.port = site.server.address.rpartition(":")[2]
            yield world


class Shop:
    """Somebody at a page of a shop, whose server is on another host."""

    def __init__(self, context: BrowserContext, world: World, page: str, host: str, pixel: bool) -> None:
        self.context = context
        self.page: Page = context.new_page()
        world.shown = PAGE.replace("ADDRESS", f"{host}:{world.port}")
        world.shown = world.shown.replace("FBQ", "window.fbq = () => {};" if pixel else "")
        self.page.goto(f"{page}:{world.pages}/?fbclid=IwAR_1-x&gclid=Cj0K")

    def does(self, script: str) -> None:
        """Run it, and wait for the answer to what it sends."""
        with self.page.expect_response("**/collect") as answer:
            self.page.evaluate(script)
        assert answer.value.status == 202
        answer.value.finished()

    def kept(self) -> dict[str, tuple[str, bool]]:
        """Name → domain, and whether scripts can see it."""
        return {one["name"]: (one["domain"], not one["httpOnly"]) for one in self.context.cookies()}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


VIEW = "gtag('consent', 'update', both('granted')); dataLayer.push({event: 'page_view'}); tagserver.flush()"


def test_a_browser_keeps_them_and_a_withdrawal_takes_them_away(context: BrowserContext, world: World) -> None:
    shop = Shop(context, world, "http://www.shop.co.uk", "metrics.shop.co.uk", pixel=False)
    shop.does(VIEW)
    seen = dict.fromkeys(("_fbp", "_fbc", "_gcl_aw"), (".shop.co.uk", True))
    assert shop.kept() == seen | {"ts_id": (".shop.co.uk", False)}
    assert "_fbc=fb.2." in shop.page.evaluate("document.cookie")
    assert "ts_id" not in shop.page.evaluate("document.cookie")
    before = {one["name"]: one["value"] for one in context.cookies()}
    shop.does("dataLayer.push({event: 'page_view'}); tagserver.flush()")
    assert {one["name"]: one["value"] for one in context.cookies()} == before
    shop.does("gtag('consent', 'update', both('denied')); dataLayer.push({event: 'a'}); tagserver.flush()")
    assert shop.kept() == {}


@pytest.mark.parametrize(
    ("page", "host", "pixel", "kept"),
    [
        ("http://www.shop.co.uk", "metrics.shop.co.uk", True, {"_gcl_aw": ".shop.co.uk", "ts_id": ".shop.co.uk"}),
        ("http://www.other.co.uk", "metrics.shop.co.uk", False, {}),
        ("http://ann.github.io", "bob.github.io", False, {}),
    ],
    ids=["a live pixel", "another site of one suffix", "another project on one host"],
)
def test_where_they_are_not_set(
    context: BrowserContext, world: World, page: str, host: str, pixel: bool, kept: dict[str, str]
) -> None:
    """And no refusal of the browser's was needed for it: the answer has none."""
    shop = Shop(context, world, page, host, pixel)
    lines: list[str] = []
    shop.page.on(
        "response", lambda one: lines.extend(h["value"] for h in one.headers_array() if h["name"] == "set-cookie")
    )
    shop.does(VIEW)
    assert {name: domain for name, (domain, _) in shop.kept().items()} == kept
    assert len(lines) == len(kept)
