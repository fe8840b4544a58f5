"""`data-keep`: what could not be posted outlives its page, within limits, where the visitor allows storage."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import GRANTED, Recorder

pytestmark = pytest.mark.browser
HOUR = 3_600_000
LATER = "{ const now = Date.now; Date.now = () => now() + 31000; }"
"""A clock by which nothing is in flight any more."""
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', {value: undefined});"
ADS = {"ad_storage": "granted"}
PUSH = "dataLayer.push({event: 'purchase', transaction_id: 'T'});"


def update(said: dict[str, str]) -> str:
    return f"gtag('consent', 'update', {json.dumps(said)});"


def default(said: dict[str, Any]) -> str:
    return f"gtag('consent', 'default', {json.dumps(said)});"


def opened(page: Page, recorder: Recorder, before: str = update(GRANTED), settings: str = "") -> None:
    """A page that keeps, as soon as it can."""
    page.goto(recorder.page(settings=f"data-keep {settings}", before=before))
    page.wait_for_function("tagserver._.extra.keep.length === 2")


def kept(page: Page) -> dict[str, Any]:
    """What is kept, by the names of its events."""
    entries = page.evaluate(
        "Object.keys(localStorage).filter((name) => name.startsWith('ts_keep.')).map((name) => localStorage[name])"
    )
    found = [json.loads(entry) for entry in entries]
    return {json.loads("{" + entry["batch"])["events"][0]["event_id"]: entry for entry in found}


def refused(page: Page, recorder: Recorder, push: str = PUSH, status: int = 503) -> None:
    """It is pushed, and the server does not take it, nor wants to be asked again soon."""
    recorder.answers = [(status, {"retry-after": "60"})]
    with page.expect_response("**/collect") as answered:
        page.evaluate(f"() => {{ {push} }}")
    answered.value.finished()


def batch(event_id: str, text: str = "") -> str:
    return f'"ctx":{{"page":{{"location":"https://a/"}}}},"events":[{{"event":"a","event_id":"{event_id}","t":"{text}"}}]}}'


# ── from one page to the next ────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_closed_page_could_not_send_the_next_one_sends(page: Page, recorder: Recorder) -> None:
    """Without a network, with its id and its page; once, and nothing is left."""
    context = page.context
    context.new_page()  # a browser without any page is closed
    opened(page, recorder)
    address = page.url
    context.set_offline(True)
    with page.expect_event("requestfailed"):
        page.evaluate(f"() => {{ {PUSH} }}")
    page.wait_for_function("Object.keys(localStorage).length === 1")
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    context.set_offline(False)
    other = context.new_page()
    other.add_init_script(LATER)
    opened(other, recorder)
    (event,) = recorder.events(1)
    assert event["event_id"] == "purchase_T"
    assert recorder.posts[0].body["ctx"]["page"]["location"] == address
    other.wait_for_function("Object.keys(localStorage).length === 0")


def test_what_may_have_arrived_waits(page: Page, recorder: Recorder) -> None:
    """It was being sent when its page went away."""
    recorder.pages["/gone"] = "<title>Gone</title>"
    opened(page, recorder)
    recorder.delay = 1
    page.evaluate(f"() => {{ {PUSH} location.href = '{recorder.shop}/gone' }}")
    page.wait_for_url("**/gone")
    assert list(kept(page)) == ["purchase_T"]
    recorder.events(1)
    recorder.delay = 0
    opened(page, recorder)
    page.wait_for_timeout(300)
    assert len(recorder.posts) == 1
    page.add_init_script(LATER)
    opened(page, recorder)
    assert [event["event_id"] for event in recorder.events(2)] == ["purchase_T"] * 2


@pytest.mark.parametrize("before", ["", NO_LOCKS], ids=["locks", "no locks"])
def test_no_tab_sends_what_another_one_has(page: Page, recorder: Recorder, before: str) -> None:
    """As long as that lives."""
    page.context.add_init_script(before)
    opened(page, recorder)
    refused(page, recorder)
    page.wait_for_function("Object.keys(localStorage).length === 1")
    other = page.context.new_page()
    if not before:
        other.add_init_script(LATER)
    opened(other, recorder)
    other.evaluate("dispatchEvent(new Event('online'))")
    other.wait_for_timeout(600)
    assert len(recorder.posts) == 1
    recorder.answers = [(503, {})]  # it tries once more
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    recorder.wait(lambda: len(recorder.posts) == 2, "its last word")
    third = page.context.new_page()
    third.add_init_script(LATER)
    opened(third, recorder)
    third.evaluate("dispatchEvent(new Event('online'))")
    other.evaluate("dispatchEvent(new Event('online'))")
    recorder.events(1)
    third.wait_for_timeout(700)
    assert len(recorder.taken) == 1


def test_a_page_that_is_left_has_no_lock(page: Page, recorder: Recorder) -> None:
    """It may come back out of the browser's cache, and would not get there with one."""
    held = "async () => (await navigator.locks.query()).held.length"
    opened(page, recorder)
    recorder.wait(lambda: page.evaluate(held) == 1, "its lock")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    recorder.wait(lambda: page.evaluate(held) == 0, "the end of it")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    recorder.wait(lambda: page.evaluate(held) == 1, "another one")


def test_what_is_answered_is_not_kept(page: Page, recorder: Recorder) -> None:
    """Also not what the server will never take."""
    opened(page, recorder)
    page.evaluate(f"() => {{ {PUSH} }}")
    recorder.events(1)
    refused(page, recorder, status=400)
    page.wait_for_function("Object.keys(localStorage).length === 0")


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_too_old_or_was_never_ours(page: Page, recorder: Recorder) -> None:
    """24 hours by a clock that may have been set meanwhile; 30 seconds of being sent; anything else in its place."""
    table: dict[str, tuple[int, int]] = {
        "an hour": (-HOUR, 0),
        "a day less": (-23 * HOUR, -31_000),
        "more than a day": (-25 * HOUR, 0),
        "being sent": (-HOUR, -5_000),
        "of a clock ahead": (2 * HOUR, 2 * HOUR),
        "of a clock far ahead": (25 * HOUR, 25 * HOUR),
    }
    odd = ["", "[]", "null", '{"at": "x", "mark": 0, "events": 1, "batch": "x"}', '{"at": 1, "mark": 0, "batch": 7}']
    recorder.pages["/seed"] = "<title>Seed</title>"
    page.goto(f"{recorder.shop}/seed")
    page.evaluate(
        """([table, odd]) => {
          table.forEach(([at, mark, batch], n) => {
            const kept = {at: Date.now() + at, mark: mark && Date.now() + mark, events: 1, batch};
            localStorage['ts_keep.tab' + n + '.1'] = JSON.stringify(kept);
          });
          odd.forEach((text, n) => { localStorage['ts_keep.odd' + n + '.1'] = text; });
          localStorage.other = 'stays';
        }""",
        [[[at, mark, batch(name)] for name, (at, mark) in table.items()], odd],
    )
    opened(page, recorder)
    sent = {event["event_id"] for event in recorder.events(3)}
    assert sent == {"an hour", "a day less", "of a clock ahead"}
    page.wait_for_function("Object.keys(localStorage).length === 2")
    assert list(kept(page)) == ["being sent"]
    assert page.evaluate("localStorage.other") == "stays"


@pytest.mark.parametrize(
    ("others", "left"),
    [([(199, 10)], 2), ([(200, 10)], 1), ([(100, 10)] * 3, 2), ([(1, 200_000)], 2), ([(1, 140_000)] * 3, 2)],
)
def test_the_oldest_make_room(page: Page, recorder: Recorder, others: list[tuple[int, int]], left: int) -> None:
    opened(page, recorder)
    page.evaluate(
        """(others) => others.forEach(([events, batch], n) => {
          const kept = {at: Date.now() - 1000 * n, mark: Date.now(), events, batch};
          localStorage['ts_keep.tab' + n + '.1'] = JSON.stringify(kept);
        })""",
        [[events, batch(f"e{n}", "x" * size)] for n, (events, size) in enumerate(others)],
    )
    refused(page, recorder)
    recorder.wait(lambda: "purchase_T" in kept(page), "what was refused")
    assert set(kept(page)) == {"purchase_T", *(f"e{n}" for n in range(left - 1))}


def test_where_the_page_has_filled_its_storage(page: Page, recorder: Recorder) -> None:
    """The oldest goes; where that is not enough, nothing is kept, and everything else goes on."""
    opened(page, recorder)
    page.evaluate(
        """(batch) => {
          const kept = {at: Date.now(), mark: Date.now(), events: 1, batch};
          localStorage['ts_keep.tab.1'] = JSON.stringify(kept);
          window.fill = () => {
            for (let size = 1 << 22; size >= 1; size >>= 1) {
              try { for (;;) localStorage['full' + Math.random()] = 'x'.repeat(size); } catch (error) {}
            }
          };
          fill();
        }""",
        batch("old", "x" * 5000),
    )
    refused(page, recorder)
    recorder.wait(lambda: list(kept(page)) == ["purchase_T"], "the newer one in the place of the older")
    page.evaluate("dispatchEvent(new Event('online'))")
    recorder.events(1)
    page.wait_for_function("!Object.keys(localStorage).some((name) => name.startsWith('ts_keep.'))")
    page.evaluate("fill()")
    refused(page, recorder, "dataLayer.push({event: 'purchase', text: 'x'.repeat(9000)});")
    assert kept(page) == {}


# ── where it must not be ─────────────────────────────────────────────────────────────────────────────────────────────

TCF = """window.__tcfapi = (command, version, call) => call(
    {gdprApplies: true, eventStatus: 'tcloaded', tcString: 'C', purpose: {consents: {1: GRANTED, 7: true}}}, true);
"""
OWN = "dataLayer.push({event: 'purchase', transaction_id: 'T', consent: CONSENT});"


@pytest.mark.parametrize(
    ("before", "push", "keeps"),
    [
        ("", PUSH, False),
        (update(ADS), PUSH, True),
        (update({"analytics_storage": "granted"}), PUSH, True),
        (update({"ad_user_data": "granted"}), PUSH, False),
        (update({"ad_storage": "denied", "analytics_storage": "denied"}), PUSH, False),
        (default(ADS), PUSH, True),
        (default(ADS) + default({"ad_storage": "denied", "region": ["DE"]}), PUSH, False),
        (default(ADS) + update({"ad_storage": "denied"}), PUSH, False),
        (TCF.replace("GRANTED", "true"), PUSH, True),
        (TCF.replace("GRANTED", "false"), PUSH, False),
        (TCF.replace("GRANTED", "false") + update(ADS), PUSH, False),
        (update(ADS), OWN.replace("CONSENT", "{ad_storage: 'denied'}"), False),
        (update(ADS), OWN.replace("CONSENT", "{update: {ad_storage: 'denied'}}"), False),
        (update(ADS), OWN.replace("CONSENT", "{ad_user_data: 'granted'}"), False),
        (update(ADS), OWN.replace("CONSENT", "'denied'"), False),
        (update(ADS), OWN.replace("CONSENT", "{ad_storage: 'granted'}"), True),
        ("", OWN.replace("CONSENT", "{ad_storage: 'granted'}"), False),
    ],
)
def test_only_where_the_visitor_allows_storage(
    page: Page, recorder: Recorder, before: str, push: str, keeps: bool
) -> None:
    opened(page, recorder, before)
    refused(page, recorder, push)
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
    assert list(kept(page)) == (["purchase_T"] if keeps else [])


def test_a_choice_against_it_removes_everything(page: Page, recorder: Recorder) -> None:
    """Of all tabs. A default is none: it stands on each page before the choice that was made long ago."""
    opened(page, recorder)
    page.evaluate(f"localStorage['ts_keep.tab.1'] = JSON.stringify({json.dumps(entry())})")
    refused(page, recorder)
    recorder.wait(lambda: len(kept(page)) == 2, "both")
    recorder.answers = [(503, {})]
    page.goto(f"{recorder.shop}/gone")
    recorder.wait(lambda: len(recorder.posts) == 2, "the last try")
    page.add_init_script(LATER)
    opened(page, recorder, default({"ad_storage": "denied", "analytics_storage": "denied"}))
    page.wait_for_timeout(600)
    assert recorder.taken == []
    assert set(kept(page)) == {"purchase_T", "e"}
    page.evaluate(f"() => {{ {update({'ad_storage': 'denied', 'analytics_storage': 'denied'})} }}")
    recorder.wait(lambda: not kept(page), "nothing that is kept")
    page.evaluate(f"() => {{ {update(GRANTED)} }}")
    page.wait_for_timeout(600)
    assert "purchase" not in [event["event"] for event in recorder.taken]


def test_what_was_granted_and_is_refused_by_now_is_not_sent(page: Page, recorder: Recorder) -> None:
    """Storage is allowed still; the event would take its old grant along."""
    granted = batch("then").replace('"event_id"', '"consent":{"update":{"ad_storage":"granted"}},"event_id"')
    assert "consent" in granted
    page.add_init_script(
        f"localStorage['ts_keep.tab.1'] = JSON.stringify({json.dumps(entry() | {'batch': granted})});"
        f"localStorage['ts_keep.tab.2'] = JSON.stringify({json.dumps(entry())})"
    )
    opened(page, recorder, update({"ad_storage": "denied", "analytics_storage": "granted"}))
    recorder.wait(lambda: "e" in [event["event_id"] for event in recorder.taken], "the other one")
    page.wait_for_timeout(300)
    assert "then" not in [event["event_id"] for event in recorder.taken]
    assert "then" not in kept(page)


def test_a_choice_for_it_has_what_waits_kept_and_sent(page: Page, recorder: Recorder) -> None:
    opened(page, recorder, "")
    page.evaluate(f"localStorage['ts_keep.tab.1'] = JSON.stringify({json.dumps(entry())})")
    refused(page, recorder, PUSH)
    assert list(kept(page)) == ["e"]
    page.evaluate(f"() => {{ {update(GRANTED)} }}")
    recorder.wait(lambda: set(kept(page)) == {"e", "purchase_T"}, "both")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert {event["event_id"] for event in recorder.events(2)} == {"e", "purchase_T"}


def entry() -> dict[str, Any]:
    return {"at": round(time.time() * 1000), "mark": 0, "events": 1, "batch": batch("e")}


@pytest.mark.parametrize(
    "blocked",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }});",
        "Object.defineProperty(window, 'localStorage', {value: null});",
        "Storage.prototype.setItem = () => { throw new DOMException('no', 'QuotaExceededError'); };",
        "Object.defineProperty(Navigator.prototype, 'locks', {value: {request: () => Promise.reject(Error('no'))}});",
    ],
    ids=["blocked", "none", "full", "locks"],
)
def test_where_there_is_no_storage_events_go_on(page: Page, recorder: Recorder, blocked: str) -> None:
    page.add_init_script(blocked)
    page.goto(recorder.page(settings="data-keep", before=update(GRANTED), after=PUSH))
    recorder.events(1)
    recorder.wait(lambda: "keep" in recorder.scripts, "the file")
    page.wait_for_load_state("networkidle")
    page.evaluate("void dataLayer.push({event: 'purchase'})")
    recorder.events(2)


def test_a_preview_keeps_nothing_and_takes_nothing(page: Page, recorder: Recorder) -> None:
    recorder.pages["/seed"] = "<title>Seed</title>"
    page.goto(f"{recorder.shop}/seed")
    page.evaluate(f"localStorage['ts_keep.tab.1'] = JSON.stringify({json.dumps(entry())})")
    recorder.answers = [(503, {"retry-after": "60"})]
    with page.expect_response("**/collect"):
        page.goto(recorder.page(settings="data-keep", before=update(GRANTED), after=PUSH) + "?ts_preview=g")
    page.wait_for_load_state("networkidle")
    assert list(kept(page)) == ["e"]
    assert len(recorder.posts) == 1
