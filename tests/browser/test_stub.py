"""The lines that stand inline in a page before `t.js` has come, alone and together with it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import UUID7, Recorder, warnings

pytestmark = pytest.mark.browser
THANKS = """
const pushed = {event: 'purchase', ecommerce: {transaction_id: 'ORD-1', value: 59.9, currency: 'EUR', items: []}};
dataLayer.push(pushed);
window.calls = [];
window.fbq = (...call) => calls.push(call);
fbq('track', 'Purchase', {value: 59.9, currency: 'EUR'}, {eventID: pushed.event_id});
"""


def thank_you(recorder: Recorder, script: str) -> str:
    """A page that the server rendered with the order in it: its lines run before `t.js` has come."""
    path = f"/thanks{len(recorder.pages)}"
    recorder.pages[path] = (
        f"<!doctype html><title>Thanks</title><script>{recorder.stub}</script>"
        f'<script async src="{recorder.tags}/t.js"></script><script>{script}</script>'
    )
    return recorder.shop + path


def test_a_thank_you_page_counts_once_however_often_it_is_seen(page: Page, recorder: Recorder) -> None:
    heard = warnings(page)
    address = thank_you(recorder, THANKS)
    for _ in range(3):
        page.goto(address)
        assert page.evaluate("calls[0][3]") == {"eventID": "purchase_ORD-1"}
    assert {event["event_id"] for event in recorder.events(3)} == {"purchase_ORD-1"}
    assert heard == []


@pytest.mark.parametrize(
    ("push", "wanted"),
    [
        ("gtag('event', 'purchase', pushed = {transaction_id: 'T'})", "purchase_T"),
        ("dataLayer.push(pushed = {event: 'purchase', transaction_id: 7})", "purchase_7"),
        ("dataLayer.push(pushed = {event: 'purchase', ecommerce: {value: 1}, transaction_id: 'T'})", "purchase_T"),
        ("dataLayer.push(pushed = {event: 'purchase', event_id: 'mine', transaction_id: 'T'})", "mine"),
        ("dataLayer.push(pushed = {event: 'purchase', transaction_id: {toJSON: () => 'T'}})", "purchase_T"),
    ],
)
def test_the_stub_and_the_script_give_the_same_id(page: Page, recorder: Recorder, push: str, wanted: str) -> None:
    page.goto(
        thank_you(
            recorder,
            f"function gtag() {{ dataLayer.push(arguments) }} let pushed; {push}; window.had = pushed.event_id",
        )
    )
    assert recorder.events(1)[0]["event_id"] == wanted
    assert page.evaluate("had") == (None if "toJSON" in push else wanted)


@pytest.mark.parametrize("early", [True, False], ids=["stub", "script"])
def test_an_order_without_a_number_is_no_other_order(page: Page, recorder: Recorder, early: bool) -> None:
    """Of a template that nobody filled all sales would have one id, and count once. A number that begins so is one."""
    none: list[Any] = [
        "undefined",
        "null",
        "NaN",
        "None",
        "[object Object]",
        "(not set)",
        "{{ Order }}",
        "${order}",
        "",
        {},
        [],
    ]
    some = ["NONE-7", "Nan1", "#1001", 7, "undefined-4"]
    script = f"""
        window.pushed = {none + some}.map(transaction_id => ({{event: 'purchase', ecommerce: {{transaction_id}}}}));
        for (const one of pushed) dataLayer.push(one);
    """
    if early:
        page.goto(thank_you(recorder, script))
    else:
        page.goto(recorder.page())
        page.evaluate(script)
    recorder.wait(lambda: len(recorder.taken) == len(none + some), "all sales")
    ids = page.evaluate("pushed.map(one => one.event_id)")
    assert ids[len(none) :] == [f"purchase_{order}" for order in some]
    assert not [one for one in ids[: len(none)] if one.startswith("purchase")]
    assert len(set(ids)) == len(ids)


def test_what_the_stub_leaves_alone(page: Page, recorder: Recorder) -> None:
    """It throws nothing into the page, and gives back what a push gives."""
    page.goto(
        thank_you(
            recorder,
            """
            const cart = {event: 'add_to_cart'};
            window.returned = [dataLayer.push(cart), dataLayer.push(null, 7), dataLayer.push(['event', 'purchase'])];
            window.had = [cart.event_id, dataLayer.push(Object.freeze({event: 'purchase'}))];
            """,
        )
    )
    assert page.evaluate("[returned, had]") == [[1, 3, 4], [None, 5]]
    assert sorted(event["event"] for event in recorder.events(3)) == ["add_to_cart", "purchase", "purchase"]


def test_track_before_the_script_has_come_is_queued(page: Page, recorder: Recorder) -> None:
    """With the pixel, and with consent that was said by then; its id is there at once."""
    page.goto(
        thank_you(
            recorder,
            """
            function gtag() { dataLayer.push(arguments) }
            window.calls = [];
            window.fbq = (...call) => calls.push(call);
            const ecommerce = {transaction_id: 'T', value: 5, currency: 'EUR'};
            window.ids = [tagserver.track('purchase', {ecommerce}, {pixel: 'Purchase'}),
              tagserver.track('search', {search_term: 'mug'}), tagserver.track('sign_up')];
            gtag('consent', 'update', {ad_storage: 'granted', ad_user_data: 'granted'});
            tagserver.track('generate_lead', {value: 5, currency: 'EUR'}, {pixel: 'Lead'});
            """,
        )
    )
    events = {event["event"]: event for event in recorder.events(4)}
    purchase, search, sign_up = page.evaluate("ids")
    assert purchase == events["purchase"]["event_id"] == "purchase_T"
    assert (search, sign_up) == (events["search"]["event_id"], events["sign_up"]["event_id"])
    assert len({purchase, search, sign_up}) == 3
    ((_, name, shown, options),) = page.evaluate("calls")
    assert (name, shown) == ("Lead", {"value": 5, "currency": "EUR"})
    assert options == {"eventID": events["generate_lead"]["event_id"]}
    page.evaluate("tagserver.track('purchase', {transaction_id: 'U'}, {pixel: 'Purchase'})")
    recorder.events(5)
    assert page.evaluate("calls[1][3]") == {"eventID": "purchase_U"}


def test_the_stub_after_the_script_changes_nothing(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(after=recorder.stub))
    assert UUID7.fullmatch(page.evaluate("tagserver.track('purchase')"))
    assert len(recorder.events(1)) == 1
    assert page.evaluate("typeof tagserver.flush") == "function"
