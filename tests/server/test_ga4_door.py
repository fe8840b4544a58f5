"""Google's tag and its Measurement Protocol at a whole server: what comes twice after a choice counts once where it was
sent, and is sent where it was kept back; nothing of an address is told to anybody."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.fast_yaml import safe_load
from tests.server.conftest import BEARER, ENVIRON, ORIGIN, SERVER, Running, Start, purchase, samples
from tests.server.test_door_secrecy import everything

MARK = "zzsentinelzz"
SECRETS = {**ENVIRON, "TILL": "till-secret", "SILENT": "silent-secret"}
DOOR = (
    SERVER
    + """
clients:
  ga4:
    measurement_ids: [G-RECORDED1]
    api_secrets:
      till:
        secret: "${env:TILL}"
        consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted, analytics_storage: granted}
        basis: "terms, 2026-03"
      silent: {secret: "${env:SILENT}"}
"""
)
CONTAINER = """
destinations:
  meta: {type: meta_capi, pixel_id: "1234567890", access_token: "${env:META_TOKEN}", api_url: http://vendor.internal}
  seen: {type: file, path: seen}
triggers:
  scrolled: {event: scroll}
tags:
  - {name: Meta, destination: meta, triggers: [all]}
  - {name: Seen, destination: seen, triggers: [all]}
  - {name: Scrolled, destination: seen, triggers: [scrolled], event_name: asked_for}
"""
PAGE = {"referer": f"{ORIGIN}/thanks?x=1", "user-agent": "Firefox", "sec-fetch-site": "same-origin"}
DENIED = {"gcs": "G100", "gcd": "13p3p3p3p5l1", "npa": "1"}
GRANTED = {"gcs": "G111", "gcd": "13r3r3r3r5l1", "npa": "0"}
AGAIN = {**GRANTED, "gcu": "1"}
VIEW = {"v": "2", "tid": "G-RECORDED1", "_p": "1796139883157", "cid": "126970246.1796139883", "en": "page_view"}
VIEW |= {"dl": "https://shop.example/thanks", "ep.user_data.email": "mia@shop.example"}
ORDER = {**VIEW, "en": "purchase", "_c": "1", "cu": "EUR", "epn.value": "59.9", "ep.transaction_id": "T-1", "_et": "10"}
CART = {**VIEW, "en": "add_to_cart", "cu": "EUR", "epn.value": "5", "pr1": "ida~pr5~qt1"}
RECORDED: Sequence[dict[str, Any]] = safe_load((Path(__file__).parent / "gtag_hits.yaml").read_text())


@pytest.fixture
async def door(start: Start) -> Running:
    """A server with Google's addresses."""
    server: Running = await start(server=DOOR, environ=SECRETS, container=CONTAINER)
    return server


async def hit(server: Running, *parts: dict[str, str], **headers: str) -> httpx.Response:
    """One hit, as a page sends it to its own host."""
    values = {name: value for part in parts for name, value in part.items()}
    given = {**PAGE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await server.http.get(f"/g/collect?{urlencode(values)}", headers=given)


async def sent(server: Running) -> Counter[str]:
    """How many of which name Meta has got."""
    return Counter(one["event_name"] for one in (await server.drained())["events"])


async def seen(server: Running) -> Counter[str]:
    """And the file, whose tag needs nobody's consent."""
    await server.drained()
    rows = (path.read_text().splitlines() for path in server.data.rglob("*.jsonl"))
    return Counter(json.loads(row)["event"] for lines in rows for row in lines)


async def test_a_choice_after_the_order(door: Running) -> None:
    """The first copies are kept from Meta, and leave nothing that would keep the second ones."""
    for number, one in enumerate((VIEW, ORDER), 1):
        assert (await hit(door, one, DENIED, {"_s": str(number)})).status_code == 204
    assert await sent(door) == {}
    assert await seen(door) == {"page_view": 1, "purchase": 1}
    for number, one in enumerate((VIEW, ORDER), 3):
        assert (await hit(door, one, AGAIN, {"_s": str(number)})).status_code == 204
    assert await sent(door) == {"PageView": 1, "Purchase": 1}
    for number, one in enumerate((VIEW, ORDER), 5):
        await hit(door, one, AGAIN, {"_s": str(number)})
    assert await sent(door) == {"PageView": 1, "Purchase": 1}
    assert await seen(door) == {"page_view": 1, "purchase": 1}


@pytest.mark.parametrize(
    ("said", "arrives"),
    [
        ({"gcs": "G111", "gcd": "13r3r3r3r5"}, True),
        ({"gcs": "G111"}, False),
        ({"gcs": "G111", "gcd": "13t3t3t3t5"}, False),
        ({"gcs": "G100", "gcd": "13r3r3r3r5"}, False),
        ({"gcd": "13r3r3u3r5"}, False),
        ({"gcd": "13r3r3r3r5", "ep.consent": "denied"}, True),
        ({"ep.gcd": "13r3r3r3r5", "ep.gcs": "G111", "ep.consent": "granted"}, False),
        ({"gcd": "garbled"}, False),
        ({}, False),
    ],
)
async def test_whose_consent_it_is(door: Running, said: dict[str, str], arrives: bool) -> None:
    """`gcs` alone speaks of storage; what was only preset is nobody's choice, and a parameter is nobody's word."""
    await hit(door, ORDER, said)
    assert await sent(door) == ({"Purchase": 1} if arrives else {})


async def test_what_the_page_has_done_twice_is_two(door: Running) -> None:
    """Also a conversion; while something is denied the time since the hit before tells them apart."""
    for number, engaged in ((5, "1520"), (6, "1520")):
        await hit(door, CART, GRANTED, {"_s": str(number), "_et": engaged})
        await hit(door, CART, GRANTED, {"_s": str(number + 10), "_et": engaged, "_c": "1"})
    assert await sent(door) == {"AddToCart": 4}
    for number, engaged in ((25, "1520"), (26, "3")):
        await hit(door, CART, {**GRANTED, "gcd": "13r3r3p3p5l1"}, {"_s": str(number), "_et": engaged, "_c": "1"})
    assert (await seen(door))["add_to_cart"] == 6


async def test_the_order_of_another_door_waits_for_the_grant(door: Running) -> None:
    """A denial with the order is remembered: the shop's own copy is kept back by it, and the page's second is not."""
    await hit(door, ORDER, DENIED, {"_s": "2"})
    await door.collect(purchase(consent=None), authorization="Bearer crm-key")
    assert await sent(door) == {}
    await hit(door, ORDER, AGAIN, {"_s": "4"})
    assert await sent(door) == {"Purchase": 1}
    await door.collect(purchase(consent=None), authorization="Bearer crm-key")
    assert await sent(door) == {"Purchase": 1}


@pytest.mark.parametrize("page", RECORDED, ids=lambda page: page["page"])
async def test_recorded(start: Start, page: dict[str, Any]) -> None:
    """What gtag.js has sent, in two builds, counts as the page has meant it."""
    server: Running = await start(server=DOOR, environ=SECRETS, container=CONTAINER)
    for one in page["hits"]:
        address = f"/g/collect?{one['query']}"
        headers = PAGE | ({"origin": ORIGIN} if one["method"] == "POST" else {})
        content = one.get("body", "").encode() if one["method"] == "POST" else None
        answer = await server.http.request(one["method"], address, content=content, headers=headers)
        assert answer.status_code == 204, answer.text
    twice = 2 if page["page"].startswith("a choice") else 0
    wanted = {"page_view": 1, "purchase": 1, "add_to_cart": twice}
    if page["page"].startswith("everything"):
        wanted |= {"my_event": 1, "view_promotion": 1}
    assert await seen(server) == {name: number for name, number in wanted.items() if number}
    names = {"page_view": "PageView", "purchase": "Purchase", "add_to_cart": "AddToCart"}
    told = {names.get(name, name): number for name, number in wanted.items() if number}
    # Where everything was only preset, nobody has granted anything.
    assert await sent(server) == (told if twice else {})


async def test_what_google_makes_by_itself(door: Running) -> None:
    """Is left out by `all`, and reaches the tag that names it."""
    for name in ("scroll", "user_engagement", "form_start", "session_start", "gtm.dom", "form_submit"):
        await hit(door, VIEW, GRANTED, {"en": name})
    assert await seen(door) == {"form_submit": 1, "asked_for": 1}
    assert await sent(door) == {"form_submit": 1}
    await door.runtime.records.flush()
    (one,) = (await door.http.get("/-/events.json?name=user_engagement", headers=BEARER)).json()["events"]
    shown = (await door.http.get(f"/-/events/{one['event_id']}.json", headers=BEARER)).text
    assert "makes this event by itself" in shown


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"referer": f"{ORIGIN}/a"}, 204),
        ("GET", {"sec-fetch-site": "same-origin", "host": "shop.example"}, 204),
        ("GET", {"origin": ORIGIN, "sec-fetch-site": "same-site", "cookie": "_ga=GA1.1.1.2"}, 204),
        ("POST", {"origin": ORIGIN}, 204),
        ("POST", {"referer": f"{ORIGIN}/a"}, 403),
        ("GET", {"referer": "https://evil.example/"}, 403),
        ("GET", {"origin": "null", "referer": f"{ORIGIN}/a"}, 403),
        ("GET", {}, 403),
        ("DELETE", {"origin": ORIGIN}, 405),
    ],
)
async def test_whose_hits_are_taken(door: Running, method: str, headers: dict[str, str], status: int) -> None:
    """A page's own host has no Origin in a GET; a subdomain's may read the answer, with cookies."""
    answer = await door.http.request(method, f"/g/collect?{urlencode(VIEW)}", headers=headers)
    assert answer.status_code == status
    if status == 204 and "origin" in headers:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"


async def test_what_is_answered(door: Running) -> None:
    """Nothing to read, also where the tag could; of another property, that it is one."""
    answer = await door.http.get(f"/g/collect?{urlencode(VIEW)}&richsstsse", headers=PAGE)
    assert (answer.status_code, answer.content) == (204, b"")
    refused = await hit(door, VIEW, {"tid": "G-OTHER"})
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (403, "measurement_id")
    assert (await hit(door, {**VIEW, "en": ""})).status_code == 204
    await door.http.post(f"/g/collect?{urlencode(VIEW)}", content=b"en=a&tid=G-OTHER\nen=b", headers={"origin": ORIGIN})
    assert await seen(door) == {"page_view": 1, "b": 1}
    counted = samples((await door.http.get("/-/metrics", headers=BEARER)).text)
    assert counted['tagserver_client_passed_total{client="ga4",code="measurement_id"}'] == 1


async def test_below_a_path(start: Start) -> None:
    """As `server_container_url: 'https://shop.example/metrics'` has it."""
    server: Running = await start(server=f"path_prefix: /metrics\n{DOOR}", environ=SECRETS, container=CONTAINER)
    query = urlencode(VIEW)
    assert (await server.http.get(f"/metrics/g/collect?{query}", headers=PAGE)).status_code == 204
    assert (await server.http.get(f"/g/collect?{query}", headers=PAGE)).status_code == 404


async def test_nothing_of_an_address_is_told(door: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Neither who it was, nor what nobody reads, nor a secret; not of hits that are refused, either."""
    caplog.set_level(logging.DEBUG, logger="tagserver")
    caplog.set_level(logging.WARNING, logger="httpx")  # which is the page
    person = {"ep.user_data.email": f"{MARK}@example.com", "ep.user_data.address.first_name": MARK, "em": MARK}
    more = {"ep.obj": f"[object Object]{MARK}", "epn.x": MARK, "ep.consent": MARK, "zz": MARK, "pr1": f"ida~pr{MARK}"}
    await hit(door, ORDER, DENIED, person, more, {"_s": "2"})
    await hit(door, ORDER, AGAIN, person, more, {"_s": "4"})
    await hit(door, VIEW, {"tid": MARK}, person)
    await hit(door, VIEW, person, referer=f"https://evil.example/{MARK}?{MARK}")
    address = f"/mp/collect?measurement_id=G-RECORDED1&api_secret={MARK}"
    assert (await door.http.post(address, json={"events": [{"name": MARK}]})).status_code == 401
    address = "/mp/collect?measurement_id=G-RECORDED1&api_secret=till-secret"
    assert (await door.http.post(address, content=b'{"events": "' + MARK.encode() + b'"}')).status_code == 400
    assert await sent(door) == {"Purchase": 1}
    text = await everything(door, caplog)
    assert "purchase_T-1" in text, "it was looked at"
    assert MARK not in text
    assert not any(secret in text for secret in SECRETS.values())


FIELDS = (
    *(
        "cid",
        "uid",
        "sid",
        "ecid",
        "ul",
        "sr",
        "dt",
        "uaa",
        "_s",
        "sct",
        "_p",
        "cu",
        "gpp",
        "us_privacy",
        "gdpr_consent",
    ),
    *(
        "tt",
        "gcd",
        "gcs",
        "npa",
        "ep.transaction_id",
        "ep.value",
        "ep.search_term",
        "ep.coupon",
        "ep.own",
        "up.own",
        "pr2",
    ),
)


async def test_a_person_in_any_field_or_name_is_told_nowhere(door: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Nor in a name of a parameter, an item's field or a property, nor in what is said of one that was left out."""
    caplog.set_level(logging.DEBUG, logger="tagserver")
    caplog.set_level(logging.WARNING, logger="httpx")
    mail = f"{MARK}@example.com"
    named = {f"{kind}.{mail}": "no" for kind in ("ep", "epn", "up", "upn", "ep.user_data")}
    named |= {f"ep.a.{mail}": "[object Object]", "pr1": f"id{mail}~pr{mail}~k0{mail}~v0{mail}", mail: mail}
    address = f"https://shop.example/{mail}?q={mail}"
    fields = {**named, **dict.fromkeys(FIELDS, mail), "dl": address, "dr": address}
    cookie = f"_ga={mail}; own={mail}"
    await hit(door, VIEW, fields, cookie=cookie)
    await hit(door, ORDER, fields, {"ep.event_id": "looked-at"}, GRANTED, cookie=cookie)
    for body in (
        {"client_id": mail, "user_properties": {mail: []}, "events": [{"name": "a", "params": {mail: [mail]}}]},
        {
            "device": mail,
            "ip_override": mail,
            "timestamp_micros": mail,
            mail: 1,
            "events": [{"name": "a", "params": mail}],
        },
    ):
        assert MARK not in (await measured(door, body)).text
    await door.drained()
    text = await everything(door, caplog)
    assert "looked-at" in text
    assert MARK not in text


# ── the Measurement Protocol


async def measured(server: Running, body: Any, key: str = "till-secret", path: str = "/mp/collect") -> httpx.Response:
    """As a backend posts it."""
    query = urlencode({"measurement_id": "G-RECORDED1", "api_secret": key})
    return await server.http.post(f"{path}?{query}", json=body)


def till(number: int, **more: Any) -> dict[str, Any]:
    """An order of somebody's own."""
    params = {"transaction_id": f"M-{number}", "value": 5, "currency": "EUR"}
    person = {"sha256_email_address": [f"{number:064x}"]}
    return {"client_id": f"1.{number}", "user_data": person, "events": [{"name": "purchase", "params": params}], **more}


@pytest.mark.parametrize(
    ("key", "more", "arrives"),
    [
        ("till-secret", {}, True),
        ("till-secret", {"consent": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}}, True),
        ("till-secret", {"consent": {"ad_user_data": "DENIED", "ad_personalization": "GRANTED"}}, False),
        ("till-secret", {"consent": {"ad_user_data": "perhaps"}}, False),
        ("till-secret", {"consent": "DENIED"}, False),
        ("silent-secret", {}, False),
        ("silent-secret", {"consent": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}}, False),
    ],
)
async def test_whose_word_counts(door: Running, key: str, more: dict[str, Any], arrives: bool) -> None:
    """The person's own before the contract; `ad_storage` is no word of the protocol's."""
    assert (await measured(door, till(1, **more), key)).status_code == 204
    assert await sent(door) == ({"Purchase": 1} if arrives else {})


@pytest.mark.parametrize(("key", "status"), [("till-secret", 403), ("silent-secret", 204)])
async def test_a_page_borrows_no_contract(door: Running, key: str, status: int) -> None:
    """A secret that somebody has put into a page; one beside which nothing is granted lends nothing."""
    query = urlencode({"measurement_id": "G-RECORDED1", "api_secret": key})
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-site"}
    answer = await door.http.post(f"/mp/collect?{query}", json=till(1), headers=headers)
    assert answer.status_code == status
    assert await sent(door) == {}


async def test_everything_readable_is_answered_alike(door: Running) -> None:
    """As Google does; and what is none of it is not."""
    assert (await measured(door, {"client_id": "1.2", "events": []})).status_code == 204
    assert (await measured(door, {"client_id": "1.2", "events": [{"params": {}}, 7]})).status_code == 204
    assert (await measured(door, {"client_id": "1.2"})).status_code == 400
    assert (await measured(door, till(1), "another")).status_code == 401
    address = "/mp/collect?measurement_id=G-OTHER&api_secret=till-secret"
    assert (await door.http.post(address, json=till(1))).status_code == 403
    assert await sent(door) == {}


async def test_one_order_by_the_page_and_the_till(door: Running) -> None:
    await hit(door, ORDER, GRANTED, {"ep.transaction_id": "M-1"})
    await measured(door, till(1))
    assert await sent(door) == {"Purchase": 1}


async def test_what_is_posted_again_counts_once(door: Running) -> None:
    """Where its sender says when it was; two of one moment are two."""
    event = {"name": "generate_lead", "params": {"value": 5, "currency": "EUR"}}
    body = {"client_id": "1.2", "user_data": {"sha256_email_address": ["a" * 64]}, "events": [event, event]}
    body["timestamp_micros"] = (door.runtime.time.now() - 60_000) * 1000
    for _ in range(2):
        await measured(door, body)
    assert await sent(door) == {"Lead": 2}


async def test_a_body_is_looked_at_and_not_kept(door: Running) -> None:
    """For who has a secret."""
    answer = await measured(door, {"events": [{"name": "purchase"}, {}]}, path="/debug/mp/collect")
    said = [(one["fieldPath"], one["validationCode"]) for one in answer.json()["validationMessages"]]
    assert (answer.status_code, said) == (200, [("client_id", "VALUE_REQUIRED"), ("events.1.name", "NAME_INVALID")])
    assert (await measured(door, till(1), path="/debug/mp/collect")).json() == {"validationMessages": []}
    assert (await measured(door, till(1), "another", "/debug/mp/collect")).status_code == 401
    assert await seen(door) == {}


@pytest.mark.parametrize(
    "more",
    [
        {"gcs": "G100"},
        {"consent_state": {"ad_storage": False}},
        {"events": [{"name": "purchase", "consent": {"ad_user_data": "DENIED"}, "params": {"transaction_id": "M-1"}}]},
        {"events": [{"name": "purchase", "params": {"transaction_id": "M-1", "consent": "DENIED"}}]},
        {"consent": {"ad_user_data": "GRANTED", "adStorage": "DENIED"}},
    ],
    ids=["gcs", "state", "event", "parameter", "nearly"],
)
async def test_a_contract_does_not_go_on_without_a_refusal(door: Running, more: dict[str, Any]) -> None:
    """Wherever in the body it stands."""
    assert (await measured(door, till(1, **more))).status_code == 204
    assert await sent(door) == {}


async def test_what_events_share_is_written_as_far_as_it_may_be(door: Running) -> None:
    """A body in which a hundred short events share a long person, of whom each would have a copy."""
    person = {"sha256_email_address": [f"{number:064x}" for number in range(700)]}
    body = {"client_id": "1.2", "user_data": person, "events": [{"name": "generate_lead"}] * 50}
    answer = await measured(door, body)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (413, "too_large")
    assert await seen(door) == {}


async def test_lines_beneath_a_long_query(door: Running) -> None:
    """Are refused before anything is made of them."""
    long = {**VIEW, "dt": "x" * 50_000}
    answer = await door.http.post(f"/g/collect?{urlencode(long)}", content=b"en=a\n" * 100, headers={"origin": ORIGIN})
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (413, "too_large")
