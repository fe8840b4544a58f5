"""`t.js` in Chromium. Pages live on one site, the collector on another; what arrives there is what counts."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.browser.recorder import Recorder

pytestmark = pytest.mark.browser

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
DENIED = dict.fromkeys(GRANTED, "denied")


def warnings(page: Page) -> list[str]:
    """The page's console warnings, from now on."""
    found: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "warning":
            found.append(message.text)

    page.on("console", hear)
    return found


def test_nothing_waits_for_unload() -> None:
    """It would keep the page out of the back/forward cache."""
    script = files("tagserver").joinpath("static", "t.js").read_text()
    assert "unload`" in script
    assert '("unload"' not in script


# ── what is pushed, and when ─────────────────────────────────────────────────────────────────────────────────────────


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
    """A page that changes its address without loading; what the event says about its page goes before."""
    page.goto(
        recorder.page(
            after="""
            dataLayer.push({event: 'one'});
            history.pushState(null, '', '/two?x=1');
            dataLayer.push({event: 'two'});
            dataLayer.push({event: 'own', page: {location: 'https://own.example/', type: 'cart'}});
            dataLayer.push({event: 'flat', page_location: 'https://flat.example/'});
            """
        )
    )
    one, two, own, flat = recorder.events(4)
    assert len(recorder.posts) == 1
    assert "page" not in one
    assert two["page"] == {"location": f"{recorder.shop}/two?x=1"}
    assert own["page"] == {"location": "https://own.example/", "type": "cart"}
    assert "page" not in flat


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


# ── event_id ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_consent_goes_along(page: Page, recorder: Recorder) -> None:
    """As it was at the push: none, the default, the default and what was chosen; an event's own goes before."""
    page.goto(
        recorder.page(
            before="""
            dataLayer.push({event: 'none'});
            gtag('consent', 'default', {ad_storage: 'denied'});
            dataLayer.push({event: 'default'});
            gtag('consent', 'default', {ad_storage: 'granted', region: ['US']});
            gtag('consent', 'update', {ad_storage: 'granted', ad_user_data: 'granted'});
            dataLayer.push(['consent', 'update', {ad_user_data: 'denied'}]);
            dataLayer.push({event: 'both'});
            dataLayer.push({event: 'own', consent: {ad_storage: 'denied'}});
            """
        )
    )
    none, default, both, own = recorder.events(4)
    plain = {"ad_storage": "denied"}
    assert "consent" not in none
    assert default["consent"] == {"default": plain}
    assert both["consent"] == {
        "default": [plain, {"ad_storage": "granted", "region": ["US"]}],
        "update": {"ad_storage": "granted", "ad_user_data": "denied"},
    }
    assert own["consent"] == {"ad_storage": "denied"}


def test_cookies_only_with_consent(page: Page, recorder: Recorder) -> None:
    """No cookie leaves in a request's context with an event that was pushed before it was allowed."""
    page.goto(
        recorder.page(
            before="""
            document.cookie = '_fbp=fb.1.2.3'; document.cookie = '_fbc=a%2Fb%zz'; document.cookie = 'session=secret';
            gtag('consent', 'default', {ad_storage: 'denied'});
            dataLayer.push({event: 'before'});
            gtag('consent', 'update', {ad_storage: 'Granted '});
            dataLayer.push({event: 'after'});
            gtag('consent', 'update', {ad_storage: 'denied'});
            dataLayer.push({event: 'withdrawn'});
            """
        )
    )
    recorder.events(3)
    found = {post.events[0]["event"]: post.body["ctx"].get("cookie") for post in recorder.posts}
    assert found == {"before": None, "after": {"_fbp": "fb.1.2.3", "_fbc": "a%2Fb%zz"}, "withdrawn": None}


def test_a_regional_default_allows_no_cookie(page: Page, recorder: Recorder) -> None:
    """The page does not know where the visitor is: every default must allow it."""
    page.goto(
        recorder.page(
            before="""
            document.cookie = '_fbp=fb.1.2.3';
            gtag('consent', 'default', {ad_storage: 'granted'});
            gtag('consent', 'default', {ad_storage: 'denied', region: ['DE']});
            dataLayer.push({event: 'purchase'});
            """
        )
    )
    recorder.events(1)
    assert "cookie" not in recorder.posts[0].body["ctx"]


def test_global_privacy_control(page: Page, recorder: Recorder) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(recorder.page(after="dataLayer.push({event: 'a', gpc: false})"))
    assert recorder.events(1)[0]["gpc"] is True


def test_what_a_tcf_tool_says_goes_along(page: Page, recorder: Recorder) -> None:
    """From a tool that comes after the script; what the event says itself goes before."""
    page.goto(recorder.page(after="dataLayer.push({event: 'early'}); tagserver.flush();"))
    page.evaluate(
        """() => {
          window.__tcfapi = (command, version, call) => { window.say = call; call(
            {gdprApplies: true, eventStatus: 'cmpuishown', tcString: 'unanswered'}, true) };
          dataLayer.push({event: 'asked'});
          window.say({gdprApplies: true, eventStatus: 'useractioncomplete', tcString: 'CAnswer',
            addtlConsent: '2~89~dv.'}, true);
          dataLayer.push({event: 'answered'});
          dataLayer.push({event: 'own', tcf: 'COwn'});
          tagserver.flush();
        }"""
    )
    early, asked, answered, own = recorder.events(4)
    names = ("gdpr", "tcf", "addtl_consent")
    assert [early.get(name) for name in names] == [None] * 3
    assert [asked.get(name) for name in names] == [None] * 3
    assert [answered.get(name) for name in names] == [True, "CAnswer", "2~89~dv."]
    assert own["tcf"] == "COwn"


def test_a_consent_tool_that_throws_costs_nothing(page: Page, recorder: Recorder) -> None:
    """It is asked once, and never again."""
    page.goto(
        recorder.page(
            before="window.asked = 0; window.__tcfapi = () => { asked++; throw new Error('no') };",
            after="dataLayer.push({event: 'a'}); dataLayer.push({event: 'b'}); tagserver.flush();",
        )
    )
    assert [event["event"] for event in recorder.events(2)] == ["a", "b"]
    assert page.evaluate("window.asked") == 1


def test_events_wait_for_consent(page: Page, recorder: Recorder) -> None:
    """A default is no choice. What waited says what was chosen, and when and where it happened."""
    address = recorder.page(
        settings='data-consent="required"',
        before="gtag('consent', 'default', {ad_storage: 'denied'}); dataLayer.push({event: 'purchase'});",
        after="dataLayer.push({event: 'own', consent: {ad_storage: 'granted'}}); tagserver.flush();",
    )
    page.goto(address)
    (own,) = recorder.events(1)
    assert own["event"] == "own"
    page.evaluate("history.pushState(null, '', '/elsewhere')")
    page.evaluate("(all) => { gtag('consent', 'update', all); dataLayer.push({event: 'purchase'}) }", GRANTED)
    _, held, later = recorder.events(3)
    assert held["consent"] == later["consent"] == {"default": {"ad_storage": "denied"}, "update": GRANTED}
    assert held["timestamp"] <= later["timestamp"]
    assert [post.body["ctx"]["page"]["location"] for post in recorder.posts[1:]] == [
        address,
        f"{recorder.shop}/elsewhere",
    ]


def test_events_that_waited_are_dropped_when_denied(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(settings='data-consent="required"', before="dataLayer.push({event: 'purchase', n: 1})"))
    page.evaluate("(all) => gtag('consent', 'update', all)", DENIED | {"security_storage": "granted"})
    page.evaluate("void dataLayer.push({event: 'purchase', n: 2})")
    page.evaluate("gtag('consent', 'update', {analytics_storage: 'granted'})")
    page.evaluate("void dataLayer.push({event: 'purchase', n: 3})")
    assert recorder.events(1)[0]["n"] == 3


# ── transport ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    assert sum("(HTTP 400)" in text for text in heard) == (2 if settings else 1)
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


# ── pages as they are ────────────────────────────────────────────────────────────────────────────────────────────────


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
    assert len([text for text in heard if "cannot be wrapped" in text]) == 1
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
