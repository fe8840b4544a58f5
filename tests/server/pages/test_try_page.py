"""The page Try, as a form without JavaScript posts it: what is typed is read, asked, shown, and kept nowhere; and Send
as test."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.server.conftest import BEARER, ENVIRON, GRANTED, Running, Start, purchase
from tests.server.test_vendor_tests import OTHERS

FORM = {**BEARER, "accept": "text/html", "content-type": "application/x-www-form-urlencoded"}
MARKUP = "<script>alert(1)</script>"


async def submit(server: Running, event: object, path: str = "try", **fields: str) -> tuple[int, str]:
    text = event if isinstance(event, str) else json.dumps(event)
    answer = await server.http.post(f"/-/{path}", content=urlencode({"event": text, **fields}), headers=FORM)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.text


async def test_an_event_is_tried(server: Running) -> None:
    """Each tag with its decision, its reason and its request; the text that was typed stays."""
    status, text = await submit(server, purchase())
    assert status == 200
    for shown in ("Meta purchase", "no_trigger", "generate_lead", "POST", "/events", "Bearer ••••", "1 tag"):
        assert shown in text, shown
    assert "purchase_T-1" in text
    assert ENVIRON["META_TOKEN"] not in text
    assert (await server.status())["destinations"]["meta"]["accepted"] == 0
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0


async def test_the_empty_page_and_its_examples(server: Running) -> None:
    """Each example is an event that is taken."""
    offered = (await server.http.get("/-/try.json", headers=BEARER)).json()
    assert offered["sources"] == ["browser", "backend", "crm"]
    assert [one["destination"] for one in offered["tests"]] == ["meta"]
    for name in offered["examples"]:
        answer = await server.http.get("/-/try", params={"example": name}, headers=FORM)
        text = answer.text.partition('<textarea id="event"')[2].partition(">\n")[2].partition("</textarea>")[0]
        status, tried = await submit(server, text.replace("&#34;", '"'))
        assert (status, "The event is refused" in tried) == (200, False)
    assert (await server.http.get("/-/try?example=nobody", headers=FORM)).status_code == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Paste an event"),
        (" \n", "Paste an event"),
        ('{"event": "purchase",\n  "value": }', "Line 2, column 12"),
        ('{"event": "purchase"', "Line 1, column 21"),
        ('["a"]', "This is a list"),
        ("purchase", "This is a text"),
        ('{"a": NaN}', "NaN and Infinity are no numbers"),
        ("{event: 'purchase', value: [1, }", "Line 1"),
        ("{event: purchase\n" + "[" * 3000, "Line"),
        ('{"a":' * 3000, "nests too deeply"),
    ],
    ids=["nothing", "blanks", "no value", "cut", "a list", "a word", "nan", "code", "brackets", "deep"],
)
async def test_a_mistake_is_told_at_the_field(server: Running, text: str, said: str) -> None:
    """With its place; what was typed is still there."""
    status, shown = await submit(server, text)
    assert status == 400
    assert said in shown
    assert 'aria-invalid="true"' in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"event": "purchase", "event_id": "e-17"}',
        "{event: 'purchase', event_id: 'e-17'}",
        "dataLayer.push({event: 'purchase',\n  event_id: 'e-17',\n});",
        'window.dataLayer.push({"event": "purchase", "event_id": "e-17"})',
        '{"event": {"event": "purchase", "event_id": "e-17"}, "ip": "1.1.1.1"}',
        "event: purchase\nevent_id: e-17\n",
        "gtag('event', 'purchase', {event_id: 'e-17'});",
        'window.gtag("event", "purchase", {"event_id": "e-17"})',
        '["event", "purchase", {"event_id": "e-17"}]',
    ],
    ids=["json", "javascript", "a call", "a call of window", "a question", "yaml", "gtag", "gtag of window", "a list"],
)
async def test_an_event_as_people_have_it(server: Running, text: str) -> None:
    """JSON, the code of the page, a whole question."""
    status, shown = await submit(server, text)
    assert status == 200
    assert "<h2>purchase <code>e-17</code></h2>" in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"headers": "User-Agent"}, "a header as Name: value"),
        ({"cookies": "a=b\nc"}, "Line 2, column 1"),
        ({"source": "nobody"}, "no key is called"),
    ],
    ids=["header", "cookie", "source"],
)
async def test_a_mistake_beside_the_event(server: Running, fields: dict[str, str], said: str) -> None:
    status, shown = await submit(server, purchase(), **fields)
    assert (status, said in shown) == (400, True)


async def test_the_fields_beside_the_event(server: Running) -> None:
    """Consent, source, address, headers and cookies count as if the request had brought them."""
    told: dict[str, Any] = purchase(consent={})
    assert "consent" in (await submit(server, told))[1]
    status, shown = await submit(
        server,
        told,
        consent="granted",
        ip="1.1.1.1",
        headers="User-Agent: Agent/17\nAccept-Language: de",
        cookies="_fbp=fb.1.1700000000000.4711",
    )
    assert status == 200
    for text in ("1.1.1.1", "Agent/17", "fb.1.1700000000000.4711"):
        assert text in shown.partition('id="result"')[2], text
    _, denied = await submit(server, purchase(), consent="denied")
    assert "block" in denied.partition('id="result"')[2]
    _, of_a_key = await submit(server, purchase(consent={}), source="crm")
    assert "fired" in of_a_key


async def test_an_event_that_is_refused(server: Running) -> None:
    """As at the door, with the problem."""
    status, shown = await submit(server, {"value": 1})
    assert (status, "The event is refused" in shown) == (200, True)


async def test_what_is_typed_does_nothing(server: Running) -> None:
    """Markup in names and values, and in a text that is no JSON."""
    for event in (purchase(MARKUP, **{MARKUP: MARKUP}), f"</textarea>{MARKUP}", {"event": MARKUP}):
        _, shown = await submit(server, event, ip=MARKUP, headers=MARKUP, code=MARKUP)
        assert "<script>alert" not in shown
    _, shown = await submit(server, {"event": MARKUP}, "try/send", destination=MARKUP, code=MARKUP)
    assert "<script>alert" not in shown


async def test_nothing_that_is_typed_is_logged(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Nor in an address."""
    caplog.set_level("DEBUG", "tagserver")
    for path in ("try", "try/send"):
        await submit(server, purchase(user_data={"email": "sentinel@example.com"}), path, destination="meta", code="T1")
        await submit(server, '{"sentinel@example.com"', path)
    assert "sentinel" not in caplog.text


# ── send as test


async def test_send_as_test(server: Running) -> None:
    """The vendor's answer is on the page; the code went with it."""
    status, shown = await submit(server, purchase(), "try/send", destination="meta", code=" TEST77 ")
    assert status == 200
    assert "Sent as test to meta" in shown
    assert "HTTP 200" in shown
    assert "TEST77" in shown
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 1


async def test_send_as_test_for_machines(server: Running) -> None:
    """The same, with what cannot be sent as a problem."""
    order = {"event": purchase(), "destination": "meta", "code": "TEST1"}
    answer = await server.http.post("/-/try/send.json", json=order, headers=BEARER)
    assert (answer.status_code, [one["outcome"] for one in answer.json()["sent"]]) == (200, ["delivered"])
    for change, status in (({"destination": "x"}, 404), ({"code": ""}, 409), ({"source": "x"}, 400), ({"no": 1}, 400)):
        answer = await server.http.post("/-/try/send.json", json=order | change, headers=BEARER)
        assert answer.status_code == status, change
        assert answer.json()["problems"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"destination": "meta", "code": ""}, "Type the test code"),
        ({"destination": "hook", "code": "T"}, "has no test mode"),
        ({"destination": "", "code": "T"}, "Choose one of the destinations"),
    ],
    ids=["no code", "no mode", "nobody"],
)
async def test_what_cannot_be_sent(start: Start, fields: dict[str, str], said: str) -> None:
    server: Running = await start(container=OTHERS)
    status, shown = await submit(server, purchase(), "try/send", **fields)
    assert (status, said in shown) == (409, True)


async def test_nothing_to_send(server: Running) -> None:
    """No consent, no request; below stands why."""
    denied = dict.fromkeys(GRANTED, "denied")
    status, shown = await submit(server, purchase(consent=denied), "try/send", destination="meta", code="T")
    assert (status, "Nothing was sent: no tag sends this event" in shown) == (200, True)
    assert (await server.vendor.get("/stats.json")).json()["arrivals"] == 0


async def test_without_a_test_mode_there_is_no_button(start: Start) -> None:
    """The page says which destinations have none."""
    server: Running = await start(container=OTHERS)
    shown = (await server.http.get("/-/try", headers=FORM)).text
    assert "No test mode: hook." in shown
    only = (
        "destinations: {hook: {type: file, path: events}}\n"
        "tags: [{name: Hook, destination: hook, triggers: [all], consent: [analytics_storage]}]\n"
    )
    server = await start(container=only, name="two")
    shown = (await server.http.get("/-/try", headers=FORM)).text
    assert "None of the destinations has a test mode" in shown
    assert "formaction" not in shown
