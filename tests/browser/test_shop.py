"""The demo's shop page: what it pushes, and how it says what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tagserver.demo.shop import AD_PURPOSES, create_shop
from tagserver.demo.shop import PURPOSES as ALL_PURPOSES
from tests.browser.recorder import Recorder, listening, running

PIXEL = """
window.calls = [];
fbq.callMethod = (...call) => calls.push(call);
for (const call of fbq.queue.splice(0)) fbq(...call);
"""
PURPOSES = list(AD_PURPOSES)


class Server:
    """Answers as the demo's server would."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.arrived: dict[str, dict[str, int]] | None = None

    def page_of(self, path: str) -> str:
        return f"/elsewhere?{urlencode({'next': path})}"

    async def stats(self) -> dict[str, Any]:
        shown = {"unique": len(self.seen), "pairs": len(self.seen), "events": self.seen}
        return shown if self.arrived is None else {**shown, "arrived": self.arrived}


@contextmanager
def served(recorder: Recorder, server: Server, **options: Any) -> Iterator[str]:
    """The shop on a port of its own; the recorder is both the collector and where the pixel comes from."""
    recorder.pixel = PIXEL
    with listening() as bound:
        shop = create_shop(recorder.tags, recorder.tags, "1234567890", server.page_of, server.stats, **options)
        with running(shop, bound):
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def server(recorder: Recorder) -> Iterator[tuple[Server, str]]:
    """The shop with Meta alone."""
    server = Server()
    with served(recorder, server) as address:
        yield server, address


@pytest.mark.browser
def test_a_purchase(page: Page, recorder: Recorder, server: tuple[Server, str]) -> None:
    """Denied: named on the page. Granted: server and pixel have one id, and the page shows the pair."""
    backend, address = server
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address)

    page.get_by_role("button", name="Purchase").click()
    entry = page.locator("#entries > li").first
    expect(entry).to_contain_text("held by the pixel: consent was denied: ad_storage, ad_user_data, ad_personalization")
    expect(entry).to_contain_text("nothing has arrived")

    page.get_by_role("button", name="Grant all").click()
    expect(entry).to_contain_text("sent after consent was granted, with the same event_id")
    page.get_by_role("button", name="Purchase").click()
    expect(page.locator("#entries > li")).to_have_count(2)
    expect(entry.get_by_text("Others", exact=True)).to_be_hidden()

    denied, granted = recorder.events(2)
    order = granted["ecommerce"]["transaction_id"]
    assert granted["event_id"] == f"purchase_{order}"
    assert order.startswith("ORD-")
    assert denied["ecommerce"]["transaction_id"] != order
    assert granted["user_data"] == {"email": "erika@example.com"}
    assert (granted["ecommerce"]["value"], granted["ecommerce"]["currency"]) == (59.9, "EUR")
    link = entry.get_by_role("link", name="What the server did with it, and why")
    expect(link).to_have_attribute("href", f"/see/{granted['event_id']}")
    calls = page.evaluate("calls")
    assert calls[:2] == [["consent", "revoke"], ["init", "1234567890"]]
    assert ["consent", "grant"] in calls
    assert calls[-1] == ["track", "Purchase", {"value": 59.9, "currency": "EUR"}, {"eventID": granted["event_id"]}]

    backend.seen.append({"event_id": granted["event_id"], "counts": {"browser": 1, "server": 1}})
    expect(entry).to_contain_text("a pair under one event_id: counted once")
    expect(page.locator("#pairs")).to_have_text("1")
    assert errors == []


@pytest.mark.browser
def test_every_other_destination(page: Page, recorder: Recorder) -> None:
    """A switch for measurement, which the pixel does not wait for; and where each event has arrived."""
    backend = Server()
    backend.arrived = {}
    with served(recorder, backend, purposes=ALL_PURPOSES) as address:
        page.goto(address)
        for name in PURPOSES:
            page.get_by_role("switch", name=name).check()
        page.get_by_role("button", name="View item").click()
        entry = page.locator("#entries > li").first
        expect(entry).to_contain_text("sent, with the same event_id")
        others = entry.locator("[data-slot=others]")
        expect(others).to_have_text("…nothing has arrived yet")
        page.get_by_role("switch", name="analytics_storage").check()
        page.get_by_role("button", name="Purchase").click()
        seen, bought = recorder.events(2)
        assert "client_id" not in seen
        assert bought["client_id"] == "123456789.1700000000"
        assert bought["consent"]["update"] == dict.fromkeys(ALL_PURPOSES, "granted")
        backend.arrived = {bought["event_id"]: {"tiktok": 1, "ga4": 2}}
        expect(others.first).to_contain_text("arrived at 2 more: ga4, tiktok")
        expect(others.first).to_contain_text("more than once: ga4")


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 400, 1200])
def test_layout(page: Page, server: tuple[Server, str], width: int) -> None:
    """Nothing sticks out sideways, and everything to be pressed is 44 px high."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(server[1])
    page.get_by_role("switch", name="ad_user_data").check()
    page.get_by_role("button", name="Purchase").click()
    expect(page.locator("#entries summary").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    heights = page.evaluate(
        """[...document.querySelectorAll('button, summary, label, .see')]
            .map((one) => one.getBoundingClientRect().height).filter((height) => height > 0)"""
    )
    assert min(heights) >= 44


@pytest.mark.browser
def test_without_the_client(page: Page, recorder: Recorder, server: tuple[Server, str]) -> None:
    """A blocked t.js is said, instead of buttons that do nothing."""
    page.route("**/t.js", lambda route: route.abort())
    page.goto(server[1])
    expect(page.get_by_role("status")).to_contain_text("t.js did not load")
    expect(page.get_by_role("button", name="Purchase")).to_be_disabled()


def test_contrast() -> None:
    """Every colour of text reaches 4.5:1 on both backgrounds, light and dark (WCAG 2, 1.4.3)."""
    sheet = files("tagserver.demo").joinpath("shop.css").read_text()
    palette = {name: (light, dark) for name, light, dark in re.findall(r"--(\w+): light-dark\(#(\w+), #(\w+)\)", sheet)}
    for mode in (0, 1):
        for text in ("text", "muted", "link", "good", "warn", "bad"):
            for background in ("page", "panel"):
                pair = palette[text][mode], palette[background][mode]
                lighter, darker = sorted(map(_luminance, pair), reverse=True)
                assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, background, mode)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/see", "/-/preview"),
        ("/see/purchase_ORD-1", "/-/events/purchase_ORD-1"),
        ("/see/a/b%3Fc", "/-/events/a%2Fb%3Fc"),
    ],
)
def test_the_way_to_what_the_server_did(server: tuple[Server, str], asked: str, leads_to: str) -> None:
    """By way of a login link, which the server makes anew each time."""
    with httpx.Client(base_url=server[1], trust_env=False) as http:
        answer = http.get(asked)
        assert answer.status_code == 303
        assert parse_qs(urlsplit(answer.headers["location"]).query) == {"next": [leads_to]}


def test_the_page_may_talk_to_its_servers_alone(server: tuple[Server, str], recorder: Recorder) -> None:
    with httpx.Client(base_url=server[1], trust_env=False) as http:
        assert http.get("/demo/sandbox.json").json()["unique"] == 0
        policy = http.get("/").headers["content-security-policy"]
    assert f"script-src 'self' {recorder.tags}" in policy
    assert "unsafe" not in policy
