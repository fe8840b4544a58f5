"""A marketer at the pages Try and Configuration, in a real browser before a real server: paste, see, send as test; look
at what a draft would change, publish, and go back. Without JavaScript, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.site import Site, a_site, somebody

pytestmark = pytest.mark.browser

SERVER = """
reload: manual
collect: {origins: ["https://shop.example"]}
queue: {min_free: 1MiB}
egress: {allow: ["127.0.0.1"]}
"""
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:META_TOKEN}", api_url: VENDOR}
triggers:
  purchase: {event: purchase}
  big order: {event: purchase, when: {value: {greater_than: 100}}}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
  - {name: Meta big order, destination: meta, triggers: [big order], event_name: BigOrder}
"""
SECRET = "sentinel-4711-of-somebody"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path, CONTAINER, SERVER) as site:
        yield site


@pytest.fixture(params=["with JavaScript", "without"])
def person(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with somebody(browser, java_script_enabled=request.param == "with JavaScript") as page:
        yield page


def test_paste_an_event_and_see(person: Page, site: Site) -> None:
    """What each tag would do and why; a mistake is told where it is; what was typed stays, and is in no address."""
    site.enter(person, "try")
    person.get_by_label("Event").fill('{"event": "purchase",\n "value": }')
    person.get_by_role("button", name="Try", exact=True).click()
    expect(person.get_by_text("Line 2, column 11")).to_be_visible()
    expect(person.get_by_label("Event")).to_have_attribute("aria-invalid", "true")
    pasted = "dataLayer.push({event: 'purchase', event_id: 'e-17', value: 59.9, currency: 'EUR', user_id: 'u-1'});"
    person.get_by_label("Event").fill(pasted)
    person.get_by_text("Another visitor, another source").click()
    person.get_by_label("Consent").select_option("granted")
    person.get_by_role("button", name="Try", exact=True).click()
    result = person.locator("#result")
    expect(result.get_by_role("heading", name="purchase e-17")).to_be_visible()
    expect(result.get_by_text("value greater_than 100, is 59.9")).to_be_visible()
    expect(result.locator(".decisions > li").first).to_contain_text("send")
    result.get_by_text("The request: POST").click()
    expect(result.get_by_text('"event_name": "Purchase"')).to_be_visible()
    expect(person.locator("#event")).to_have_value(pasted)
    expect(person.get_by_text("Line 2, column 11")).to_have_count(0)
    assert person.url == f"{site.server.address}/-/try"
    assert site.arrivals() == 0


def test_an_example(person: Page, site: Site) -> None:
    """Chosen from a list, and tried as it is."""
    site.enter(person, "try")
    person.get_by_label("An example").select_option("Purchase, without consent")
    person.get_by_role("button", name="Put it in").click()
    person.get_by_role("button", name="Try", exact=True).click()
    expect(person.locator(".decisions > li").first).to_contain_text("block")


def test_send_as_test(person: Page, site: Site) -> None:
    """The vendor has it, and its answer is on the page; the test code is needed."""
    site.enter(person, "try?example=Purchase")
    person.locator("#send > summary").click()
    person.get_by_role("button", name="Send as test").click()
    expect(person.get_by_text("Type the test code")).to_be_visible()
    person.get_by_label("Test code").fill("TEST4711")
    person.get_by_role("button", name="Send as test").click()
    expect(person.get_by_role("heading", name="Sent as test to meta")).to_be_visible()
    expect(person.locator("#result .callout").first).to_contain_text("HTTP 200")
    assert site.arrivals() == 1


def test_what_is_typed_is_text(person: Page, site: Site) -> None:
    """Markup stays what was typed."""
    site.enter(person, "try")
    person.get_by_label("Event").fill('{"event": "<img src=x onerror=alert(1)>", "user_id": "</textarea><b>bold</b>"}')
    person.get_by_role("button", name="Try", exact=True).click()
    expect(person.locator("#result h2")).to_contain_text("<img src=x onerror=alert(1)>")
    assert person.locator("main img, main b").count() == 0


def test_look_publish_and_go_back(person: Page, site: Site) -> None:
    """The draft with a mistake at its line, then what it would change, then it serves; and the way back says what it
    means."""
    site.write(CONTAINER.replace("triggers: [purchase]", "triggers: [purchases]"))
    site.enter(person, "configuration")
    expect(person.get_by_text("cannot be published")).to_be_visible()
    person.get_by_role("link", name=re.compile("container.yaml:")).click()
    expect(person.locator("tr.wrong")).to_contain_text('unknown trigger "purchases"')
    expect(person.get_by_role("button", name="Publish")).to_have_count(0)
    site.write(CONTAINER.replace("greater_than: 100", "greater_than: 50") + f"# api_key: {SECRET}\n")
    person.goto(f"{site.server.address}/-/configuration")
    expect(person.locator(".changes")).to_contain_text("when.value.greater_than: 100 → 50")
    assert SECRET not in person.content()
    person.get_by_label("Note").fill("from <b>50</b> on")
    person.get_by_role("button", name="Publish").click()
    expect(person.get_by_text("The files on disk mean the same as what serves.")).to_be_visible()
    expect(person.locator("table").first).to_contain_text("from <b>50</b> on")
    person.get_by_role("link", name="1", exact=True).click()
    expect(person.get_by_text("until somebody publishes")).to_be_visible()
    person.get_by_role("button", name="Roll back to version 1").click()
    expect(person.get_by_text("rolled back", exact=False).first).to_be_visible()
    assert person.url == f"{site.server.address}/-/configuration"
    person.get_by_role("link", name="2", exact=True).click()
    expect(person.locator("tr.added code")).to_have_text(
        [re.compile("greater_than: 50"), re.compile("# api_key: ••••")]
    )


@pytest.mark.parametrize("path", ["configuration", "configuration/versions/1", "try?example=Purchase"])
def test_a_narrow_screen(browser: Browser, site: Site, path: str) -> None:
    """Nothing is wider than 380 pixels but what can be moved by itself."""
    context = browser.new_context(viewport={"width": 380, "height": 800})
    page = context.new_page()
    site.enter(page, path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    context.close()
