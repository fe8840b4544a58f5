"""`t.js` in Chromium: what is pushed, when, and under which id. Pages live on one site, the collector on another; what
arrives there is what counts."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import GRANTED, UUID7, Recorder

pytestmark = pytest.mark.browser


def test_nothing_waits_for_unload() -> None:
    """It would keep the page out of the back/forward cache."""
    script = files("tagserver").joinpath("static", "t.js").read_text()
    assert "unload`" in script
    assert '("unload"' not in script


def test_earlier_pushes_are_replayed(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(before="dataLayer.push({event: 'gtm.js'}, {event: 'page_view'}, {event: 'view_item', n: 1})")
    )
    first, second = recorder.events(2)
    assert (first["event"], second["event"], second["n"]) == ("page_view", "view_item", 1)
    assert UUID7.fullmatch(first["event_id"])
    assert first["event_id"] != second["event_id"]
    assert page.evaluate("dataLayer[2].event_id") == second["event_id"]


def test_wire_format(page: Page, recorder: Recorder) -> None:
    """One simple request: no preflight, nothing in the address, the page's facts once for all events."""
    address = recorder.page(
        after="dataLayer.push({event: 'a'}); dataLayer.push({event: 'b', timestamp: 1700000000000})"
    )
    page.goto(address)
    first, second = recorder.events(2)
    (post,) = recorder.posts
    assert recorder.methods == ["POST"]
    assert post.headers["content-type"] == "text/plain;charset=UTF-8"
    assert post.query == ""
    assert list(post.body) == ["v", "sent", "ctx", "events"]
    assert post.body["v"] == 1
    assert post.body["ctx"]["page"] == {"location": address, "referrer": "", "title": "Page"}
    assert post.body["ctx"]["language"] == "en-US"
    assert 0 <= post.body["sent"] - first["timestamp"] < 5000
    assert second["timestamp"] == 1700000000000
    assert "page" not in first


def test_page_is_that_of_the_push(page: Page, recorder: Recorder) -> None:
    """A page that changes its address without loading has the one before as its referrer, where the path is another
    one; what the event says about its page goes before."""
    page.goto(
        address := recorder.page(
            after="""
            dataLayer.push({event: 'one'});
            history.pushState(null, '', '/two?x=1');
            dataLayer.push({event: 'two'});
            history.replaceState(null, '', '/two?x=2#reviews');
            dataLayer.push({event: 'same'});
            history.replaceState(null, '', '/two?x=2#/three');
            dataLayer.push({event: 'three'});
            dataLayer.push({event: 'own', page: {location: 'https://own.example/', type: 'cart'}});
            dataLayer.push({event: 'flat', page_location: 'https://flat.example/'});
            """
        )
    )
    one, two, same, three, own, flat = recorder.events(6)
    assert len(recorder.posts) == 1
    assert recorder.posts[0].body["ctx"]["page"]["referrer"] == ""
    assert "page" not in one
    first, second = address, f"{recorder.shop}/two?x=1"
    assert two["page"] == {"location": second, "referrer": first}
    assert same["page"] == {"location": f"{recorder.shop}/two?x=2#reviews", "referrer": first}
    assert three["page"] == {
        "location": f"{recorder.shop}/two?x=2#/three",
        "referrer": f"{recorder.shop}/two?x=2#reviews",
    }
    assert own["page"] == {
        "location": "https://own.example/",
        "type": "cart",
        "referrer": f"{recorder.shop}/two?x=2#reviews",
    }
    assert flat["page"] == {"referrer": f"{recorder.shop}/two?x=2#reviews"}


def test_return_value_and_other_wrappers_stay(page: Page, recorder: Recorder) -> None:
    """A wrapper that was there before sees the id; so does one that comes later, once it has called through."""
    wrapper = """
        (function () {
          const before = dataLayer.push;
          dataLayer.push = function (pushed) {
            const result = before.apply(dataLayer, arguments);
            window.NAME = [pushed.event_id, result];
            return 'NAME';
          };
        })();"""
    page.goto(recorder.page(before=wrapper.replace("NAME", "early"), after=wrapper.replace("NAME", "late")))
    assert page.evaluate("dataLayer.push({event: 'sign_up'})") == "late"
    (event,) = recorder.events(1)
    assert page.evaluate("window.early") == [event["event_id"], 1]
    assert page.evaluate("window.late") == [event["event_id"], "early"]


def test_wrapper_that_reads_before_it_calls_through(page: Page, recorder: Recorder) -> None:
    """GTM was there before us: our wrapper is the outer one, the id is there whenever GTM looks."""
    page.goto(
        recorder.page(
            before="""
            const before = dataLayer.push;
            dataLayer.push = function (pushed) { window.read = pushed.event_id; return before.apply(this, arguments); };
            """
        )
    )
    page.evaluate("void dataLayer.push({event: 'purchase', ecommerce: {transaction_id: 'T-7'}})")
    assert page.evaluate("window.read") == "purchase_T-7"
    assert recorder.events(1)[0]["event_id"] == "purchase_T-7"


def test_gtag_arguments(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(
            before="gtag('js', new Date()); gtag('config', 'G-1'); gtag('event', 'early', {value: 1});",
            after="""
            gtag('set', 'user_data', {email: 'erika@example.com'});
            gtag('set', {user_id: 'u1', theme: 'dark'});
            window.params = {value: 2, event: 'not this'};
            gtag('event', 'late', params);
            gtag('event', 'bare');
            gtag('event', 'gtm.fake');
            dataLayer.push(['event', 'listed', {value: 3}], ['cart.items.push', {}], function () {}, null, 7, 'text');
            """,
        )
    )
    early, late, bare, listed = recorder.events(4)
    assert (early["event"], early["value"]) == ("early", 1)
    assert "user_data" not in early
    assert (late["event"], late["value"]) == ("late", 2)
    assert (late["user_data"], late["user_id"]) == ({"email": "erika@example.com"}, "u1")
    assert "theme" not in late
    assert page.evaluate("params.event_id") == late["event_id"]
    assert page.evaluate("dataLayer.find((one) => one[1] === 'bare')[2].event_id") == bare["event_id"]
    assert (listed["event"], listed["value"]) == ("listed", 3)


def test_person_is_remembered_and_never_mixed(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(
            after="""
            dataLayer.push({user_data: {email: 'a@example.com'}, user_id: 'a', ecommerce: {value: 1}, page_type: 'x'});
            dataLayer.push({event: 'one'});
            dataLayer.push({event: 'two', user_data: {phone_number: '+491'}});
            dataLayer.push({event: 'three'});
            dataLayer.push({user_data: null, user_id: null});
            dataLayer.push({event: 'four'});
            """
        )
    )
    one, two, three, four = recorder.events(4)
    assert (one["user_data"], one["user_id"]) == ({"email": "a@example.com"}, "a")
    assert not {"ecommerce", "page_type"} & set(one)
    assert two["user_data"] == {"phone_number": "+491"}
    assert three["user_data"] == {"email": "a@example.com"}
    assert not {"user_data", "user_id"} & set(four)


@pytest.mark.parametrize(
    ("pushed", "wanted"),
    [
        ({"event": "purchase", "event_id": " Ünï ", "transaction_id": "T"}, " Ünï "),
        ({"event": "purchase", "event_id": 12, "transaction_id": "T"}, 12),
        ({"event": "purchase", "ecommerce": {"transaction_id": "T-1"}, "transaction_id": "x"}, "purchase_T-1"),
        ({"event": "purchase", "transaction_id": 4711}, "purchase_4711"),
        ({"event": "purchase", "event_id": "", "transaction_id": "T"}, "purchase_T"),
        ({"event": "purchase", "ecommerce": None}, UUID7),
        ({"event": "refund", "transaction_id": "T"}, UUID7),
    ],
)
def test_event_id(page: Page, recorder: Recorder, pushed: dict[str, Any], wanted: object) -> None:
    page.goto(recorder.page())
    written = page.evaluate("(pushed) => { dataLayer.push(pushed); return pushed.event_id; }", pushed)
    (event,) = recorder.events(1)
    assert event["event_id"] == written
    if isinstance(wanted, re.Pattern):
        assert wanted.fullmatch(written)
    else:
        assert (type(written), written) == (type(wanted), wanted)


def test_one_object_pushed_twice_is_two_events(page: Page, recorder: Recorder) -> None:
    """Except a purchase, which stays the same order. A frozen object cannot be written to, and is sent all the
    same."""
    page.goto(
        recorder.page(
            after="""
            const cart = {event: 'add_to_cart'}, order = {event: 'purchase', transaction_id: 'T'};
            const own = {event: 'own', event_id: 'mine'};
            const frozen = Object.freeze({event: 'frozen'});
            for (const one of [cart, cart, own, own, order, order, frozen]) dataLayer.push(one);
            """
        )
    )
    ids = [event["event_id"] for event in recorder.events(7)]
    assert ids[0] != ids[1]
    assert ids[2:6] == ["mine", "mine", "purchase_T", "purchase_T"]
    assert UUID7.fullmatch(ids[6])


def test_track_calls_the_pixel_with_the_same_id(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(
            before="window.calls = []; window.fbq = (...call) => calls.push(call);"
            f"gtag('consent', 'update', {json.dumps(GRANTED)});"
        )
    )
    order = {
        "ecommerce": {"transaction_id": "T-9", "value": 5, "currency": "EUR"},
        "user_data": {"email": "a@b.example"},
    }
    assert page.evaluate("(order) => tagserver.track('purchase', order, {pixel: 'Purchase'})", order) == "purchase_T-9"
    (event,) = recorder.events(1)
    assert event["user_data"] == {"email": "a@b.example"}
    ((verb, name, params, options),) = page.evaluate("calls")
    assert (verb, name, options) == ("track", "Purchase", {"eventID": event["event_id"]})
    assert params == {"value": 5, "currency": "EUR"}
    assert UUID7.fullmatch(page.evaluate("tagserver.track('search')"))
    page.evaluate("tagserver.flush()")
    assert len(recorder.events(2)) == 2
    assert len(page.evaluate("calls")) == 1
