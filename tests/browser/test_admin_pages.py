"""The pages under `/-/` in a real browser, of a server that has all kinds of trouble: readable for everybody, on any
screen, without JavaScript, by keyboard; and what strangers have stored does nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessible import faults_of, too_small, too_wide
from tests.faults.process import ADMIN, Process, purchase, start_sandbox, start_server, write_config

pytestmark = pytest.mark.browser

SCRIPT = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1", access_token: "${env:META_TOKEN}", api_url: "VENDOR"}
  shop_without_token: {type: meta_capi, pixel_id: "2", access_token: "${env:NO_SUCH_TOKEN}"}
  archive: {type: file, path: events}
  "<b>down": {type: meta_capi, pixel_id: "3", access_token: "${env:META_TOKEN}", api_url: "http://127.0.0.1:9"}
triggers: {unused: {event: nothing}}
tags:
  - {name: Meta, destination: meta, triggers: [all]}
  - {name: Shop, destination: shop_without_token, triggers: [all]}
  - {name: "<img src=x onerror='window.hit = 1'>", destination: archive, triggers: [all]}
  - {name: Down, destination: "<b>down", triggers: [all]}
"""
IDS = [f"bad-{n} {SCRIPT}" for n in range(30)]
PAGES = [
    "/-/",
    "/-/destinations",
    "/-/destinations/meta",
    "/-/destinations/meta?reason=rejected&done=retry&count=2&left=1",
    "/-/destinations/archive",
    "/-/destinations/%3Cb%3Edown",
    "/-/preview",
    "/-/preview?show=record:1",
    "/-/preview?name=nobody-sends-this",
    "/-/preview/sessions",
    "/-/events/good",
    "/-/events/refused-consent",
    "/-/compare?a=good&b=refused-consent",
    "/-/compare?a=good&b=nobody",
    "/-/shares",
    f"/-/events/{quote(IDS[3])}",
    "/-/configuration",
    "/-/configuration/versions/1",
    "/-/try",
    "/-/plugins",
    "/-/glossary",
    "/-/nowhere",
]
SCREENS: list[tuple[Literal["light", "dark"], int]] = [("light", 380), ("dark", 380), ("light", 1200), ("dark", 1200)]


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server with a vendor that refuses, one that is down, one without a token, one that somebody has paused."""
    folder = tmp_path_factory.mktemp("troubled")
    sandbox = start_sandbox(folder)
    write_config(folder, sandbox.address)
    (folder / "config" / "container.yaml").write_text(CONTAINER.replace("VENDOR", sandbox.address))
    server = start_server(folder)
    with httpx.Client(trust_env=False, timeout=30) as http:
        http.post(f"{sandbox.address}/control", json={"bad_ids": IDS})
        events = [purchase("good"), *(purchase(f"bad-{n}") | {"event_id": one} for n, one in enumerate(IDS))]
        events.append(purchase("refused-consent") | {"consent": {"ad_storage": "denied"}})
        origin = {"origin": "https://shop.example"}
        http.post(f"{server.address}/collect", json=events, headers=origin)
        order = {"destination": "archive", "for": 7200, "note": SCRIPT[:400], "by": "anna"}
        bearer = {"authorization": f"Bearer {ADMIN}"}
        http.post(f"{server.address}/-/pause.json", json=order, headers=bearer)
        for _ in range(300):
            told = http.get(f"{server.address}/-/status.json", headers=bearer).json()["destinations"]
            if told["meta"]["dead"] == len(IDS) and told["<b>down"]["state"] != "ok":
                break
            time.sleep(0.1)
        http.post(f"{server.address}/collect", content=b"no JSON", headers=origin)
    yield server
    server.stop()
    sandbox.stop()


def logged_in(browser: Browser, server: Process, **options: object) -> BrowserContext:
    """A browser with a login."""
    context = browser.new_context(**options)  # type: ignore[arg-type]  # (any of its options)
    page = context.new_page()
    page.goto(f"{server.address}/-/login")
    page.get_by_label("Token").fill(ADMIN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{server.address}/-/")
    page.close()
    return context


def shared(server: Process) -> str:
    """The path of a link to an event for whoever has it."""
    bearer = {"authorization": f"Bearer {ADMIN}"}
    made = httpx.post(f"{server.address}/-/events/good/share", json={}, headers=bearer, trust_env=False).json()
    return str(made["address"]).removeprefix(server.address)


@pytest.mark.parametrize(("scheme", "width"), SCREENS)
def test_everybody_can_read_them(
    browser: Browser, troubled: Process, scheme: Literal["light", "dark"], width: int
) -> None:
    """axe finds nothing, nothing has to be moved sideways, what is to be hit is large enough, nothing is reported, and
    no stored markup does anything."""
    context = logged_in(browser, troubled, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url} {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    found: dict[str, list[str]] = {}
    pages = [*PAGES, shared(troubled)]
    for path in pages:
        page.goto(troubled.address + path)
        for details in page.locator("details").all():
            details.evaluate("(one) => { one.open = true }")
        found[path] = [*faults_of(page), *too_wide(page), *too_small(page)]
        assert page.evaluate("window.hit") is None
    context.close()
    assert found == {path: [] for path in pages}
    assert [text for text in said if "/-/nowhere" not in text] == []


def test_the_login_too(page: Page, troubled: Process) -> None:
    """Before and after a wrong token."""
    page.goto(f"{troubled.address}/-/login")
    assert faults_of(page) == []
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert faults_of(page) == []


def test_by_keyboard(browser: Browser, troubled: Process) -> None:
    """The first stop leads past the menu; a table that is wider than the screen can be moved."""
    context = logged_in(browser, troubled, viewport={"width": 380, "height": 800})
    page = context.new_page()
    page.goto(f"{troubled.address}/-/destinations")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    table = page.get_by_role("region", name="Destinations")
    expect(table).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    context.close()


def test_without_javascript(browser: Browser, troubled: Process) -> None:
    """Pause, resume and drop are forms; each ends on the page of the destination, with what came of it."""
    context = logged_in(browser, troubled, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{troubled.address}/-/")
    page.get_by_role("row", name="meta meta_capi").get_by_role("link", name="meta").click()
    page.get_by_label("For").fill("2h")
    page.get_by_label("Note").fill("ticket 4711")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("Its share of the queue")
    expect(page.get_by_role("region", name="State")).to_contain_text("ticket 4711")
    page.get_by_role("button", name="Resume …").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Let meta go on?")
    page.get_by_role("button", name="Let it go on").click()
    expect(page.get_by_role("status")).to_contain_text("It goes on")
    before = page.get_by_role("button", name="Drop all").inner_text()
    page.get_by_role("row", name="bad-29").get_by_role("button", name="Drop …").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove 1 dead letter?")
    page.get_by_role("button", name="Remove 1 dead letter for good").click()
    expect(page.get_by_role("status")).to_contain_text("1 dead letter removed for good")
    assert page.get_by_role("button", name="Drop all").inner_text() != before
    context.close()


def test_times_are_told_by_the_clock_of_whoever_looks(browser: Browser, troubled: Process, tmp_path: Path) -> None:
    """Beside UTC, which logs and commands say."""
    context = logged_in(browser, troubled, timezone_id="Asia/Tokyo", locale="en-GB")
    page = context.new_page()
    page.goto(f"{troubled.address}/-/")
    moment = page.locator("time").first
    expect(moment).to_contain_text("UTC")
    expect(moment).to_have_attribute("title", re.compile(r"GMT\+9"))
    context.close()


def test_the_judges_find_something(page: Page) -> None:
    """Of a page that is wrong in each of their ways."""
    page.set_viewport_size({"width": 380, "height": 800})
    page.set_content('<html><body><img src="data:,"><div style="width: 900px">x</div><button>x</button></body></html>')
    assert any("image-alt" in fault for fault in faults_of(page))
    assert too_wide(page)
    assert too_small(page)
