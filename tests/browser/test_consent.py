"""What of consent `t.js` sends along, and what waits for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import GRANTED, Recorder

pytestmark = pytest.mark.browser
DENIED = dict.fromkeys(GRANTED, "denied")


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
        }"""
    )
    page.wait_for_function("!!window.say")
    page.evaluate(
        """() => {
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
