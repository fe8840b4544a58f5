"""Preview: the list of events, its filters, the search, and what it says where nothing shows."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.server.conftest import BEARER, CONTAINER, ENVIRON, GRANTED, SERVER, Running, Start, purchase

HTML = {**BEARER, "accept": "text/html"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


async def page(server: Running, path: str = "preview", status: int = 200, **query: str) -> str:
    """A page, once everything so far is on record."""
    await server.runtime.records.flush()
    answer = await server.http.get(f"/-/{path}", params=query, headers=HTML)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store"), answer.text
    return answer.text


async def searched(server: Running, text: str, **more: str) -> str:
    """Where a search leads."""
    await server.runtime.records.flush()
    answer = await server.http.post("/-/events/search", content=urlencode({"q": text, **more}), headers=FORM)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def rows(html: str) -> list[str]:
    """What each row says."""
    found = re.findall(r'<li class="event" data-record="\d+".*?</li>', html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


async def some(server: Running) -> None:
    """A purchase, one without consent, a view, and what is not taken."""
    await server.collect(purchase())
    denied = {**GRANTED, "ad_user_data": "denied"}
    await server.collect(purchase("purchase_T-2", consent=denied, user_data={"email": "max@example.com"}))
    await server.collect({"event": "page_view", "event_id": "v-1", "consent": GRANTED})
    await server.collect({"event_id": "nameless"})
    await server.http.post("/collect", json=purchase(), headers={"origin": "https://other.example"})
    await server.drained()


async def test_each_event_is_a_row_that_says_what_became_of_it(server: Running) -> None:
    await some(server)
    refused, nameless, view, denied, sent = [one[9:] for one in rows(await page(server))]
    assert refused.startswith("refused request ✖ refused https://other.example the origin https://other.example may")
    assert nameless.startswith("event without a name ✖ rejected nameless event is missing")
    assert view == "page_view v-1 ○ 2 not fired"
    assert denied == "purchase T-2, 59.90 EUR ▲ 1 no consent ○ 1 not fired"
    assert sent == "purchase T-1, 59.90 EUR ✔ 1 delivered ○ 1 not fired"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"verdict": "fired"}, ["purchase T-1"]),
        ({"verdict": "not_fired"}, ["page_view v-1", "purchase T-2"]),
        ({"verdict": "failed"}, []),
        ({"verdict": "refused"}, ["refused request", "event without"]),
        ({"tag": "Meta lead", "verdict": "fired"}, []),
        ({"tag": "Meta lead", "verdict": "not_fired"}, ["page_view v-1", "purchase T-2", "purchase T-1"]),
        ({"reason": "consent"}, ["purchase T-2"]),
        ({"name": "page_view"}, ["page_view v-1"]),
        ({"q": "purchase_T"}, ["purchase T-2", "purchase T-1"]),
    ],
    ids=("fired", "not-fired", "failed", "refused", "tag-fired", "tag-not-fired", "reason", "name", "beginning"),
)
async def test_an_address_holds_the_filters(server: Running, query: dict[str, str], expected: list[str]) -> None:
    await some(server)
    found = [" ".join(one.replace("✖", "").split()[1:3]).rstrip(",") for one in rows(await page(server, **query))]
    assert found == expected


async def test_failed_is_what_did_not_arrive(start: Start) -> None:
    server: Running = await start()
    await server.vendor.post("/control", json={"bad_ids": ["purchase_T-2"]})
    await server.collect([purchase(), purchase("purchase_T-2")])
    await server.drained()
    (row,) = rows(await page(server, verdict="failed"))
    assert "T-2" in row
    assert "✖ 1 given up" in row


async def test_an_empty_page_says_what_is_listened_for(server: Running) -> None:
    html = await page(server)
    assert "No event yet" in html
    assert "http://tags.shop.example/collect" in html
    assert "<code>https://shop.example</code>" in html
    assert "Nothing was refused in the last hour" in html
    assert "curl -H &#39;Origin: https://shop.example&#39; -d " in html


async def test_where_all_was_refused_it_says_why(server: Running) -> None:
    for _ in range(3):
        await server.http.post("/collect", json=purchase(), headers={"origin": "https://other.example"})
    html = await page(server, name="purchase")
    assert "No event is like that" in html
    assert "Refused in the last hour" in html
    assert re.search(r'href="/-/preview\?status=refused&amp;reason=origin">\d+ for origin</a>', html)


async def test_level_off_is_told(start: Start) -> None:
    server: Running = await start(server=SERVER + "records: {level: off}\n")
    await server.collect(purchase())
    html = await page(server)
    assert "Nothing is kept of any event" in html
    assert "records: {level: summary}" in html


async def test_one_event_is_shown_beside_the_list(server: Running) -> None:
    await some(server)
    html = await page(server, show="record:1", name="purchase")
    assert 'id="record-1"' in html
    assert html.count('aria-current="true"') >= 1
    assert "it is for <code>generate_lead</code>, and this event is <code>purchase</code>" in html
    assert "No such event" in await page(server, show="record:77")


async def test_a_list_goes_on_with_what_is_older(server: Running) -> None:
    for start in (0, 40):
        await server.collect([purchase(f"purchase_T-{start + number}") for number in range(40)])
    first = await page(server)
    address = re.search(r'href="([^"]+)">Older</a>', first)
    assert address
    query = parse_qs(urlsplit(address[1]).query)
    second = await page(server, before=query["before"][0])
    assert len(rows(first)) + len(rows(second)) == 80
    assert "data-still" in second


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("purchase_T-1", r"/-/events/purchase_T-1"),
        ("T-1", r"/-/events/T-1"),
        ("purchase_", r"/-/preview\?name=purchase&q=purchase_"),
        ("erika@example.com", r"/-/preview\?name=purchase&person=[0-9a-f%C]+"),
        (" Erika@Example.com ", r"/-/preview\?name=purchase&person=[0-9a-f%C]+"),
        ("+49 30 123456", r"/-/preview\?name=purchase&person=[0-9a-f%C]+"),
        ("nobody", r"/-/preview\?name=purchase&person=[0-9a-f%C]+"),
        ("", r"/-/preview\?name=purchase"),
    ],
    ids=("event", "order", "beginning", "e-mail", "e-mail-otherwise", "phone", "unknown", "nothing"),
)
async def test_a_search_leads_to_an_address_without_the_person(server: Running, text: str, where: str) -> None:
    await server.collect(purchase())
    assert re.fullmatch(where, await searched(server, text, name="purchase"))


async def test_a_person_is_found(server: Running) -> None:
    await some(server)
    await server.collect(purchase("purchase_T-3", user_data={"email": "anna@example.com"}))
    location = await searched(server, "anna@example.com")
    (row,) = rows(await page(server, person=parse_qs(urlsplit(location).query)["person"][0]))
    assert "T-3" in row


async def test_a_person_in_an_address_is_not_repeated(server: Running) -> None:
    await server.collect(purchase())
    html = await page(server, q="erika@example.com")
    assert len(rows(html)) == 1
    assert "erika" not in html


@pytest.mark.parametrize(("name", "text"), [("status", "lost"), ("verdict", "x"), ("before", "x"), ("person", "e")])
async def test_a_bad_filter_is_named(server: Running, name: str, text: str) -> None:
    answer = await server.http.get("/-/preview", params={name: text}, headers=HTML)
    assert answer.status_code == 400
    assert f"{name.capitalize()}: " in answer.text


async def test_markup_of_strangers_is_text(start: Start) -> None:
    """In rows, in a story, in filters, and in what the stream says."""
    server: Running = await start(server=SERVER + "records: {level: full}\n", container=CONTAINER + ALL)
    evil: dict[str, Any] = {
        "event": EVIL,
        "event_id": EVIL,
        "page": {"location": f"https://shop.example/{EVIL}", "title": EVIL},
        "ecommerce": {"transaction_id": EVIL, "currency": EVIL, "value": EVIL},
        "consent": GRANTED,
        EVIL: EVIL,
    }
    await server.collect(evil)
    await server.collect(purchase("bad-1", user_data={"email": f"{EVIL}@x.example"}))
    await server.http.post("/collect", json=purchase(), headers={"origin": EVIL})
    for path, query in (
        ("preview", {}),
        ("preview", {"show": "record:1"}),
        ("preview", {"show": "record:2"}),
        ("preview", {"name": EVIL, "tag": EVIL, "reason": EVIL, "q": EVIL, "show": EVIL}),
        ("events/record:1", {}),
        ("events/record:2", {}),
    ):
        html = await page(server, path, **query)
        assert not re.search(r"<script>|<img|onerror=alert[^&]*>", html), (path, query)


ALL = "  - {name: Meta all, destination: meta, triggers: [all]}\n"


async def test_a_page_for_machines_is_the_list(server: Running) -> None:
    await some(server)
    await server.runtime.records.flush()
    one, other = [
        (await server.http.get(f"/-/{path}.json", params={"name": "purchase"}, headers=BEARER)).json()
        for path in ("preview", "events")
    ]
    assert one == other
    assert len(one["events"]) == 2


async def test_whoever_may_only_look_may_search(start: Start) -> None:
    """A search changes nothing."""
    tokens = 'admin: {tokens: {vera: {token: "${env:TOKEN_OF_VERA}", role: view}}}\n'
    token = "token-of-vera-0123456789"
    server: Running = await start(server=SERVER + tokens, environ={**ENVIRON, "TOKEN_OF_VERA": token})
    headers = {**FORM, "authorization": f"Bearer {token}"}
    answer = await server.http.post("/-/events/search", content="q=T-1", headers=headers)
    assert answer.status_code == 303


@pytest.mark.parametrize("name", ["purchase_T-1.json", "purchase_T-1/test.yaml", "purchase_T-1/curl.txt"])
async def test_an_id_that_ends_as_other_addresses_do_is_found_by_its_record(server: Running, name: str) -> None:
    """Strangers choose ids: neither the search nor a link leads to another event's data."""
    await server.collect(purchase())
    await server.collect(purchase(name, ecommerce={"transaction_id": "T-9"}))
    found = await searched(server, name)
    assert urlsplit(found).path == "/-/preview"
    (row,) = rows(await page(server, q=name))
    assert "purchase" in row
    shown = await page(server, "events/record:2")
    assert f"<code>{name}</code>" in shown
    assert not [one for one in re.findall(r'href="/-/events/([^"]*)"', shown) if one.startswith("purchase_T-1")]
