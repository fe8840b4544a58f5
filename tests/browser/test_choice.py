"""When an event of a page may leave, by what consent tools say and how they say it; and what Meta's pixel gets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.recorder import Recorder

pytestmark = pytest.mark.browser

ADS = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
ALL = ADS | {"analytics_storage": "granted"}
DENIED = dict.fromkeys(ALL, "denied")
ANALYTICS = {"analytics_storage": "granted"}
FUNCTIONS = {"functionality_storage": "granted"}
REQUIRED = 'data-consent="required"'


def updates(*said: Any) -> str:
    """These calls in one task, with no time between."""
    return "".join(f"gtag('consent', 'update', {json.dumps(one)});" for one in said)


# ── what is one choice, and what is none ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ([FUNCTIONS, ALL], FUNCTIONS | ALL),
        ([ANALYTICS, ADS], ALL),
        ([ADS, ANALYTICS], ALL),
        ([DENIED, ALL], ALL),
        ([{}, ALL], ALL),
        (["update", ALL], ALL),
        ([None, 7, ["ad_storage"], ALL], ALL),
        ([ANALYTICS], ANALYTICS),
        ([ADS | ANALYTICS, {"ad_user_data": "denied"}], ALL | {"ad_user_data": "denied"}),
    ],
)
def test_all_that_is_said_in_one_task_is_one_choice(
    page: Page, recorder: Recorder, said: list[Any], chosen: dict[str, str]
) -> None:
    page.goto(recorder.page(settings=REQUIRED, after="dataLayer.push({event: 'purchase'});" + updates(*said)))
    (event,) = recorder.events(1)
    assert event["consent"] == {"update": chosen}


@pytest.mark.parametrize("said", [[], [FUNCTIONS], [{}], ["update"], [{"marketing": "granted"}]])
def test_without_a_choice_it_goes_on_waiting(page: Page, recorder: Recorder, said: list[Any]) -> None:
    page.goto(recorder.page(settings=REQUIRED, after="dataLayer.push({event: 'purchase'});" + updates(*said)))
    page.evaluate("tagserver.flush()")
    page.wait_for_timeout(100)
    assert recorder.posts == []
    page.evaluate(updates(ALL))
    assert recorder.events(1)[0]["event"] == "purchase"


@pytest.mark.parametrize("said", [[DENIED], [ALL, DENIED], [FUNCTIONS, {"ad_storage": "denied"}], [{"ad_storage": 5}]])
def test_a_denial_drops_what_waits(page: Page, recorder: Recorder, said: list[Any]) -> None:
    page.goto(recorder.page(settings=REQUIRED, after="dataLayer.push({event: 'purchase', n: 1});" + updates(*said)))
    page.wait_for_timeout(100)
    page.evaluate(updates(ALL))
    page.evaluate("void dataLayer.push({event: 'purchase', n: 2})")
    assert recorder.events(1)[0]["n"] == 2


def test_leaving_the_page_in_the_middle_of_a_choice_loses_nothing(page: Page, recorder: Recorder) -> None:
    recorder.pages["/gone"] = "<title>Gone</title>"
    page.goto(recorder.page(settings=REQUIRED, after="dataLayer.push({event: 'view_item'});"))
    page.evaluate(updates(ALL) + f"location.href = '{recorder.tags}/gone'")
    page.wait_for_url("**/gone")
    assert recorder.events(1)[0]["consent"] == {"update": ALL}


# ── TCF tools ────────────────────────────────────────────────────────────────────────────────────────────────────────

TOOL = """
window.listeners = [];
window.__tcfapi = (command, version, call) => { listeners.push(call); ANSWER };
window.say = (...said) => listeners.forEach((one) => one(...said));
"""
GRANTS = {"gdprApplies": True, "eventStatus": "tcloaded", "tcString": "CGrants"}
ASKS = {"gdprApplies": True, "eventStatus": "cmpuishown", "tcString": "CNothing"}


def tool(*answers: Any) -> str:
    """A TCF tool that answers a listener at once."""
    calls = [f"call({', '.join(map(json.dumps, one if isinstance(one, list) else [one, True]))});" for one in answers]
    return TOOL.replace("ANSWER", "".join(calls))


PUSHES = "dataLayer.push({event: 'page_view'}); dataLayer.push({event: 'purchase'});"


def test_the_string_of_a_tool_is_a_choice(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(settings=REQUIRED, before=tool(GRANTS), after=PUSHES))
    assert [(event["gdpr"], event["tcf"]) for event in recorder.events(2)] == [(True, "CGrants")] * 2


def test_the_visitor_answers_later(page: Page, recorder: Recorder) -> None:
    """While the visitor is asked nothing leaves; then what has waited says what was chosen."""
    page.goto(recorder.page(settings=REQUIRED, before=tool(ASKS), after=PUSHES))
    page.evaluate("tagserver.flush()")
    page.wait_for_timeout(100)
    assert recorder.posts == []
    page.evaluate("(said) => say(said, true)", GRANTS | {"eventStatus": "useractioncomplete"})
    assert [event["tcf"] for event in recorder.events(2)] == ["CGrants"] * 2


def test_a_tool_may_come_after_all_events(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(settings=REQUIRED, after=PUSHES))
    page.evaluate(tool(GRANTS))
    assert [event["tcf"] for event in recorder.events(2)] == ["CGrants"] * 2


def test_where_the_law_does_not_apply_nothing_waits(page: Page, recorder: Recorder) -> None:
    page.goto(
        recorder.page(settings=REQUIRED, before=tool({"gdprApplies": False, "eventStatus": "tcloaded"}), after=PUSHES)
    )
    assert [event["gdpr"] for event in recorder.events(2)] == [False, False]


def test_a_string_that_allows_nothing_is_a_denial(page: Page, recorder: Recorder) -> None:
    """Consent Mode is asked first; a page that only knows TCF keeps to itself what was refused."""
    refused = GRANTS | {"purpose": {"consents": {"1": False}}}
    page.goto(recorder.page(settings=REQUIRED, before=tool(refused), after=PUSHES))
    page.wait_for_timeout(100)
    assert recorder.posts == []
    page.evaluate(updates(ANALYTICS) + "dataLayer.push({event: 'purchase'})")
    assert recorder.events(1)[0]["consent"] == {"update": ANALYTICS}


@pytest.mark.parametrize("noise", [[None, False], [True, True], [], [None], ["no"], [{}, False], [{}]])
def test_what_is_no_answer_changes_nothing(page: Page, recorder: Recorder, noise: list[Any]) -> None:
    """Nothing is thrown into the tool's loop, and what was known stays known."""
    page.goto(recorder.page(before=tool(GRANTS), after="dataLayer.push({event: 'a'}); tagserver.flush();"))
    page.evaluate("(said) => say(...said)", noise)
    page.evaluate("dataLayer.push({event: 'b'}); tagserver.flush();")
    assert [event["tcf"] for event in recorder.events(2)] == ["CGrants"] * 2


@pytest.mark.parametrize("noise", [[None, False], [True, True], [{"gdprApplies": True}, True], [GRANTS, False]])
def test_no_answer_at_first_is_no_choice(page: Page, recorder: Recorder, noise: list[Any]) -> None:
    page.goto(recorder.page(settings=REQUIRED, before=tool(noise), after=PUSHES))
    page.evaluate("tagserver.flush()")
    page.wait_for_timeout(100)
    assert recorder.posts == []
    page.evaluate("(said) => say(said, true)", GRANTS)
    assert len(recorder.events(2)) == 2


# ── wait_for_update ──────────────────────────────────────────────────────────────────────────────────────────────────


def default(wait: int) -> str:
    return f"gtag('consent', 'default', {{ad_storage: 'denied', wait_for_update: {wait}}});"


def test_an_event_waits_for_the_update(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(before=default(60_000) + "dataLayer.push({event: 'purchase'});"))
    page.wait_for_timeout(100)
    assert recorder.posts == []
    page.evaluate(updates(ALL))
    (event,) = recorder.events(1)
    assert event["consent"]["update"] == ALL
    assert len(recorder.posts) == 1


def test_it_waits_no_longer_than_asked(page: Page, recorder: Recorder) -> None:
    """Then it leaves with what is known, and later ones do not wait."""
    page.goto(recorder.page(before=default(300) + "dataLayer.push({event: 'purchase'});"))
    (event,) = recorder.events(1)
    assert event["consent"] == {"default": {"ad_storage": "denied", "wait_for_update": 300}}
    assert recorder.posts[0].body["sent"] - event["timestamp"] >= 200
    page.evaluate("void dataLayer.push({event: 'purchase'})")
    recorder.events(2)
    assert recorder.posts[1].body["sent"] - recorder.taken[1]["timestamp"] < 250


def test_leaving_the_page_ends_the_wait(page: Page, recorder: Recorder) -> None:
    recorder.pages["/gone"] = "<title>Gone</title>"
    page.goto(recorder.page(before=default(60_000) + "dataLayer.push({event: 'view_item'});"))
    page.evaluate(f"location.href = '{recorder.tags}/gone'")
    page.wait_for_url("**/gone")
    assert recorder.events(1)[0]["consent"] == {"default": {"ad_storage": "denied", "wait_for_update": 60_000}}


def test_a_choice_that_comes_too_late_is_posted_by_itself(page: Page, recorder: Recorder) -> None:
    """At once, with the id of the page view that the events had, and nobody's name; once for each choice."""
    page.goto(
        recorder.page(
            before=default(50) + "dataLayer.push({event: 'purchase', user_data: {email: 'a@shop.example'}});"
            "gtag('set', 'user_id', 'u1');"
        )
    )
    recorder.events(1)
    page.evaluate(updates(ANALYTICS, ADS))
    said = recorder.events(2)[1]
    view = recorder.posts[0].body["ctx"]["page_view_id"]
    assert view
    assert recorder.posts[1].body["ctx"]["page_view_id"] == view
    assert set(said) == {"event", "event_id", "timestamp", "consent"}
    assert (said["event"], said["consent"]["update"]) == ("consent", ALL)
    page.evaluate(updates(ALL))
    page.evaluate("void dataLayer.push({event: 'purchase'})")
    assert recorder.events(3)[2]["event"] == "purchase"
    page.evaluate(updates(DENIED))
    assert recorder.events(4)[3]["consent"]["update"] == DENIED


def test_a_choice_is_posted_where_the_server_lets_events_wait(page: Page, recorder: Recorder) -> None:
    """It says so; where nothing waits there is nothing to post."""
    for status in ("accepted", "held"):
        recorder.status = status
        page.goto(recorder.page(before="dataLayer.push({event: 'purchase'})"))
        recorder.wait(lambda: recorder.posts, "the purchase")
        page.wait_for_timeout(100)
        page.evaluate(updates(ALL))
        page.wait_for_timeout(100)
        assert [event["event"] for event in recorder.taken] == ["purchase", *(["consent"] if status == "held" else [])]
        recorder.posts.clear()


def test_each_page_view_has_an_id_of_its_own(page: Page, recorder: Recorder) -> None:
    address = recorder.page(after="dataLayer.push({event: 'purchase'})")
    for _ in range(2):
        page.goto(address)
    recorder.events(2)
    first, second = (post.body["ctx"]["page_view_id"] for post in recorder.posts)
    assert first != second


# ── Meta's pixel ─────────────────────────────────────────────────────────────────────────────────────────────────────

PIXEL = "window.calls = []; window.fbq = (...call) => calls.push(call);"
TRACK = "tagserver.track('purchase', {transaction_id: 'T'}, {pixel: 'Purchase'});"


def own(consent: Any) -> str:
    return f"tagserver.track('purchase', {{consent: {json.dumps(consent)}}}, {{pixel: 'Purchase'}});"


BOTH = {"ad_storage": "granted", "ad_user_data": "granted"}
P1_P7 = GRANTS | {"purpose": {"consents": {"1": True, "7": True}}}
P1 = GRANTS | {"purpose": {"consents": {"1": True}}}


@pytest.mark.parametrize(
    ("before", "after", "called"),
    [
        ("", TRACK, False),
        (f"gtag('consent', 'default', {json.dumps(ALL)});", TRACK, False),
        (updates(BOTH), TRACK, True),
        (updates({"ad_storage": "granted"}), TRACK, False),
        (updates({"ad_user_data": "granted"}), TRACK, False),
        (updates(BOTH | {"ad_user_data": "denied"}), TRACK, False),
        (updates({"ad_storage": ["granted"], "ad_user_data": ["granted"]}), TRACK, False),
        ("", own(BOTH), True),
        ("", own({"update": BOTH}), True),
        ("", own({"default": BOTH}), False),
        (updates(BOTH), own({"ad_storage": "granted"}), False),
        (updates(BOTH), own("denied"), False),
        (updates(BOTH), own(False), False),
        (tool(P1_P7), TRACK, True),
        (tool(P1), TRACK, False),
        (tool(GRANTS), TRACK, False),
        (tool(P1) + updates(BOTH), TRACK, False),
        (tool(P1_P7) + updates(BOTH), TRACK, True),
        (tool(P1_P7) + updates(DENIED), TRACK, False),
        (updates(BOTH), updates(DENIED) + TRACK, False),
        (tool(P1_P7 | {"gdprApplies": False}), TRACK, False),
        (tool(P1 | {"gdprApplies": False}) + updates(BOTH), TRACK, True),
        (tool(P1_P7), own(False), False),
        (tool(P1_P7), own(0), False),
        (tool(P1_P7), own({}), False),
        (tool(P1_P7), own({"update": BOTH, "ad_user_data": "denied"}), False),
        (tool(P1_P7), own({"update": DENIED} | BOTH), False),
    ],
)
def test_the_pixel_is_called_with_consent_alone(
    page: Page, recorder: Recorder, before: str, after: str, called: bool
) -> None:
    page.goto(recorder.page(before=PIXEL + before, after=after))
    (event,) = recorder.events(1)
    calls = page.evaluate("calls")
    assert [call[3] for call in calls] == ([{"eventID": event["event_id"]}] if called else [])


@pytest.mark.parametrize("settings", [REQUIRED, ""])
def test_the_pixel_waits_as_the_event_does(page: Page, recorder: Recorder, settings: str) -> None:
    page.goto(recorder.page(settings=settings, before=PIXEL + default(60_000), after=TRACK))
    assert page.evaluate("calls") == []
    page.evaluate(updates(ALL))
    recorder.events(1)
    assert [call[:2] + call[3:] for call in page.evaluate("calls")] == [
        ["track", "Purchase", {"eventID": "purchase_T"}]
    ]


def test_the_pixel_gets_fields_of_meta_alone(page: Page, recorder: Recorder) -> None:
    """Made of the items; never a person's data, gtm.* or GA4's shape. What cannot be a quantity or a price is no
    such."""
    page.goto(recorder.page(before=PIXEL + updates(BOTH)))
    page.evaluate(
        """() => {
          gtag('set', 'user_data', {email: 'erika@shop.example'});
          tagserver.track('purchase', {
            'gtm.uniqueEventId': 7, coupon: 'SUMMER', email: 'erika@shop.example', user_id: 'u', client_id: 'c',
            ecommerce: {transaction_id: 'T', value: 59.9, currency: 'EUR', tax: 3, shipping: 4, items: [
              {item_id: 'A', item_name: 'Mug', quantity: 2, price: 10.5, email: 'erika@shop.example'},
              {item_id: 7, price: '1.299,00'}, {item_id: 'B', quantity: -1, price: '5'}, {item_name: 'x'}, null, 'junk',
            ]},
          }, {pixel: 'Purchase'});
          const search = {search_term: 'mug', content_ids: ['A'], content_type: 'product'};
          tagserver.track('search', search, {pixel: 'Search'});
        }"""
    )
    purchase, search = page.evaluate("JSON.parse(JSON.stringify(calls.map((call) => call[2])))")
    assert purchase == {
        "value": 59.9,
        "currency": "EUR",
        "content_type": "product",
        "content_ids": ["A", 7, "B"],
        "contents": [
            {"id": "A", "quantity": 2, "item_price": 10.5},
            {"id": 7, "quantity": 1},
            {"id": "B", "item_price": 5},
        ],
        "num_items": 3,
    }
    assert search == {"content_ids": ["A"], "content_type": "product"}


def test_a_pixel_that_throws_costs_nothing(page: Page, recorder: Recorder) -> None:
    page.goto(recorder.page(before="window.fbq = () => { throw new Error('no') };" + updates(BOTH), after=TRACK))
    assert recorder.events(1)[0]["event_id"] == "purchase_T"
