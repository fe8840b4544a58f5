"""When and how often `t.js` sends: on leaving, again, offline, in batches."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import Recorder, warnings

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", ["purchase", "view_item"])
def test_redirect_right_after_the_push(page: Page, recorder: Recorder, name: str) -> None:
    """The page leaves for another site in the same breath."""
    address = recorder.page()
    recorder.pages["/gone"] = "<title>Gone</title>"
    page.goto(address)
    page.evaluate(
        "([name, to]) => { dataLayer.push({event: name}); location.href = to; }", [name, f"{recorder.tags}/gone"]
    )
    page.wait_for_url("**/gone")
    assert recorder.events(1)[0]["event"] == name


def test_closing_the_page(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page())
    page.evaluate("void dataLayer.push({event: 'view_item'})")
    page.close(run_before_unload=True)
    assert len(recorder.events(1)) == 1


def test_hidden_and_pagehide_send_once(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(after="dataLayer.push({event: 'a'})"))
    page.evaluate(
        """() => {
          Object.defineProperty(document, 'visibilityState', {value: 'hidden'});
          dispatchEvent(new PageTransitionEvent('pagehide'));
          document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    page.evaluate("tagserver.track('purchase')")
    assert [event["event"] for event in recorder.events(2)] == ["a", "purchase"]


@pytest.mark.parametrize("status", [503, 429, 500])
def test_retry(page: Page, recorder: Recorder, status: int) -> None:
    """Once more, the same events, no earlier than the server wishes."""
    recorder.answers = [(status, {"retry-after": "1"})]
    page.goto(recorder.page(after="dataLayer.push({event: 'purchase', transaction_id: 'T'})"))
    recorder.events(1)
    first, second = recorder.posts
    assert 1.0 <= second.at - first.at < 2.5
    assert first.events == second.events
    assert second.body["sent"] > first.body["sent"]


def test_offline(page: Page, recorder: Recorder) -> None:
    """What fails without a network goes out when it is back."""
    page.goto(recorder.page())
    page.context.set_offline(True)
    for n in range(2):
        with page.expect_event("requestfailed"):
            page.evaluate("(n) => void dataLayer.push({event: 'purchase', n})", n)
    assert recorder.taken == []
    page.context.set_offline(False)
    assert sorted(event["n"] for event in recorder.events(2)) == [0, 1]


@pytest.mark.parametrize("settings", ["", "data-debug"])
def test_refused_events_are_dropped_with_a_warning(page: Page, recorder: Recorder, settings: str) -> None:
    """One warning a page, without what the server said; with data-debug each, and with it."""
    heard = warnings(page)
    recorder.answers = [(400, {}), (400, {})]
    page.goto(recorder.page(settings=settings))
    for n in range(3):
        with page.expect_event("requestfinished"):
            page.evaluate("(n) => void dataLayer.push({event: 'purchase', n})", n)
    assert recorder.events(1)[0]["n"] == 2
    assert sum("HTTP 400" in text for text in heard) == (2 if settings else 1)
    assert any("not today" in text for text in heard) == bool(settings)


def test_full_batches_leave_at_once(page: Page, recorder: Recorder) -> None:
    """20 events make a request, and so do 48 KB; a request never weighs more."""
    page.goto(recorder.page())
    page.evaluate("for (let n = 0; n < 45; n++) dataLayer.push({event: 'a', n})")
    assert sorted(event["n"] for event in recorder.events(45)) == list(range(45))
    assert sorted(len(post.events) for post in recorder.posts) == [5, 20, 20]
    recorder.posts.clear()
    page.evaluate("for (let n = 0; n < 12; n++) dataLayer.push({event: 'a', n, text: 'ü'.repeat(5000)})")
    recorder.events(12)
    assert all(int(post.headers["content-length"]) < 50 << 10 for post in recorder.posts)
    assert len(recorder.posts) == 3


def test_more_than_the_keepalive_budget(page: Page, recorder: Recorder) -> None:
    """Browsers refuse keepalive bodies past 64 KiB in flight; beyond our account requests go without."""
    page.goto(recorder.page())
    page.evaluate("for (let n = 0; n < 8; n++) dataLayer.push({event: 'purchase', n, text: 'x'.repeat(30000)})")
    recorder.events(8)
    assert len(recorder.posts) == 8
