"""`pixel.js` in Chromium: a page that has nothing but Meta's pixel. What the pixel sends, and what the server gets,
have one name and one id; nothing that a page does to its `fbq` breaks it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import GRANTED, UUID7, Recorder, warnings

pytestmark = pytest.mark.browser

ON = "data-pixel"
SCRIPT = files("tagserver").joinpath("sandbox", "static", "fbevents.js").read_text()
SCRIPT_NOW = SCRIPT.replace("!script", "false").replace("script.src", "location.href")
"""The same as a part of the page."""
TAP = """
window.hits = [];
const send = window.fetch;
window.fetch = (url, options) =>
  /\\/tr$/.test(url)
    ? (hits.push(Object.fromEntries(options.body)), Promise.resolve(new Response()))
    : send(url, options);
"""
"""What the pixel sends stays in the page."""
STUB = """
!function(f){if(f.fbq)return;
const n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):n.queue.push(arguments)};
if(!f._fbq)f._fbq=n;n.push=n;n.loaded=!0;n.version='2.0';n.queue=[]}(window);
"""
"""The first half of the usual snippet; the second loads the script."""
LOAD = """
window.load = () => new Promise((then) => {
  const s = document.createElement('script'); s.src = '/fbevents.js'; s.onload = then; document.head.append(s);
});
"""
INIT = "fbq('init', '123', {em: 'ann@example.com'});"
BUY = "fbq('track', 'Purchase', {value: 59.9, currency: 'EUR', order_id: '1001'});"
SALE = "dataLayer.push({event: 'purchase', ecommerce: {transaction_id: 1001, value: 59.9, currency: 'EUR'}});"
READY = "() => window.fbq && fbq[Symbol.for('tagserver.pixel')]"
MODE = f"gtag('consent', 'update', {json.dumps(GRANTED)});"


def visit(page: Page, recorder: Recorder, before: str = "", after: str = "", settings: str = ON) -> None:
    """A page whose scripts are there, but for the pixel's own: `load()` has it."""
    recorder.pixel = SCRIPT
    page.goto(recorder.page(before=TAP + LOAD + before, after=after, settings=settings))
    if "pixel" in settings:
        page.wait_for_function(READY.replace("window.fbq &&", "") if "fbq" in before + after else "() => tagserver")


def sent(page: Page, recorder: Recorder, count: int) -> list[dict[str, Any]]:
    """The events taken, without waiting for company."""
    page.evaluate("tagserver.flush()")
    return recorder.events(count)


def load(page: Page) -> list[dict[str, Any]]:
    """The pixel's script has come; what it has sent."""
    page.evaluate("load()")
    return hits(page)


def hits(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("hits")
    return found


def pairs(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Name and id of each hit."""
    return sorted((one["ev"], one.get("eid", "")) for one in found)


def called(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Name and id of each event that came by a call."""
    return sorted((one["fbq"]["name"], one["event_id"]) for one in events if "fbq" in one)


def test_calls_before_the_script_and_after_it_are_pairs(page: Page, recorder: Recorder) -> None:
    """What stands in the stub's queue has its id before it is taken out; nothing else of a call is changed."""
    calls = """
    fbq('track', 'PageView');
    fbq('track', 'ViewContent', {content_ids: ['A'], value: 1, currency: 'EUR'}, {eventID: 'mine', other: 1});
    fbq('trackCustom', 'Tasted', {tea: 'green'});
    fbq('trackSingle', '123', 'Lead', {plan: 'gold'});
    fbq('trackSingleCustom', '123', 'Ours');
    fbq.push(['track', 'Search', {search_string: 'mug'}]);
    """
    visit(page, recorder, before=STUB + INIT + calls + BUY)
    page.evaluate("fbq('track', 'AddToCart', {contents: [{id: 'A', quantity: 2}]}, {})")
    first = load(page)
    page.evaluate(calls.replace("mine", "mine2") + "fbq('set', 'autoConfig', false, '123'); fbq('track')")
    events = sent(page, recorder, 13)  # of a second PageView the pixel itself sends nothing
    assert len(first) == 8
    assert called(events) == pairs(hits(page))
    assert len({one["event_id"] for one in events}) == 13
    page.evaluate("fbq.allowDuplicatePageViews = true; fbq('track', 'PageView')")
    assert called(sent(page, recorder, 14)) == pairs(hits(page))
    assert all(UUID7.fullmatch(one) or one in ("mine", "mine2", "purchase_1001") for _, one in called(events))
    view = next(one for one in events if one["event_id"] == "mine")
    assert view["event"] == "ViewContent"
    assert view["fbq"] == {
        "call": "track",
        "name": "ViewContent",
        "pixels": ["123"],
        "params": {"content_ids": ["A"], "value": 1, "currency": "EUR"},
        "user_data": {"em": "ann@example.com"},
    }
    lead = next(one for one in events if one["event"] == "Lead")
    assert (lead["fbq"]["call"], lead["fbq"]["pixels"]) == ("trackSingle", ["123"])
    assert page.evaluate("[fbq === _fbq, fbq.version, fbq.getState().pixels[0].id]") == [True, "2.0", "123"]


def test_a_line_of_its_own_cannot_come_too_late(page: Page, recorder: Recorder) -> None:
    """Behind t.js and above the pixel: it is there before the first call, however far the server is."""
    recorder.blocked = {"more"}
    recorder.pixel = SCRIPT
    address = recorder.page(before=TAP, after=f"{STUB}{SCRIPT_NOW}{INIT}{BUY}", settings=ON)
    own = f'<script src="{recorder.tags}/t/pixel.0.js"></script><script>'
    path = address.removeprefix(recorder.shop)
    head, _, tail = recorder.pages[path].rpartition("<script>")
    recorder.pages[path] = head + own + tail
    page.goto(address)
    assert called(sent(page, recorder, 1)) == pairs(hits(page)) == [("Purchase", "purchase_1001")]
    assert page.evaluate("fbq === _fbq")


def test_the_same_file_twice_listens_once(page: Page, recorder: Recorder) -> None:
    visit(page, recorder, before=STUB + INIT)
    page.evaluate(
        """(address) => new Promise((then) => {
          const s = document.createElement('script'); s.onload = then; s.src = address; document.head.append(s);
        })""",
        f"{recorder.tags}/t/pixel.0.js",
    )
    page.evaluate(BUY + "fbq('consent', 'revoke')")
    assert sent(page, recorder, 1)[0]["event_id"] == "purchase_1001"


def test_no_stub_yet(page: Page, recorder: Recorder) -> None:
    """The snippet comes later than both scripts, as from a tag manager: whatever is put there is listened to."""
    visit(page, recorder)
    page.wait_for_function("() => Object.getOwnPropertyDescriptor(window, 'fbq')")
    page.evaluate(STUB + INIT + "fbq('track', 'PageView')")
    load(page)
    page.evaluate("fbq('track', 'Lead'); fbq.push(['track', 'Contact'])")
    events = sent(page, recorder, 3)
    assert called(events) == pairs(hits(page))
    assert page.evaluate("fbq === _fbq")


def test_a_pixel_that_was_there_first(page: Page, recorder: Recorder) -> None:
    """What has left its queue without an id is not sent; later calls are."""
    recorder.blocked = {"pixel"}
    visit(page, recorder, before=STUB + INIT + "fbq('track', 'PageView');", settings="")
    load(page)
    recorder.blocked = set()
    said = warnings(page)
    page.evaluate(
        """(address) => new Promise((then) => {
          const s = document.createElement('script'); s.onload = then; s.src = address;
          s.dataset.pixel = s.dataset.debug = ''; delete window.tagserver; document.head.append(s);
        })""",
        f"{recorder.tags}/t.js",
    )
    page.wait_for_function(READY)
    page.evaluate("fbq('track', 'Lead'); fbq.push(['track', 'Contact'])")
    events = sent(page, recorder, 2)
    assert [one["ev"] for one in hits(page)] == ["PageView", "Lead", "Contact"]
    assert called(events) == pairs(hits(page)[1:])
    assert any("it was quicker than t.js: 1 calls are not sent" in one for one in said)


HOSTILE = {
    "getter": "fbq('track', 'Lead', {get plan() { throw new Error('no') }, tea: 1, __proto__: {a: 1}});",
    "prototype": 'fbq(\'track\', \'Lead\', JSON.parse(\'{"tea": 1, "__proto__": {"b": 1}, "constructor": 1}\'));',
    "circle": "const loop = {tea: 1}; loop.loop = loop; fbq('track', 'Lead', loop);",
    "frozen": "fbq('track', 'Lead', Object.freeze({tea: 1}), Object.freeze({}));",
    "frozen list": "fbq.push(Object.freeze(['track', 'Lead', {tea: 1}]));",
    "arguments": "(function () { fbq.push(arguments) })('track', 'Lead', {tea: 1});",
    "nonsense": "fbq(); fbq(null); fbq([]); fbq({}); fbq('track', ''); fbq('track', 5);"
    "fbq('track', 'Lead', {tea: 1}, 'x');",
    "placeholder": "fbq('track', 'Lead', {tea: 1}, {eventID: 'undefined'});",
    "null": "fbq('track', 'Lead', {tea: 1}, {eventID: null});",
}
QUEUED = """() => fbq.queue.splice(0)
  .map((given) => given.length === 1 && given[0] && given[0].length ? given[0] : given)
  .filter((call) => call[1] === 'Lead').map((call) => call[3].eventID)"""
"""The ids that the pixel's script would find."""


def test_hostile_calls(page: Page, recorder: Recorder) -> None:
    """Nothing is thrown into the page, and what is sent has the id that the pixel gets."""
    visit(page, recorder, before=STUB)
    for what, call in HOSTILE.items():
        recorder.posts.clear()
        page.evaluate(f"() => {{ {call} tagserver.flush(); }}")
        (event,) = sent(page, recorder, 1)
        assert event["fbq"]["params"] == {"tea": 1}, what
        assert UUID7.fullmatch(event["event_id"])
        assert page.evaluate(QUEUED) == [event["event_id"]], what


VAR = """
var fbq = function () { fbq.callMethod ? fbq.callMethod.apply(fbq, arguments) : fbq.queue.push(arguments) };
fbq.queue = []; fbq.push = (list) => fbq.apply(null, list);
"""
ACCESSOR = """
let kept; Object.defineProperty(window, 'fbq', {configurable: true, get: () => kept, set: (it) => kept = it});
"""


@pytest.mark.parametrize(
    "before",
    [
        STUB + "const old = fbq; window.fbq = new Proxy(old, {}); window._fbq = window.fbq;",
        STUB + "Object.defineProperty(window, 'fbq', {value: fbq, writable: true, configurable: false});",
        STUB.replace("n.push=n", "Object.defineProperty(n, 'push', {value: n})"),
        VAR,
        ACCESSOR + STUB,
        STUB + "delete fbq.push; delete window._fbq;",
    ],
    ids=["proxy", "not configurable", "push is fixed", "var", "accessor", "bare"],
)
def test_every_kind_of_stub(page: Page, recorder: Recorder, before: str) -> None:
    visit(page, recorder, before=before + INIT + "fbq('track', 'PageView');")
    load(page)
    page.evaluate("fbq('track', 'Lead')")
    events = sent(page, recorder, 2)
    assert called(events) == pairs(hits(page))


def test_what_others_do_to_it_later(page: Page, recorder: Recorder) -> None:
    """Somebody wraps it again, replaces callMethod, puts another stub there, and calls it a second time with one id."""
    visit(page, recorder, before=STUB + INIT)
    load(page)
    page.evaluate(
        """() => {
          const inner = window.fbq;
          window.fbq = Object.assign((...call) => inner(...call), inner);
          fbq('track', 'One');
          const method = inner.callMethod;
          inner.callMethod = (...call) => method.apply(inner, call);
          fbq('track', 'Two');
          fbq('track', 'Three', {}, {eventID: 'same'});
          fbq('track', 'Three', {}, {eventID: 'same'});
        }"""
    )
    events = sent(page, recorder, 3)
    assert called(events) == pairs(hits(page)[:3])
    assert [one["ev"] for one in hits(page)] == ["One", "Two", "Three", "Three"]


def test_each_pixel_by_itself(page: Page, recorder: Recorder) -> None:
    """One order for two pixels is two events under one id: each destination takes the one for its own."""
    visit(page, recorder, before=STUB + INIT + "fbq('init', '456', {em: 'bob@example.com'});")
    single = BUY.replace("fbq('track', 'P", "fbq('trackSingle', ID, 'P")
    page.evaluate(single.replace("ID", "'123'") + single.replace("ID", "456") + single.replace("ID", "'456'"))
    load(page)
    calls = [one["fbq"] for one in sent(page, recorder, 2)]
    assert [(one["pixels"], one["user_data"]["em"]) for one in calls] == [
        (["123"], "ann@example.com"),
        (["456"], "bob@example.com"),
    ]
    assert [(one["id"], one["eid"]) for one in hits(page)] == [
        ("123", "purchase_1001"),
        ("456", "purchase_1001"),
        ("456", "purchase_1001"),
    ]


def test_a_second_script_does_nothing(page: Page, recorder: Recorder) -> None:
    """Two lines in one page, as a theme and a tag manager may bring them."""
    again = f"const s = document.createElement('script'); s.src = '{recorder.tags}/t.js'; s.dataset.pixel = '';"
    said = warnings(page)
    visit(page, recorder, before=STUB + INIT)
    page.evaluate(f"new Promise((then) => {{ {again} s.onload = then; document.head.append(s); }})")
    page.evaluate(BUY)
    load(page)
    sent(page, recorder, 1)
    assert recorder.scripts.count("pixel") == 1
    assert any("loaded twice" in one for one in said)


def test_a_frozen_pixel_is_left_alone(page: Page, recorder: Recorder) -> None:
    """It cannot be given anything, and takes what it took before."""
    frozen = "window.calls = []; window.fbq = Object.freeze((...call) => calls.push(call));"
    visit(page, recorder, before=frozen)
    page.evaluate("fbq('track', 'Lead', {tea: 1})")
    (event,) = sent(page, recorder, 1)
    assert page.evaluate("calls") == [["track", "Lead", {"tea": 1}, {"eventID": event["event_id"]}]]


def test_a_page_whose_fbq_throws(page: Page, recorder: Recorder) -> None:
    """It throws as before, and a getter that throws is no reason to do so ourselves."""
    visit(page, recorder, before="window.fbq = () => { throw new Error('theirs') };")
    assert page.evaluate("try { fbq('track', 'Lead') } catch (error) { error.message }") == "theirs"
    sent(page, recorder, 1)
    getter = "Object.defineProperty(window, 'fbq', {get() { throw new Error('theirs') }});"
    recorder.scripts.clear()
    page.goto(recorder.page(before=getter, settings=ON, after="dataLayer.push({event: 'a'})"))
    recorder.wait(lambda: "pixel" in recorder.scripts, "the script")
    sent(page, recorder, 2)


# ── one order ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("after", "ids", "names"),
    [
        (SALE + BUY, ["purchase_1001"], ["purchase"]),
        (BUY + SALE, ["purchase_1001"], ["purchase"]),
        (SALE.replace("{event", "{event_id: 'own', event") + BUY, ["own"], ["purchase"]),
        (BUY + SALE.replace("{event", "{event_id: 'own', event"), ["own"], ["purchase"]),
        (SALE + BUY.replace(", order_id: '1001'", ""), ["purchase_1001"], ["purchase"]),
        (BUY.replace(", order_id: '1001'", "") + SALE, ["purchase_1001"], ["purchase"]),
        (SALE.replace("1001", "1002") + BUY, ["purchase_1001"], ["purchase", "Purchase"]),
        (SALE + BUY.replace("59.9", "12").replace(", order_id: '1001'", ""), [None], ["purchase", "Purchase"]),
        (BUY + BUY.replace("1001", "1002"), ["purchase_1001", "purchase_1002"], ["Purchase", "Purchase"]),
        (BUY + BUY, ["purchase_1001", "purchase_1001"], ["Purchase"]),
        (
            SALE.replace("dataLayer.push({event: 'purchase',", "gtag('event', 'purchase', {") + BUY,
            ["purchase_1001"],
            ["purchase"],
        ),
        (SALE + BUY.replace("});", "}, {eventID: dataLayer[0].event_id});"), ["purchase_1001"], ["purchase"]),
    ],
    ids=[
        *("push, call", "call, push", "push with an id, call", "call, push with an id", "push, call without a number"),
        *("call without a number, push", "another order", "another value", "two orders", "twice", "gtag", "by hand"),
    ],
)
def test_a_call_and_a_push_of_one_order(
    page: Page, recorder: Recorder, after: str, ids: list[str | None], names: list[str]
) -> None:
    """In one task, before the pixel's script and after it. The push wins, and the pixel gets its id."""
    for loaded in (False, True):
        recorder.posts.clear()
        visit(page, recorder, before=STUB + INIT)
        if loaded:
            load(page)
        page.evaluate(f"() => {{ {after} }}")
        load(page)
        events = sent(page, recorder, len(names))
        assert [one["event"] for one in events] == names
        found = [one["eid"] for one in hits(page)]
        assert found == [events[-1]["event_id"] if one is None else one for one in ids]
        assert {one["event_id"] for one in events} >= set(found)


def test_a_reload_is_no_second_sale(page: Page, recorder: Recorder) -> None:
    """Of a purchase without a number, where the visitor lets something be kept; another one is another sale."""
    buy = "fbq('track', 'Purchase', {value: VALUE, currency: 'EUR'});"
    visit(page, recorder, before=STUB + INIT + MODE + buy.replace("VALUE", "59.9"))
    page.evaluate(buy.replace("VALUE", "12"))
    sent(page, recorder, 2)
    page.reload()
    page.wait_for_function(READY)
    first, other, again = sent(page, recorder, 3)
    assert first["event_id"] == again["event_id"] != other["event_id"]
    assert UUID7.fullmatch(first["event_id"])
    visit(page, recorder, before=STUB + INIT + buy.replace("VALUE", "59.9"))
    assert sent(page, recorder, 4)[-1]["event_id"] != first["event_id"]
    assert page.evaluate("Object.keys(sessionStorage).length") == 1


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────

DENIED = dict.fromkeys(GRANTED, "denied")
BARE: dict[str, str] | None = None


@pytest.mark.parametrize(
    ("settings", "calls", "said"),
    [
        (ON, "", None),
        (ON, "fbq('consent', 'grant');", None),
        (ON, "fbq('consent', 'revoke');", DENIED),
        (ON, "fbq('consent', 'revoke'); fbq('consent', 'grant');", None),
        (ON, MODE + "fbq('consent', 'revoke');", DENIED),
        (ON, "fbq('consent', 'revoke');" + MODE, DENIED),
        (ON, "fbq('consent', 'revoke');" + MODE + "fbq('consent', 'grant');", GRANTED),
        (f"{ON} data-pixel-consent", "fbq('consent', 'grant');", GRANTED),
        (f"{ON} data-pixel-consent", "fbq('consent', 'grant'); fbq('consent', 'revoke');", DENIED),
        (f"{ON} data-pixel-consent", "fbq('consent', 'revoke');", DENIED),
    ],
)
def test_what_the_pixels_consent_says(
    page: Page, recorder: Recorder, settings: str, calls: str, said: dict[str, str] | None
) -> None:
    """With each event of the page, whether it is called or pushed. In the queue, and when all is there."""
    for loaded in (False, True):
        recorder.posts.clear()
        visit(page, recorder, before=STUB + INIT + ("" if loaded else calls), settings=settings)
        load(page)
        page.evaluate((calls if loaded else "") + "fbq('track', 'Lead'); dataLayer.push({event: 'sign_up'});")
        for event in sent(page, recorder, 2):
            assert event.get("consent", {}).get("update") == said


def test_a_pixel_that_was_revoked_before_this_script_came(page: Page, recorder: Recorder) -> None:
    """It has taken the word out of its queue, and shows it."""
    visit(page, recorder, before=f"{STUB}{SCRIPT_NOW} fbq.callMethod('consent', 'revoke');" + MODE + INIT + BUY)
    (event,) = sent(page, recorder, 1)
    assert event["consent"] == {"update": DENIED}
    page.evaluate("fbq('consent', 'grant')")
    assert pairs(hits(page)) == [("Purchase", "purchase_1001")]


def test_what_the_pixel_holds_is_sent_under_its_id(page: Page, recorder: Recorder) -> None:
    """It is revoked from the start; our copy says so, and the pixel's waits for the grant."""
    visit(page, recorder, before=STUB + "fbq('consent', 'revoke');" + INIT + BUY)
    assert load(page) == []
    (event,) = sent(page, recorder, 1)
    assert event["consent"] == {"update": DENIED}
    page.evaluate("fbq('consent', 'grant')")
    assert pairs(hits(page)) == [("Purchase", "purchase_1001")]
    assert len(recorder.taken) == 1


@pytest.mark.parametrize(
    ("before", "told"), [("", True), (MODE, False), ("window.__tcfapi = () => 0;", False)], ids=["none", "mode", "tcf"]
)
def test_the_developer_is_told_of_a_page_without_a_signal(
    page: Page, recorder: Recorder, before: str, told: bool
) -> None:
    said = warnings(page)
    visit(page, recorder, before=before + STUB + INIT + BUY, settings=f"{ON} data-debug")
    sent(page, recorder, 1)
    assert any("no signal of consent in this page" in one for one in said) is told


def test_the_developer_is_told_that_the_pixel_is_revoked(page: Page, recorder: Recorder) -> None:
    said = list[str]()
    page.on("console", lambda message: said.append(message.text))
    visit(page, recorder, before=STUB + "fbq('consent', 'revoke');" + INIT + BUY, settings=f"{ON} data-debug")
    sent(page, recorder, 1)
    assert any("revoked: no copy is sent on for ads" in one for one in said)
    said.clear()
    page.evaluate("fbq('consent', 'grant'); fbq('track', 'Lead')")
    sent(page, recorder, 2)
    assert any("Lead" in one for one in said)
    assert not any("revoked" in one for one in said)


def test_limited_data_use(page: Page, recorder: Recorder) -> None:
    visit(page, recorder, before=STUB + "fbq('dataProcessingOptions', ['LDU'], 1, 1000);" + INIT + BUY)
    assert sent(page, recorder, 1)[0]["fbq"]["dpo"] == [["LDU"], 1, 1000]


def test_without_the_attribute_nothing_is_touched(page: Page, recorder: Recorder) -> None:
    visit(page, recorder, before=STUB + "window.mine = fbq;" + INIT + BUY, settings="")
    load(page)
    assert page.evaluate("fbq === mine")
    assert "eid" not in hits(page)[0]
    assert recorder.scripts[-1] != "pixel"
    assert recorder.taken == []
