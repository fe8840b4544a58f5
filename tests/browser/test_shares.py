"""A share link, in a real browser that has never seen this server: it opens, looks as it should, and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.site import GRANTED, Site, a_site, somebody

pytestmark = pytest.mark.browser

CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:META_TOKEN}", api_url: VENDOR}
triggers:
  purchase: {event: purchase}
  thanks: {event: purchase, when: {page.path: /thanks}}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
  - {name: Meta thanks, destination: meta, triggers: [thanks], event_name: Thanks}
"""
EVIL = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"


PURCHASES = [
    {
        "event": "purchase",
        "event_id": f"purchase_T-{number}",
        "user_data": {"email": "erika.sentinel@example.com"},
        "ecommerce": {"transaction_id": f"T-{number}", "value": 59.9, "currency": "EUR"},
        "page": {"location": f"https://shop.example/{path}"},
        "coupon": EVIL,
        EVIL: EVIL,
        "consent": GRANTED,
    }
    for number, path in ((1, "thanks"), (2, "thank-you"))
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With two purchases on record, one after the other."""
    with a_site(tmp_path_factory.mktemp("site"), CONTAINER) as site:
        for purchase in PURCHASES:
            site.record(purchase)
        yield site


def share(site: Site, name: str) -> dict[str, Any]:
    """A link to an event."""
    made: dict[str, Any] = site.ask("POST", f"events/{name}/share", {}).json()
    return made


@pytest.fixture(params=["with JavaScript", "without"])
def stranger(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with somebody(browser, java_script_enabled=request.param == "with JavaScript", accept_downloads=True) as page:
        yield page


def test_a_link_opens_in_a_fresh_browser(stranger: Page, site: Site, tmp_path: Path) -> None:
    """With its style, nothing personal and nothing that runs; and so does the file that it can be saved as."""
    made = share(site, "purchase_T-1")
    requests: list[str] = []
    stranger.on("request", lambda request: requests.append(request.url))
    stranger.goto(made["address"])
    expect(stranger.get_by_role("heading", name="purchase", exact=True)).to_be_visible()
    card = stranger.locator("li.tag", has_text="Meta thanks")
    expect(card).to_contain_text("Sent, and the vendor has it.")
    expect(stranger.get_by_text("59.90 EUR")).to_be_visible()
    assert stranger.locator("main").evaluate("one => getComputedStyle(one).maxWidth") == "1152px"
    assert "erika.sentinel" not in stranger.content()
    assert stranger.title() == "purchase · shared event"
    assert stranger.context.cookies() == []
    assert {url.partition("/-/")[2] for url in requests if url.startswith(site.server.address)} <= {
        f"s/{made['id']}",
        "",
    }
    with stranger.expect_download() as saving:
        stranger.get_by_role("link", name="Save it as a file").click()
    saved = tmp_path / "event.html"
    saving.value.save_as(saved)
    stranger.goto(saved.as_uri())
    expect(stranger.locator("li.tag", has_text="Meta thanks")).to_be_visible()
    assert stranger.locator("main").evaluate("one => getComputedStyle(one).maxWidth") == "1152px"
    assert stranger.locator("a[href]").count() == 0


def test_a_link_is_revoked_on_the_page_of_all(stranger: Page, site: Site) -> None:
    made = share(site, "purchase_T-2")
    site.enter(stranger, "shares")
    card = stranger.locator(f"#share-{made['id']}")
    expect(card.get_by_label("Link")).to_have_value(made["address"])
    card.get_by_role("button", name="Revoke").click()
    expect(card).to_have_count(0)
    stranger.goto(made["address"])
    expect(stranger.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_two_events_side_by_side(stranger: Page, site: Site) -> None:
    """Asked by the form; the tag that decided differently comes first, with both values."""
    site.enter(stranger, "compare")
    stranger.get_by_label("First event").fill("purchase_T-1")
    stranger.get_by_label("Second event").fill("purchase_T-2")
    stranger.get_by_role("button", name="Compare").click()
    section = stranger.locator("section.card").first
    expect(section).to_contain_text("Meta thanks")
    expect(section).to_contain_text("not fired")
    expect(section.get_by_role("row", name="page.path")).to_contain_text("/thank-you")


def test_the_page_of_an_event_shares_and_copies_it(stranger: Page, site: Site) -> None:
    """By forms and by details, which need no JavaScript; with it, a button copies the text."""
    site.enter(stranger, "events/purchase_T-1")
    stranger.get_by_text("Copy as test", exact=True).click()
    case = stranger.get_by_label("The case")
    assert "    send: [Meta purchase, Meta thanks]\n" in case.input_value()
    stranger.get_by_text("Copy as curl", exact=True).click()
    assert "Origin: https://shop.example" in stranger.get_by_label("The command").input_value()
    if copy := stranger.get_by_role("button", name="Copy").all():
        copy[0].click()
        expect(stranger.get_by_role("status").first).to_have_text(re.compile("Copied|Selected"))
    stranger.get_by_label("The other event").fill("record:2")
    stranger.get_by_role("button", name="Compare").click()
    expect(stranger.locator("section.card").first).to_contain_text("Meta thanks")
    stranger.go_back()
    stranger.get_by_label("For how many days").fill("3")
    stranger.get_by_role("button", name="Share").click()
    expect(stranger.get_by_role("heading", name="Shared events")).to_be_visible()
    stranger.get_by_role("link", name="Open the snapshot of purchase_T-1").first.click()
    expect(stranger.get_by_text("A snapshot of")).to_be_visible()
