"""A shop that has only a pixel, a consent tool and one line for us, before a whole server and its vendor: what its
visitor allows arrives as a pair that counts once, and without a signal of consent nothing of ours leaves, which the
page's developer is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tagserver.demo.shop import create_shop
from tests.browser.recorder import listening, running
from tests.browser.site import SERVER, Site, a_site, somebody

pytestmark = pytest.mark.browser

CONTAINER = """
destinations: {meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:META_TOKEN}", api_url: VENDOR}}
tags: [{name: Meta, destination: meta, triggers: [all]}]
"""


class Shop:
    """A site with the shop before it."""

    def __init__(self, site: Site, address: str) -> None:
        self.site = site
        self.address = address

    def events(self) -> list[dict[str, Any]]:
        """What the vendor has, each event once."""
        shown = httpx.get(f"{self.site.vendor.address}/stats.json", trust_env=False).json()
        found: list[dict[str, Any]] = shown["events"]
        return found

    def wait(self, done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        until = time.monotonic() + 15
        while not done(found := self.events()):
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found

    def record(self, event_id: str) -> dict[str, Any]:
        """What the server has on record of an event."""
        until = time.monotonic() + 15
        while not (answer := self.site.ask("GET", f"events/{event_id}.json")).is_success:
            assert time.monotonic() < until, answer.text
            time.sleep(0.05)
        (found,) = answer.json()["records"]
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with listening() as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        server = SERVER.replace("https://shop.example", address) + "clients: {pixel: {}}\n"
        with a_site(tmp_path_factory.mktemp("shop"), CONTAINER, server) as site:

            async def stats() -> dict[str, Any]:
                return {"unique": 0, "pairs": 0, "events": []}

            app = create_shop(site.server.address, site.vendor.address, "1234567890", str, stats)
            with running(app, bound):
                yield Shop(site, address)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    with somebody(browser) as page:
        yield page


def test_without_a_signal_nothing_leaves_and_with_one_a_pair_counts_once(shop: Shop, visitor: Page) -> None:
    page, said = visitor, list[str]()
    page.on("console", lambda message: said.append(message.text))

    # No consent tool: the pixel sends what it always sent, and we send nothing.
    page.goto(f"{shop.address}/pixel-only?tool=none")
    page.get_by_role("button", name="Purchase").click()
    (alone,) = [one for one in shop.wait(lambda found: len(found) > 1) if one["event_name"] == "Purchase"]
    record = shop.record(alone["event_id"])
    assert [one["code"] for one in record["problems"]] == ["no_signal"]
    assert [(one["decision"], one["reason"]) for one in record["tags"]] == [("block", "consent")]
    assert any("no signal of consent in this page" in one for one in said)
    assert any('"no_signal"' in one for one in said)

    # A tool, and a visitor who refuses: nothing from either side.
    before = len(shop.events())
    page.goto(f"{shop.address}/pixel-only")
    page.get_by_role("button", name="Refuse all").click()
    page.get_by_role("button", name="Purchase").click()
    page.evaluate("tagserver.flush()")
    page.wait_for_timeout(300)
    assert len(shop.events()) == before

    # He allows it: what the pixel held and what it sends now are pairs, and a copy again counts once.
    page.get_by_role("button", name="Accept all").click()
    expect(page.locator("#choice")).to_contain_text("granted")
    page.get_by_role("button", name="Purchase").click()
    sales = shop.wait(lambda found: sum(one["pair"] for one in found if one["event_name"] == "Purchase") > 0)
    paired = [one for one in sales if one["event_name"] == "Purchase" and one["pair"]]
    assert [one["counts"] for one in paired] == [{"browser": 1, "server": 1}]
    assert paired[0]["event_id"].startswith("purchase_ORD-")
    assert paired[0]["value"] == 35
    # Nothing of ours has come for the purchases before.
    assert all("server" not in one["counts"] for one in shop.events() if not one["pair"])
