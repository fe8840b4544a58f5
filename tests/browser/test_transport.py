"""How `t.js` posts where something is missing or refuses, and what it says of that in the console."""

from __future__ import annotations

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.browser.recorder import UUID7, Recorder, warnings

pytestmark = pytest.mark.browser

NO_ANSWER = "[tagserver] no answer: see collect.origins"


def purchases(page: Page, count: int, every: int) -> None:
    """Push so many purchases, one every so many milliseconds."""
    page.evaluate(
        """async ([count, every]) => {
          for (let n = 0; n < count; n++) {
            dataLayer.push({event: 'purchase', n});
            await new Promise((resolve) => setTimeout(resolve, every));
          }
        }""",
        [count, every],
    )


# ── one back-off for the whole page ──────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_is_not_listed_posts_rarely(page: Page, recorder: Recorder) -> None:
    """However much is pushed: each answer makes the pause longer. One warning names what may be wrong."""
    heard = warnings(page)
    recorder.lists = False
    page.goto(recorder.page())
    purchases(page, 45, 130)
    assert len(recorder.posts) <= 5
    assert heard == [NO_ANSWER]
    assert recorder.taken == []
    recorder.lists = True
    page.evaluate("dispatchEvent(new Event('online'))")
    assert {event["n"] for event in recorder.events(45)} == set(range(45))


def test_what_waits_is_bounded(page: Page, recorder: Recorder) -> None:
    """The oldest goes first."""
    recorder.lists = False
    page.goto(recorder.page(after="dataLayer.push({event: 'purchase', n: -1})"))
    recorder.wait(lambda: recorder.posts, "a post")
    purchases(page, 80, 1)
    recorder.lists = True
    page.evaluate("dispatchEvent(new Event('online'))")
    recorder.wait(lambda: any(event["n"] == 79 for event in recorder.taken), "the last one")
    assert 40 <= len(recorder.taken) <= 52


def test_a_server_that_is_back_gets_everything(page: Page, recorder: Recorder) -> None:
    """One request tries; what has waited follows it at once."""
    recorder.answers = [(503, {"retry-after": "3"})]
    with page.expect_response("**/collect") as answered:
        page.goto(recorder.page(after="dataLayer.push({event: 'purchase', n: 0})"))
    answered.value.finished()
    purchases(page, 5, 10)
    assert len(recorder.posts) == 1
    assert sorted(event["n"] for event in recorder.events(6)) == [0, 0, 1, 2, 3, 4]
    times = [post.at for post in recorder.posts]
    assert times[1] - times[0] >= 3
    assert times[-1] - times[1] < 1


def test_a_visitor_without_a_network_is_no_fault_of_the_site(page: Page, recorder: Recorder) -> None:
    heard = warnings(page)
    page.goto(recorder.page())
    page.context.set_offline(True)
    purchases(page, 3, 700)
    assert heard == []
    page.context.set_offline(False)
    assert len(recorder.events(3)) == 3


def test_leaving_tries_once_more(page: Page, recorder: Recorder) -> None:
    recorder.pages["/gone"] = "<title>Gone</title>"
    recorder.answers = [(503, {"retry-after": "60"})]
    with page.expect_response("**/collect") as refused:
        page.goto(recorder.page(after="dataLayer.push({event: 'purchase', n: 0})"))
    refused.value.finished()
    page.wait_for_timeout(200)  # the page has to have read that it was refused before it is left
    page.evaluate(
        f"dataLayer.push({{event: 'purchase', n: 1}}); dataLayer.push({{event: 'a', n: 2}});"
        f"location.href = '{recorder.tags}/gone'"
    )
    page.wait_for_url("**/gone")
    assert sorted(event["n"] for event in recorder.events(3)) == [0, 1, 2]


# ── what a browser or a page does not have ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("gone", ["delete Request.prototype.keepalive", "window.fetch = undefined"])
def test_without_keepalive_or_fetch_a_beacon_goes(page: Page, recorder: Recorder, gone: str) -> None:
    page.add_init_script(gone)
    recorder.pages["/gone"] = "<title>Gone</title>"
    page.goto(recorder.page())
    page.evaluate(f"dataLayer.push({{event: 'view_item', text: 'ü'}}); location.href = '{recorder.tags}/gone'")
    page.wait_for_url("**/gone")
    assert recorder.events(1)[0]["text"] == "ü"
    assert recorder.posts[0].headers["content-type"] == "text/plain;charset=UTF-8"
    assert recorder.posts[0].headers["sec-fetch-mode"] == "no-cors"


def test_without_a_source_of_chance_ids_are_made_all_the_same(page: Page, recorder: Recorder) -> None:
    page.add_init_script("Object.defineProperty(window, 'crypto', {value: undefined})")
    page.goto(recorder.page(after="for (const n of [1, 2]) dataLayer.push({event: 'purchase', n})"))
    first, second = (event["event_id"] for event in recorder.events(2))
    assert UUID7.fullmatch(first)
    assert UUID7.fullmatch(second)
    assert first != second


def test_a_module_says_that_it_cannot_work(page: Page, recorder: Recorder) -> None:
    heard = warnings(page)
    page.goto(recorder.page(settings='type="module"', before="dataLayer.push({event: 'purchase'});"))
    page.wait_for_timeout(300)
    assert heard == ["[tagserver] no classic script"]
    assert page.evaluate("typeof tagserver") == "undefined"


def test_a_second_copy_says_so_and_sends_nothing(page: Page, recorder: Recorder) -> None:
    heard = warnings(page)
    page.goto(recorder.page(body=f'<script src="{recorder.tags}/t.js"></script>'))
    page.evaluate("void dataLayer.push({event: 'purchase'})")
    page.wait_for_timeout(600)
    assert len(recorder.events(1)) == 1
    assert heard == ["[tagserver] loaded twice"]


# ── data-debug ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_debugging_shows_each_event_and_what_the_server_found(page: Page, recorder: Recorder) -> None:
    """At a level that consoles show by default: name, id, consent, payload, then the answer."""
    heard: list[ConsoleMessage] = []
    page.on("console", lambda message: heard.append(message) if message.type == "info" else None)
    page.goto(
        recorder.page(
            settings="data-debug",
            after="gtag('consent', 'update', {ad_storage: 'denied'});"
            "dataLayer.push({event: 'purchase', transaction_id: 'T', value: 5});",
        )
    )
    recorder.events(1)
    recorder.wait(lambda: page.evaluate("1") and len(heard) > 1, "what the console shows")
    shown, answer = heard
    _, name, event_id, consent, event = (argument.json_value() for argument in shown.args)
    assert (name, event_id, consent["update"]) == ("purchase", "purchase_T", {"ad_storage": "denied"})
    assert (event["value"], event["consent"]) == (5, consent)
    assert "accepted" in answer.text


def test_without_debugging_nothing_is_shown(page: Page, recorder: Recorder) -> None:
    heard: list[ConsoleMessage] = []
    page.on("console", lambda message: heard.append(message))
    page.goto(recorder.page(after="dataLayer.push({event: 'purchase', transaction_id: 'T', value: 5});"))
    recorder.events(1)
    assert [one for one in heard if "tagserver" in one.text] == []
