"""Pages as they are: two scripts, frozen objects, other names, large events, strict policies."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import UUID7, Recorder, warnings

pytestmark = pytest.mark.browser


def test_double_load(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(before="dataLayer.push({event: 'a'})"))
    page.evaluate(
        """(src) => new Promise((resolve) => {
          const script = document.createElement('script');
          script.src = src; script.onload = resolve; document.head.append(script);
        })""",
        f"{recorder.tags}/t.js",
    )
    page.evaluate("void dataLayer.push({event: 'purchase'})")
    assert [event["event"] for event in recorder.events(2)] == ["a", "purchase"]


@pytest.mark.parametrize(
    "freeze", ["Object.defineProperty(dataLayer, 'push', {value: dataLayer.push})", "Object.freeze(dataLayer)"]
)
def test_push_that_cannot_be_wrapped(page: Page, recorder: Recorder, freeze: str) -> None:
    """Earlier events are replayed, later ones are found by looking; the page hears of it once."""
    heard = warnings(page)
    page.goto(recorder.page(before=f"dataLayer.push({{event: 'early'}}); {freeze}"))
    recorder.events(1)
    assert len([text for text in heard if "is frozen" in text]) == 1
    if "defineProperty" in freeze:
        page.evaluate("void dataLayer.push({event: 'late'})")
        assert recorder.events(2)[1]["event"] == "late"
        assert UUID7.fullmatch(page.evaluate("tagserver.track('tracked')"))
        recorder.events(3)
    else:
        page.evaluate("tagserver.track('lost')")


def test_another_layer_and_endpoint(page: Page, recorder: Recorder) -> None:
    address = recorder.page(
        settings='data-layer="events" data-endpoint="/collect?"', before="window.events = [{event: 'purchase'}]"
    )
    page.goto(address)
    assert recorder.events(1)[0]["event"] == "purchase"


def test_an_element_called_tagserver_is_not_us(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page('<div id="tagserver"></div>', after="dataLayer.push({event: 'purchase'})"))
    assert len(recorder.events(1)) == 1


def test_prototypes_are_safe(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page())
    page.evaluate(
        """() => {
          const evil = '"__proto__": {"polluted": 1}, "a": {"constructor": {"prototype": {"polluted": 1}}}';
          dataLayer.push(JSON.parse(`{"event": "purchase", ${evil}}`));
          dataLayer.push(JSON.parse('["set", {"__proto__": {"polluted": 1}, "user_id": "u"}]'));
          gtag('consent', 'update', JSON.parse('{"__proto__": {"polluted": 1}, "ad_storage": "granted"}'));
          dataLayer.push({event: 'purchase'});
        }"""
    )
    first, second = recorder.events(2)
    assert first["a"] == {}
    assert not {"__proto__", "polluted"} & set(first)
    assert second["consent"] == {"update": {"ad_storage": "granted"}}
    assert page.evaluate("({}).polluted") is None


def test_only_plain_data_is_copied(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page('<form id="form"><input name="password" value="secret"></form>'))
    page.evaluate(
        """() => {
          const circle = {name: 'circle'}, shared = {n: 1};
          circle.self = circle; circle.list = [circle, 1];
          let deep = {}; const top = deep;
          for (let n = 1; n < 20; n++) deep = deep[n] = {};
          dataLayer.push({
            event: 'purchase', circle, shared, again: shared, top, form, window, document,
            click: new MouseEvent('click'), map: new Map(), fn() {}, symbol: Symbol(), nan: NaN, nothing: undefined,
            no: null, date: new Date(0), bad: new Date(NaN), big: 12345678901234567890n,
            list: [1, form, () => 1, null, undefined, [2]],
            get broken() { throw new Error('no'); },
          });
        }"""
    )
    (event,) = recorder.events(1)
    for key in ("event", "event_id", "timestamp"):
        del event[key]
    deep = event.pop("top")
    levels = 1
    while deep:
        (deep,) = deep.values()
        levels += 1
    assert levels == 7  # and the event itself
    assert event == {
        "circle": {"name": "circle", "list": [1]},
        "shared": {"n": 1},
        "again": {"n": 1},
        "no": None,
        "date": "1970-01-01T00:00:00.000Z",
        "big": "12345678901234567890",
        "list": [1, None, [2]],
    }


def test_a_large_event_loses_its_last_items(page: Page, recorder: Recorder) -> None:
    """And before them what weighs much and is not the order; what is left out is named."""
    page.goto(recorder.page())
    page.evaluate(
        """() => {
          const items = Array.from({length: 400}, (_, n) => ({item_id: 'SKU-' + n, text: 'x'.repeat(100)}));
          const ecommerce = {items, transaction_id: 'T', value: 5, currency: 'EUR'};
          const many = Array.from({length: 3000}, (_, n) => n);
          const wide = Object.fromEntries(many.map((n) => [n, 'xxxxxxxxxxxxxxxxx']));
          dataLayer.push({event: 'purchase', n: 0, ecommerce, list: [1]});
          dataLayer.push({event: 'purchase', n: 1, items, debug: 'x'.repeat(20000)});
          dataLayer.push({event: 'purchase', n: 2, many, few: 1});
          dataLayer.push({event: 'purchase', n: 3, wide, list: [1]});
          dataLayer.push({event: 'purchase', n: 4, debug: {text: 'x'.repeat(40000), other: 1}});
          dataLayer.push({event: 'purchase', n: 5, event_id: 'x'.repeat(40000)});
          dataLayer.push({event: 'purchase', n: 6});
        }"""
    )
    order, flat, many, wide, debug, last = sorted(recorder.events(6), key=lambda event: int(event["n"]))
    kept = order["ecommerce"].pop("items")
    assert order["ecommerce"] == {"transaction_id": "T", "value": 5, "currency": "EUR"}
    assert (order["list"], order["truncated"]) == ([1], ["ecommerce.items"])
    assert 150 < len(kept) < 400
    assert [item["item_id"] for item in kept] == [f"SKU-{n}" for n in range(len(kept))]
    assert (len(flat["items"]), flat["truncated"]) == (len(kept), ["debug", "items"])
    assert (many["few"], many["truncated"]) == (1, ["many"])
    assert many["many"][:3] == [0, 1, 2]
    assert (wide["n"], wide["list"], wide["truncated"]) == (3, [1], ["wide"])
    assert (debug["n"], debug["truncated"]) == (4, ["debug"])
    assert last["n"] == 6  # an id is never cut: what cannot be made small enough is dropped


def test_consent_is_never_cut(page: Page, recorder: Recorder) -> None:
    """An event that is too large because of many smaller fields says what was chosen, or is dropped."""
    page.goto(
        recorder.page(
            after="""
            const many = Object.fromEntries(Array.from({length: 60}, (_, n) => ['k' + n, 'x'.repeat(600)]));
            const presets = Array.from({length: 30}, (_, n) => ({ad_storage: 'denied', region: ['DE-' + n]}));
            const consent = {default: presets};
            dataLayer.push({...many, event: 'purchase', tcf: 'C' + 'A'.repeat(2000), gdpr: 1, consent});
            """
        )
    )
    (event,) = recorder.events(1)
    assert (len(event["consent"]["default"]), len(event["tcf"]), event["gdpr"]) == (30, 2001, 1)
    assert all(name.startswith("k") for name in event["truncated"])


def test_strict_policy(page: Page, recorder: Recorder) -> None:
    """A page needs to allow the tag server as a script's and a request's origin, nothing else."""
    path = recorder.page().removeprefix(recorder.shop)
    policy = f"default-src 'none'; script-src {recorder.tags}; connect-src {recorder.tags}"
    recorder.pages[path] = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<script async src="{recorder.tags}/t.js"></script>'
    )
    page.goto(recorder.shop + path)
    page.wait_for_function("window.tagserver")
    page.evaluate("tagserver.track('purchase')")
    assert len(recorder.events(1)) == 1
