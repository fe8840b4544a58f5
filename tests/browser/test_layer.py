"""What a page pushes before, beside and instead of the array that `t.js` wrapped, and what its values are."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import UUID7, Recorder, warnings

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "assigned",
    [
        "dataLayer = [{event: 'page_view'}]",
        "var dataLayer = [{event: 'page_view'}]",
        "window.dataLayer = dataLayer.concat([{event: 'page_view'}])",
        "dataLayer = [...dataLayer, {event: 'page_view'}]",
        "dataLayer = []; gtag('event', 'page_view')",
        "dataLayer = [['event', 'page_view']]",
    ],
)
def test_a_layer_that_is_assigned_anew_is_read_and_wrapped(page: Page, recorder: Recorder, assigned: str) -> None:
    """What was read before is not read twice, and one warning says so."""
    heard = warnings(page)
    page.goto(recorder.page(before="dataLayer.push({event: 'early'}); gtag('event', 'first');"))
    recorder.events(2)
    page.add_script_tag(content=assigned)
    assert recorder.events(3)[2]["event"] == "page_view"
    assert page.evaluate("(pushed = {event: 'purchase'}, dataLayer.push(pushed), pushed.event_id)")
    recorder.events(4)
    page.wait_for_timeout(900)
    assert len(recorder.taken) == 4
    assert [text for text in heard if "replaced" in text] == ["[tagserver] dataLayer replaced"]


def test_an_event_of_a_new_layer_is_sent_when_the_page_is_left_at_once(page: Page, recorder: Recorder) -> None:
    recorder.pages["/gone"] = "<title>Gone</title>"
    page.goto(recorder.page())
    page.evaluate(f"dataLayer = [{{event: 'view_item'}}]; location.href = '{recorder.tags}/gone'")
    page.wait_for_url("**/gone")
    assert recorder.events(1)[0]["event"] == "view_item"


def test_what_universal_analytics_pushes_without_an_event_is_sent(page: Page, recorder: Recorder) -> None:
    """The server names it. Another push without an event is none, also with GA4's items."""
    page.goto(
        recorder.page(
            before="dataLayer.push({ecommerce: {currencyCode: 'EUR', detail: {products: [{id: 'a'}]}}});"
            "dataLayer.push({ecommerce: {impressions: [{id: 'b'}]}, user_data: {email: 'mia@shop.example'}});",
            after="const pushed = {ecommerce: {purchase: {actionField: {id: 'T1'}}}};"
            "for (const one of [pushed, {ecommerce: null}, {ecommerce: {items: [], currency: 'EUR'}}, {ecommerce: 7}])"
            "  dataLayer.push(one);",
        )
    )
    found = recorder.events(3)
    assert [next(iter(event["ecommerce"].keys() - {"currencyCode"})) for event in found] == [
        "detail",
        "impressions",
        "purchase",
    ]
    assert all("event" not in event and UUID7.fullmatch(event["event_id"]) for event in found)
    assert page.evaluate("pushed.event_id") == found[2]["event_id"]
    page.wait_for_timeout(600)
    assert len(recorder.taken) == 3


def test_track_finds_the_new_layer(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page())
    assert UUID7.fullmatch(page.evaluate("(dataLayer = [], tagserver.track('purchase'))"))
    assert page.evaluate("dataLayer.length") == 1
    assert len(recorder.events(1)) == 1


@pytest.mark.parametrize(
    "same", ["window.dataLayer = window.dataLayer || []", "dataLayer.length = 0", "dataLayer = null"]
)
def test_a_layer_that_is_the_same_or_none_stays(page: Page, recorder: Recorder, same: str) -> None:
    heard = warnings(page)
    page.goto(recorder.page(before="const kept = dataLayer;", after="dataLayer.push({event: 'purchase', n: 1});"))
    recorder.events(1)
    page.evaluate(same)
    page.wait_for_timeout(500)
    page.evaluate("void kept.push({event: 'purchase', n: 2})")
    assert [event["n"] for event in recorder.events(2)] == [1, 2]
    assert heard == []


def test_a_long_replay_is_worked_in_slices(page: Page, recorder: Recorder) -> None:
    """Others have their turn in between; what is pushed meanwhile has its id at once, and comes behind."""
    page.goto(
        recorder.page(
            before="for (let n = 0; n < 500; n++) dataLayer.push({event: 'early', n}); const turns = [];"
            "setTimeout(() => turns.push(dataLayer.filter((one) => one.event_id).length));",
            after="const pushed = {event: 'purchase', transaction_id: 'T'}; dataLayer.push(pushed);"
            "const at = pushed.event_id;",
        )
    )
    assert page.evaluate("at") == "purchase_T"
    events = recorder.events(501)
    assert page.evaluate("turns[0]") < 501
    assert {event["n"] for event in events if event["event"] == "early"} == set(range(500))


def test_what_is_left_of_a_long_replay_is_sent_on_leaving(page: Page, recorder: Recorder) -> None:
    recorder.pages["/gone"] = "<title>Gone</title>"
    before = "for (let n = 0; n < 300; n++) dataLayer.push({event: 'early', n});"
    page.goto(recorder.page(before=before, after="tagserver.flush()"))
    assert len(recorder.events(300)) == 300


@pytest.mark.parametrize(
    ("pushed", "said"),
    [
        ("null, 7, 'text', undefined, true", True),
        ("{event: {name: 'purchase'}}", True),
        ("{event: 7}", True),
        ("['event', {value: 1}]", True),
        ("['event', 'purchase', 'T']", True),
        ("{event: 'gtm.js', 'gtm.start': 1}, {ecommerce: null}, {event: ''}", False),
        ("function () {}, async () => {}, ['cart.items.push', {}], ['js', new Date()], ['config', 'G-1']", False),
        ("['event', 'gtm.fake'], ['event', 'a'], {event: 'b'}, [], ['set', 'user_id', 'u']", False),
    ],
)
def test_an_ignored_push_says_so_once(page: Page, recorder: Recorder, pushed: str, said: bool) -> None:
    heard = warnings(page)
    page.goto(
        recorder.page(
            after=f"for (let n = 0; n < 3; n++) dataLayer.push({pushed}); dataLayer.push({{event: 'purchase'}});"
        )
    )
    recorder.wait(lambda: any(event["event"] == "purchase" for event in recorder.taken), "the purchase")
    assert [text for text in heard if "push ignored" in text] == heard
    assert len(heard) == said


BIG = "{s: 1, e: 1, c: [4, 8, 2], toJSON() { return '48.20' }}"


@pytest.mark.parametrize(
    ("pushed", "path", "wanted"),
    [
        (f"{{event: 'purchase', ecommerce: {{value: {BIG}}}}}", "ecommerce.value", "48.20"),
        (f"['event', 'purchase', {{value: {BIG}}}]", "value", "48.20"),
        (f"{{event: 'purchase', ecommerce: {{items: [{{price: {BIG}}}]}}}}", "ecommerce.items.0.price", "48.20"),
        ("{event: 'purchase', transaction_id: {id: 1, toJSON() { return '5f2c' }}}", "transaction_id", "5f2c"),
        ("{event: 'purchase', transaction_id: {id: 1, toJSON() { return '5f2c' }}}", "event_id", "purchase_5f2c"),
        ("{event: 'purchase', ecommerce: {transaction_id: {toJSON: () => '5f2c'}}}", "event_id", "purchase_5f2c"),
        ("{event: 'purchase', ecommerce: {transaction_id: new String('A7')}}", "event_id", "purchase_A7"),
        ("{event: 'purchase', ecommerce: {transaction_id: new String('A7')}}", "ecommerce.transaction_id", "A7"),
        ("{event: 'purchase', value: new Number(7), t: new Boolean(false)}", "value", 7),
        ("{event: 'purchase', value: new Number(7), t: new Boolean(false)}", "t", False),
        (
            "{event: 'purchase', page_location: new URL('https://shop.example/a?b=1')}",
            "page_location",
            "https://shop.example/a?b=1",
        ),
        (
            "{event: 'purchase', when: {_d: 1, toJSON: () => '2026-11-29T00:00:00.000Z'}}",
            "when",
            "2026-11-29T00:00:00.000Z",
        ),
        ("{event: 'purchase', deep: {toJSON: () => ({inner: {toJSON: () => [1, new Number(2)]}})}}", "deep.inner.1", 2),
        ("{event: 'purchase', own: {n: 1, toJSON() { return this }}}", "own.n", 1),
        ("Object.assign(Object.create({toJSON() { return {event: 'x', total: 3} }}), {event: 'purchase'})", "total", 3),
    ],
)
def test_values_are_written_as_json_would(page: Page, recorder: Recorder, pushed: str, path: str, wanted: Any) -> None:
    page.goto(recorder.page(after=f"dataLayer.push({pushed})"))
    (found,) = recorder.events(1)
    for key in path.split("."):
        found = found[int(key)] if isinstance(found, list) else found[key]
    assert (type(found), found) == (type(wanted), wanted)


def test_a_value_that_cannot_be_written_is_left_out(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(
            after="""
            const circle = {}; circle.toJSON = () => ({circle});
            dataLayer.push({event: 'purchase', n: 1, circle, nan: new Number(NaN), none: {toJSON: () => null},
              bad: {toJSON() { throw new Error('no') }}, list: [{toJSON() { throw new Error('no') }}, 2]});
            """
        )
    )
    (event,) = recorder.events(1)
    assert (event["n"], event["list"]) == (1, [2])
    assert not {"bad", "nan", "none"} & set(event)


def test_what_old_libraries_put_onto_prototypes_does_no_harm(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(
            before="""
            const text = function () { return 'text' };
            for (const one of [Array, String, Number, Boolean, Object]) one.prototype.toJSON = text;
            Array.prototype.reduce = function () { return this[0] };
            Array.from = (some) => [...some];
            gtag('consent', 'default', {ad_storage: 'denied', region: ['DE', 'AT']});
            """,
            after="""
            dataLayer.push({event: 'purchase', ecommerce: {items: [{item_id: 'A', quantity: 2}], value: 5},
              boxed: new String('b'), id: new Number(7), plain: {n: [1]}});
            """,
        )
    )
    (event,) = recorder.events(1)
    assert event["ecommerce"] == {"items": [{"item_id": "A", "quantity": 2}], "value": 5}
    assert (event["boxed"], event["id"], event["plain"]) == ("b", 7, {"n": [1]})
    assert event["consent"] == {"default": {"ad_storage": "denied", "region": ["DE", "AT"]}}
    assert UUID7.fullmatch(event["event_id"])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("dataLayer.push({event: 'purchase', transaction_id: 'T'})", "", "late purchase without event_id"),
        ("gtag('event', 'purchase', {transaction_id: 'T'})", "", "late purchase without event_id"),
        ("dataLayer.push({event: 'purchase', event_id: 'mine'})", "", None),
        ("dataLayer.push({event: 'page_view'})", "", None),
        ("", "dataLayer.push({event: 'purchase'})", None),
        ("", "dataLayer.push(Object.freeze({event: 'purchase'}))", "frozen event"),
        ("", "dataLayer.push(Object.freeze({event: 'purchase', event_id: 'mine'}))", None),
        ("", "const one = {event: 'purchase'}; dataLayer.push(one); dataLayer.push({...one, n: 2})", "copied event"),
        (
            "",
            "const one = {value: 1}; gtag('event', 'purchase', one); gtag('event', 'purchase', {...one})",
            "copied event",
        ),
        ("", "const one = {event: 'purchase'}; dataLayer.push(one); dataLayer.push(one)", None),
        (
            "",
            "const one = {event: 'purchase'}; dataLayer.push(one); dataLayer.push({...one, event: 'order_shown'})",
            None,
        ),
        ("", "for (const n of [1, 2]) dataLayer.push({event: 'purchase', event_id: 'mine'})", None),
        ("", "for (const n of [1, 2]) dataLayer.push({event: 'purchase', transaction_id: 'T'})", None),
    ],
)
def test_an_id_that_does_not_reach_the_page_is_said(
    page: Page, recorder: Recorder, before: str, after: str, said: str | None
) -> None:
    heard = warnings(page)
    page.goto(recorder.page(before=before, after=after))
    recorder.wait(lambda: recorder.taken, "an event")
    page.wait_for_timeout(50)
    assert heard == ([f"[tagserver] {said}"] if said else [])
