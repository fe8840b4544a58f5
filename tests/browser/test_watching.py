"""Somebody at Preview in a real browser before a real server: events appear as they come, nothing that is being read
moves, and the newcomer's two questions are answered in three clicks. Without JavaScript, too."""

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
  thank-you page: {event: purchase, when: {page.path: "/thank-you"}}
tags:
  - {name: Meta purchase, destination: meta, triggers: [purchase]}
  - {name: Meta thank-you, destination: meta, triggers: [thank-you page]}
"""
SCREEN = {"width": 1200, "height": 800}
EVIL = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


def purchase(number: int, **fields: Any) -> dict[str, Any]:
    """An order that Meta takes."""
    return {
        "event": "purchase",
        "event_id": f"purchase_T-{number}",
        "page": {"location": "https://shop.example/thanks"},
        "user_data": {"email": "erika@example.com"},
        "ecommerce": {"transaction_id": f"T-{number}", "value": 59.9, "currency": "EUR"},
        "consent": GRANTED,
    } | fields


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path, CONTAINER) as site:
        yield site


@pytest.fixture
def person(browser: Browser) -> Iterator[Page]:
    with somebody(browser, viewport=SCREEN) as page:
        yield page


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """Without JavaScript."""
    with somebody(browser, viewport=SCREEN, java_script_enabled=False) as page:
        yield page


def live(page: Page) -> None:
    """Wait until the page hears of what comes, with the mouse beside the list."""
    expect(page.locator("#state")).to_have_text(re.compile("live"))
    page.mouse.move(5, 5)


def test_a_purchase_appears_with_its_decisions_and_what_came_of_them(person: Page, site: Site) -> None:
    site.enter(person, "preview")
    expect(person.get_by_text("No event yet")).to_be_visible()
    live(person)
    person.evaluate("() => { window.began = true; }")
    site.collect(purchase(1))
    row = person.locator(".event")
    expect(row).to_contain_text("T-1, 59.90 EUR")
    expect(row).to_contain_text("1 delivered")
    expect(row).to_contain_text("1 not fired")
    assert person.evaluate("() => window.began"), "it came to the page that was there, which was not loaded anew"
    expect(person.get_by_text("No event yet")).to_have_count(0)
    site.collect(purchase(1))
    expect(row.first).to_contain_text("duplicate")
    site.collect(purchase(2), origin="https://other.example")
    expect(row.first).to_contain_text("may not post here")
    said = row.all_inner_texts()
    person.reload()
    assert row.all_inner_texts() == said, "the module says it in the words of the server"


def test_the_newcomer_s_questions_are_answered_in_three_clicks(person: Page, site: Site) -> None:
    """Why did my tag not fire, and what did the vendor say? From Home on, without typing."""
    site.refuse("purchase_T-1")
    site.collect(purchase(1))
    site.enter(person, "")
    person.get_by_role("navigation", name="Pages").get_by_role("link", name="Preview").click()
    live(person)
    person.locator(".event a").first.click()
    story = person.locator("#detail")
    expect(story.get_by_text('Not sent: the condition page.path equals "/thank-you" does not hold')).to_be_visible()
    expect(story.get_by_text('it is "/thanks"')).to_be_visible()
    expect(story.locator("q.said").first).to_contain_text("this event_id was armed as bad")
    expect(person).to_have_url(re.compile("show=record%3A1"))


def test_what_is_being_read_does_not_move(person: Page, site: Site) -> None:
    site.collect(*(purchase(number) for number in range(1, 31)))
    site.enter(person, "preview")
    live(person)
    expect(person.locator(".event")).to_have_count(30)
    person.locator("#list").evaluate("(list) => { list.scrollTop = 300; }")
    watched = person.locator(".event").nth(10)
    before = watched.bounding_box()
    site.collect(*(purchase(number) for number in range(31, 38)))
    expect(person.get_by_role("button", name="Show 7 new")).to_be_visible()
    expect(person.locator("#counter")).to_have_text("7 new")
    assert watched.bounding_box() == before
    expect(person.locator(".event")).to_have_count(30)
    person.get_by_role("button", name="Show 7 new").click()
    expect(person.locator(".event")).to_have_count(37)
    expect(person.locator(".event").first).to_contain_text("T-37")
    expect(person.locator(".event a").first).to_be_focused()


def test_the_keyboard_is_enough(person: Page, site: Site) -> None:
    site.collect(purchase(1), purchase(2))
    site.enter(person, "preview")
    live(person)
    person.keyboard.press("j")
    person.keyboard.press("j")
    expect(person.locator(".event a").nth(1)).to_be_focused()
    person.keyboard.press("k")
    person.keyboard.press("Enter")
    expect(person.locator("#detail")).to_contain_text("purchase_T-2")
    person.keyboard.press("p")
    expect(person.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    site.collect(purchase(3))
    expect(person.get_by_role("button", name="Show 1 new")).to_be_visible()
    expect(person.locator(".event")).to_have_count(2)
    person.keyboard.press("/")
    expect(person.get_by_label("Find an event, an order or a person")).to_be_focused()
    person.keyboard.type("jjp")
    expect(person.get_by_label("Find an event, an order or a person")).to_have_value("jjp")
    person.keyboard.press("Escape")
    person.go_back()
    expect(person.locator("#detail")).to_contain_text("Choose an event")


def test_a_search_for_a_person_leaves_no_trace_in_the_address(person: Page, site: Site) -> None:
    site.collect(purchase(1), purchase(2, user_data={"email": "max@example.com"}))
    site.enter(person, "preview")
    live(person)
    person.get_by_text("Filter and search").click()
    person.get_by_label("Find an event, an order or a person").fill("max@example.com")
    person.get_by_role("button", name="Find").click()
    expect(person.locator(".event")).to_have_count(1)
    expect(person.locator(".event")).to_contain_text("T-2")
    assert "max" not in person.url
    live(person)
    site.collect(purchase(3), purchase(4, user_data={"email": "max@example.com"}))
    expect(person.locator(".event")).to_have_count(2)
    expect(person.locator(".event").first).to_contain_text("T-4")


def test_markup_of_strangers_does_nothing(person: Page, site: Site) -> None:
    """In what the page was made with, in what comes live, and in the story."""
    evil = {
        "event": EVIL,
        "event_id": EVIL,
        "page": {"location": f"https://shop.example/{EVIL}"},
        "ecommerce": {"transaction_id": EVIL, "currency": EVIL},
        "consent": GRANTED,
    }
    site.collect(evil)
    site.enter(person, "preview")
    live(person)
    expect(person.locator(".event")).to_have_count(1)
    site.collect(evil | {"event_id": f"{EVIL}2", EVIL: EVIL})
    expect(person.locator(".event")).to_have_count(2)
    person.locator(".event a").first.click()
    expect(person.locator("#detail .story")).to_be_visible()
    assert person.locator("main img, main script").count() == 0
    expect(person).to_have_title("Preview · tagserver")


def test_a_page_that_is_hidden_listens_no_more_and_goes_on_afterwards(person: Page, site: Site) -> None:
    site.enter(person, "preview")
    live(person)
    person.evaluate("""() => {
      Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true});
      window.away = true;
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    site.collect(purchase(1), purchase(2))
    person.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }")
    expect(person.locator(".event")).to_have_count(2)
    expect(person.locator(".event").first).to_contain_text("1 delivered")


def test_whoever_is_logged_out_is_told(person: Page, site: Site) -> None:
    site.enter(person, "preview")
    live(person)
    person.context.clear_cookies()
    person.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(person.get_by_text("You are not logged in any more.")).to_be_visible()
    expect(person.get_by_role("link", name="Log in")).to_be_visible()


def test_a_server_that_ends_and_comes_back_is_followed(person: Page, site: Site) -> None:
    site.enter(person, "preview")
    live(person)
    site.server.kill()
    expect(person.locator("#state")).to_have_text(re.compile("connecting|not live"))


def test_all_of_it_works_without_javascript(plain: Page, site: Site) -> None:
    site.collect(purchase(1))
    site.enter(plain, "preview")
    plain.get_by_role("link", name="Reload").click()
    plain.locator(".event a").first.click()
    expect(plain.locator("#detail")).to_contain_text("purchase_T-1")
    expect(plain.locator("#detail")).to_contain_text('page.path equals "/thank-you" does not hold')
    plain.get_by_role("link", name="Not fired", exact=True).click()
    expect(plain.get_by_text("No event is like that")).to_be_visible()
    plain.get_by_role("link", name="Show all of them").click()
    expect(plain.locator(".event")).to_have_count(1)
    expect(plain.get_by_role("button", name="Pause")).to_have_count(0)
