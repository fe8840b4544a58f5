"""The second file of `t.js`: when it is loaded, what it reads, and what happens where it is blocked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import GRANTED, Recorder, warnings

pytestmark = pytest.mark.browser
LARGE = "dataLayer.push({event: 'purchase', transaction_id: 'T', debug: 'x'.repeat(40000)});"
TCF = """window.__tcfapi = (command, version, call) => call(
    {gdprApplies: true, eventStatus: 'tcloaded', tcString: 'CGrants', purpose: {consents: {1: true, 7: true}}}, true);
"""
READY = {"signalStatus": "ready", "gppString": "DBABLA~BVVqAAAAAAA.QA", "applicableSections": [7]}
PIXEL = "window.calls = []; window.fbq = (...call) => calls.push(call);"
UPDATE = f"gtag('consent', 'update', {json.dumps(GRANTED)});"
TRACK = "tagserver.track('purchase', {transaction_id: 'T'}, {pixel: 'Purchase'});"


def gpp(ping: dict[str, Any], success: str = "true") -> str:
    """A GPP tool that says this when it is asked, and later what `window.say` is called with."""
    return f"""window.__gpp = (command, call) => {{
      window.said = command;
      window.say = (pingData) => call({{eventName: 'signalStatus', listenerId: 1, data: 'ready', pingData}}, true);
      call({{eventName: 'listenerRegistered', listenerId: 1, data: true, pingData: {json.dumps(ping)}}}, {success});
    }};"""


def usp(text: str) -> str:
    return f"window.__uspapi = (command, version, call) => call({{version: 1, uspString: {json.dumps(text)}}}, true);"


# ── when it is loaded ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "pushed", "loaded"),
    [
        ("", "dataLayer.push({event: 'purchase', transaction_id: 'T'});", False),
        (UPDATE, "dataLayer.push({event: 'purchase', transaction_id: 'T'});", False),
        ("", LARGE, True),
        (TCF, TRACK, True),
        (gpp(READY), TRACK, True),
        (usp("1YNN"), TRACK, True),
        (PIXEL, TRACK, True),
    ],
    ids=["plain", "Consent Mode", "large", "TCF", "GPP", "US Privacy", "pixel"],
)
def test_who_needs_it_loads_it(page: Page, recorder: Recorder, before: str, pushed: str, loaded: bool) -> None:
    page.goto(recorder.page(before=before, after=pushed))
    recorder.events(1)
    assert recorder.scripts == (["t", "more"] if loaded else ["t"])


# ── GPP and US Privacy ───────────────────────────────────────────────────────────────────────────────────────────────

NAMES = ("gpp", "gpp_sid", "us_privacy", "tcf", "gdpr")


@pytest.mark.parametrize(
    ("tools", "wanted"),
    [
        (gpp(READY), {"gpp": READY["gppString"], "gpp_sid": [7]}),
        (gpp(READY | {"signalStatus": "not ready"}), {}),
        (gpp(READY, "false"), {}),
        (gpp(READY | {"gppString": ""}), {}),
        (usp("1YYN"), {"us_privacy": "1YYN"}),
        (usp(""), {}),
        (usp("1YNN") + gpp(READY), {"us_privacy": "1YNN", "gpp": READY["gppString"], "gpp_sid": [7]}),
        (usp("1YNN") + TCF, {"us_privacy": "1YNN", "tcf": "CGrants", "gdpr": True}),
        ("window.__gpp = () => { throw new Error('no') };" + usp("1YNN"), {"us_privacy": "1YNN"}),
        ("window.__uspapi = (a, b, call) => { call(null, false); call('1YNN', true); call({}, true) };", {}),
    ],
)
def test_what_tools_say_goes_along(page: Page, recorder: Recorder, tools: str, wanted: dict[str, Any]) -> None:
    page.goto(recorder.page(before=tools, after="dataLayer.push({event: 'purchase'});"))
    (event,) = recorder.events(1)
    assert {name: event[name] for name in NAMES if name in event} == wanted


@pytest.mark.parametrize(("sections", "called"), [([7], 1), ([2], 0), ([2, 7], 0), ([-1], 1)])
def test_a_tcf_string_within_gpp_calls_no_pixel(
    page: Page, recorder: Recorder, sections: list[int], called: int
) -> None:
    """The page cannot read it; the server can."""
    tool = gpp(READY | {"applicableSections": sections})
    page.goto(recorder.page(before=PIXEL + tool + UPDATE, after=TRACK))
    recorder.events(1)
    page.wait_for_function("!!tagserver._.extra.listen")
    assert len(page.evaluate("calls")) == called


def test_a_later_word_replaces_the_earlier_one(page: Page, recorder: Recorder) -> None:
    """The event's own goes before."""
    page.goto(recorder.page(before=gpp(READY) + usp("1YNN"), after="dataLayer.push({event: 'purchase', n: 1});"))
    recorder.events(1)
    assert page.evaluate("said") == "addEventListener"
    page.evaluate("(ping) => say(ping)", READY | {"gppString": "DBABLA~BVAUAAAAAAA.QA"})
    page.evaluate(f"() => {{ {usp('1YYN')} }}")
    page.evaluate("void dataLayer.push({event: 'purchase', n: 2}, {event: 'purchase', n: 3, us_privacy: '1---'})")
    _, two, own = sorted(recorder.events(3), key=lambda event: int(event["n"]))
    assert (two["gpp"], two["us_privacy"]) == ("DBABLA~BVAUAAAAAAA.QA", "1YYN")
    assert own["us_privacy"] == "1---"


def test_a_tool_that_has_forgotten_what_its_stub_was_asked(page: Page, recorder: Recorder) -> None:
    """It is asked again; by both, the later word counts."""
    page.goto(recorder.page(before="window.__gpp = () => {}; window.__tcfapi = () => {};"))
    recorder.wait(lambda: "more" in recorder.scripts, "the second file")
    page.evaluate(f"() => {{ {gpp(READY)} {TCF} }}")
    page.evaluate("void dataLayer.push({event: 'purchase'})")
    (event,) = recorder.events(1)
    assert (event["gpp"], event["tcf"]) == (READY["gppString"], "CGrants")


# ── where it is blocked, or does not come in time ────────────────────────────────────────────────────────────────────


def test_without_it_a_tool_counts_as_a_refusal(page: Page, recorder: Recorder) -> None:
    """Although Consent Mode says else; no pixel is called, and nobody waits for it again."""
    heard = warnings(page)
    recorder.blocked.add("more")
    page.goto(recorder.page(before=PIXEL + TCF + UPDATE, after=TRACK))
    (event,) = recorder.events(1)
    assert (event["gdpr"], event.get("tcf")) == (True, None)
    page.evaluate("tagserver.track('purchase', {transaction_id: 'U'})")
    assert recorder.events(2)[1]["gdpr"] is True
    assert page.evaluate("calls") == []
    assert recorder.scripts == ["t", "more"]
    assert heard == ["[tagserver] more.js is blocked"]


def test_without_it_nothing_leaves_that_waits_for_a_choice(page: Page, recorder: Recorder) -> None:
    recorder.blocked.add("more")
    page.goto(recorder.page(settings='data-consent="required"', before=TCF, after=TRACK))
    recorder.wait(lambda: "more" in recorder.scripts, "the second file")
    page.wait_for_timeout(300)
    assert recorder.posts == []


def test_without_it_a_large_event_goes_as_it_is(page: Page, recorder: Recorder) -> None:
    recorder.blocked.add("more")
    page.goto(recorder.page(after=LARGE + "dataLayer.push({event: 'small'});"))
    events = {event["event"]: event for event in recorder.events(2)}
    assert len(events["purchase"]["debug"]) == 40_000
    assert "truncated" not in events["purchase"]


def test_without_it_a_preview_is_none_and_events_go_on(page: Page, recorder: Recorder) -> None:
    recorder.blocked.add("more")
    page.goto(recorder.page(after="dataLayer.push({event: 'purchase'});") + "?ts_preview=g")
    recorder.events(1)


@pytest.mark.parametrize(
    ("before", "pushed"),
    [("", LARGE + "dataLayer.push({event: 'small'});"), (TCF, "dataLayer.push({event: 'a'}, {event: 'b'});")],
    ids=["large", "TCF"],
)
def test_leaving_does_not_wait_for_it(page: Page, recorder: Recorder, before: str, pushed: str) -> None:
    """What a tool would have said counts as a refusal."""
    page.route("**/more.*", lambda route: None)  # never answered
    recorder.pages["/gone"] = "<title>Gone</title>"
    page.goto(recorder.page(before=before, after=pushed), wait_until="commit")
    page.wait_for_function("window.tagserver")
    page.evaluate(f"location.href = '{recorder.tags}/gone'")
    page.wait_for_url("**/gone")
    assert [event.get("gdpr") for event in recorder.events(2)] == ([True] * 2 if before else [None] * 2)


# ── policies and hashes ──────────────────────────────────────────────────────────────────────────────────────────────


def guarded(recorder: Recorder, policy: str, settings: str = "") -> str:
    """A page under a policy (in which HASH is that of its inline script), by a nonce."""
    inline = f"window.dataLayer = []; {LARGE}"
    path = f"/guarded{len(recorder.pages)}"
    recorder.pages[path] = (
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<script nonce=n>{inline}</script><script nonce=n async src="{recorder.tags}/t.js" {settings}></script>'
    )
    return recorder.shop + path


@pytest.mark.parametrize(
    ("policy", "works"),
    [
        ("script-src 'nonce-n' 'strict-dynamic'", True),
        ("script-src 'nonce-n' 'strict-dynamic'; require-trusted-types-for 'script'", True),
        ("script-src 'nonce-n'; require-trusted-types-for 'script'; trusted-types tagserver", True),
        ("script-src 'nonce-n'; require-trusted-types-for 'script'; trusted-types other", False),
    ],
)
def test_the_strictest_policies(page: Page, recorder: Recorder, policy: str, works: bool) -> None:
    """A page that does not let us name a policy has the event as it is."""
    page.goto(guarded(recorder, f"default-src 'none'; connect-src {recorder.tags}; {policy}"))
    (event,) = recorder.events(1)
    assert event.get("truncated") == (["debug"] if works else None)
    assert recorder.scripts == (["t", "more"] if works else ["t"])


def test_another_file_under_its_name_is_not_run(page: Page, recorder: Recorder) -> None:
    changed = "window.ran = true;"
    page.route(
        "**/more.*",
        lambda route: route.fulfill(
            body=changed, content_type="text/javascript", headers={"access-control-allow-origin": "*"}
        ),
    )
    page.goto(recorder.page(after=LARGE))
    assert "truncated" not in recorder.events(1)[0]
    assert page.evaluate("window.ran") is None
