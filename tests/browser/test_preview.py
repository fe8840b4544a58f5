"""Preview links in a browser: one tab's events go another way, and the page says what became of them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.browser.recorder import GRANTED, Recorder
from tests.browser.tagged import CONTAINER, Tagged, tagged

pytestmark = pytest.mark.browser
DRAFT = CONTAINER + "  - {name: Meta views, destination: meta, triggers: [all]}\n"
WHO = "user_data: {email: 'erika@example.com'}"
SHOPPED = "ecommerce: {transaction_id: 'T-1', value: 5, currency: 'EUR'}"
PUSH = f"dataLayer.push({{event: 'purchase', event_id: 'e-1', {WHO}, {SHOPPED}}})"


@pytest.fixture
def server(tmp_path: Path, recorder: Recorder) -> Iterator[Tagged]:
    with tagged(tmp_path, recorder.shop) as server:
        yield server


Shop = Callable[..., str]


@pytest.fixture
def shop(recorder: Recorder, server: Tagged) -> Shop:
    """Adds a page that pushes before t.js has come; gives its path. `policy`: its CSP."""

    def add(push: str = PUSH, consent: dict[str, str] = GRANTED, policy: str = "") -> str:
        path = f"/shop{len(recorder.pages)}"
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
        recorder.pages[path] = (
            f"<!doctype html>{meta}<title>Shop</title><script nonce=n>window.dataLayer = [];"
            f"function gtag() {{ dataLayer.push(arguments); }} gtag('consent', 'update', {consent}); {push}</script>"
            f'<script nonce=n src="{server.address}/t.js"></script><body>'
        )
        return path

    return add


def session(server: Tagged, draft: str | None = None, **order: Any) -> dict[str, Any]:
    if draft is not None:
        order["files"] = {"container.yaml": base64.b64encode(draft.encode()).decode()}
    made: dict[str, Any] = server.ask("preview/sessions.json", {"by": "anna", **order})["session"]
    return made


def opened(page: Page, recorder: Recorder, path: str, made: dict[str, Any], query: str = "?") -> None:
    """The page by the link."""
    page.goto(f"{recorder.shop}{path}{query}ts_preview={made['grant']}")


def heard(page: Page, kind: str) -> list[str]:
    found: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == kind:
            found.append(message.text)

    page.on("console", hear)
    return found


def posts(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def see(request: Request) -> None:
        if request.url.endswith("/collect") and request.method == "POST":
            found.append(request.post_data_json)

    page.on("request", see)
    return found


def badge(page: Page) -> Any:
    return page.locator("#tagserver-preview section")


@pytest.mark.parametrize(("query", "left"), [("?", ""), ("?a=1&", "?a=1"), ("?b=%20c&a=ä&", "?b=%20c&a=%C3%A4")])
def test_the_link_leaves_the_address_before_anything_is_sent(
    page: Page, recorder: Recorder, server: Tagged, shop: Shop, query: str, left: str
) -> None:
    """And is kept in the tab: the next page has it, too."""
    made, sent = session(server), posts(page)
    path = shop()
    opened(page, recorder, path, made, query)
    expect(badge(page)).to_contain_text("purchase")
    assert page.url == f"{recorder.shop}{path}{left}"
    assert [post["ctx"]["ts_preview"] for post in sent] == [made["grant"]]
    assert sent[0]["ctx"]["page"]["location"] == page.url
    page.goto(recorder.shop + shop(PUSH.replace("e-1", "e-2")))
    expect(badge(page)).to_contain_text("purchase")
    assert [post["ctx"]["ts_preview"] for post in sent] == [made["grant"]] * 2
    assert "ts_preview" not in str([post["events"] for post in sent])
    assert server.delivered() == 0


def test_what_stands_behind_the_grant_stays(page: Page, recorder: Recorder, server: Tagged, shop: Shop) -> None:
    made, path = session(server), shop()
    page.goto(f"{recorder.shop}{path}?a=1&ts_preview={made['grant']}&b=2#c")
    expect(badge(page)).to_contain_text("purchase")
    assert page.url == f"{recorder.shop}{path}?a=1&b=2#c"


def test_a_draft_changes_that_session_alone(browser: Browser, recorder: Recorder, server: Tagged, shop: Shop) -> None:
    """Two visitors at once; the other one's events are decided by what serves, and sent."""
    view = f"dataLayer.push({{event: 'view_item', event_id: 'v', {WHO}}})"
    path, made = shop(view + ";" + PUSH), session(server, DRAFT)
    contexts = [browser.new_context(), browser.new_context()]
    try:
        previewed, other = (context.new_page() for context in contexts)
        told = heard(previewed, "info")
        opened(previewed, recorder, path, made)
        with other.expect_response("**/collect") as answered:
            other.goto(recorder.shop + path)
        expect(badge(previewed)).to_contain_text("◇ Meta views: would send")
        recorder.wait(lambda: server.delivered() == 1, "the other visitor's purchase")
        lines = answered.value.json()["events"]
        assert [set(line) for line in lines] == [{"event_id", "status", "problems"}] * 2
        assert other.locator("#tagserver-preview").count() == 0
        assert any("would send: Meta views" in text for text in told)
        assert any("not fired: Meta lead" in text for text in told)
        assert server.ask("preview/sessions.json")["sessions"][0]["events"] == 2
    finally:
        for context in contexts:
            context.close()


def test_a_link_that_has_ended_says_so_and_the_event_counts(
    page: Page, recorder: Recorder, server: Tagged, shop: Shop
) -> None:
    made, told = session(server), heard(page, "warning")
    server.ask("preview/sessions/end.json", {"id": made["id"]})
    opened(page, recorder, shop(), made)
    expect(badge(page)).to_contain_text("somebody has ended")
    assert told[0].startswith("[tagserver] somebody has ended this preview session; start another")
    recorder.wait(lambda: server.delivered() == 1, "the purchase")
    assert page.evaluate("sessionStorage.ts_preview") is None


def test_consent_stays_the_gate_under_live(page: Page, recorder: Recorder, server: Tagged, shop: Shop) -> None:
    made = session(server, send="live")
    opened(page, recorder, shop(consent=dict.fromkeys(GRANTED, "denied")), made)
    expect(badge(page)).to_contain_text("⊘ Meta purchase: blocked")
    opened(page, recorder, shop(PUSH.replace("e-1", "e-2").replace("T-1", "T-2")), made)
    expect(badge(page)).to_contain_text("✔ Meta purchase: sent")
    recorder.wait(lambda: server.delivered() == 1, "the second purchase")


def test_the_list_is_closed_and_opened_by_the_keyboard(
    page: Page, recorder: Recorder, server: Tagged, shop: Shop
) -> None:
    opened(page, recorder, shop(), session(server))
    expect(badge(page)).to_contain_text("◇ Meta purchase: would send")
    summary = page.locator("#tagserver-preview summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#tagserver-preview small").first).to_contain_text("trigger purchase; ")
    link = page.locator("#tagserver-preview a")
    assert link.get_attribute("href") == f"{server.address}/-/events/e-1"
    assert link.get_attribute("rel") == "noopener noreferrer"
    page.keyboard.press("Escape")
    assert page.locator("#tagserver-preview").count() == 0


def test_the_strictest_policy_allows_it(page: Page, recorder: Recorder, server: Tagged, shop: Shop) -> None:
    """Scripts by their nonce alone, and no style at all."""
    errors = heard(page, "error")
    policy = f"default-src 'none'; script-src 'nonce-n'; connect-src {server.address}"
    opened(page, recorder, shop(policy=policy), session(server))
    expect(badge(page)).to_contain_text("◇ Meta purchase: would send")
    assert page.evaluate("getComputedStyle(document.querySelector('#tagserver-preview')).position") == "fixed"
    assert [text for text in errors if "favicon" not in text and "Content Security Policy" in text] == []


def test_scripts_in_names_and_values_do_nothing(page: Page, recorder: Recorder, server: Tagged, shop: Shop) -> None:
    evil = "<img src=x onerror=alert(1)>"
    opened(page, recorder, shop(f"dataLayer.push({{event: {evil!r}, event_id: {evil!r}}})"), session(server))
    expect(badge(page)).to_contain_text(evil)
    assert page.locator("#tagserver-preview img").count() == 0
