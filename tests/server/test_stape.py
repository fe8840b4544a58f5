"""Stape's door in a whole server: what the Data Tag sends meets the page's own copies, its consent is read strictly,
pages may read the answers, and nothing personal of an address or a body is written anywhere."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.server.conftest import CONTAINER, ENVIRON, GRANTED, ORIGIN, SERVER, TWO, Running, Start, purchase
from tests.server.test_door_secrecy import everything

KEYS = f'consent: {json.dumps(GRANTED)}, basis: "terms, 2026-03"'
STAPE = f"""{SERVER}
clients:
  stape:
    keys:
      shop: {{secret: "${{env:SHOP}}", {KEYS}}}
      bare: {{secret: "${{env:BARE}}"}}
"""
SECRETS = {**ENVIRON, "SHOP": "key-of-the-shop", "BARE": "key-without-a-contract"}
YES = dict.fromkeys(GRANTED, True)


def tagged(order: str = "1001", **fields: Any) -> dict[str, Any]:
    """A purchase as the tag sends it with the page's data layer."""
    return {
        "event": "gtm.dom",
        "gtm.start": 1790000000000,
        "ecommerce": {"transaction_id": order, "value": 59.9, "currency": "EUR", "items": [{"item_id": "MUG-1"}]},
        "page_location": f"{ORIGIN}/thanks",
        "event_name": "purchase",
        "v": 2,
        "email": "erika@example.com",
        "consent_state": YES,
        "_dcid_temp": "dcid.1.1790000000000.123456789",
    } | fields


async def post(server: Running, body: Any, query: str = "v=2&event=purchase", **headers: str) -> httpx.Response:
    """As the tag does it, from a page of the shop, or with a key."""
    given = headers if "authorization" in headers else {"origin": ORIGIN, **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await server.http.post(f"/data?{query}", content=content, headers={"content-type": "text/plain", **given})


def image(fields: dict[str, Any]) -> str:
    """The address of an image."""
    return "/data?v=2&dtdc=" + quote(base64.b64encode(json.dumps(fields).encode()).decode())


@pytest.fixture
async def stape(start: Start) -> Running:
    """A server with this door, two keys and Meta."""
    server: Running = await start(server=STAPE, environ=SECRETS)
    return server


@pytest.mark.parametrize("first", ["tag", "page", "app", "server", "form", "image"])
async def test_the_order_of_other_doors_is_counted_once(stape: Running, first: str) -> None:
    """Whichever copy comes first, and whatever each calls its event; Meta gets one, by the order's number."""
    own = purchase("own-id-of-the-page")
    own["ecommerce"]["transaction_id"] = "1001"
    form = b"event_name=purchase&ecommerce.transaction_id=1001&ecommerce.value=59.9&ecommerce.currency=EUR"
    shop = {"authorization": "Bearer key-of-the-shop"}
    copies = {
        "tag": lambda: post(stape, tagged()),
        "page": lambda: stape.collect(own),
        "app": lambda: post(stape, tagged(event_name="purchase_stape")),
        "server": lambda: post(stape, tagged(consent_state=None), **shop),
        "form": lambda: post(stape, form, **shop),
        "image": lambda: stape.http.get(image(tagged()), headers={"referer": f"{ORIGIN}/thanks"}),
    }
    for name in (first, *copies):
        assert (await copies[name]()).status_code in (200, 202)
    assert (await stape.drained())["arrivals"] == 1


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (YES, 1),
        (None, 0),
        ({}, 0),
        ({**YES, "ad_user_data": False}, 0),
        ({**YES, "ad_user_data": "granted"}, 0),
        ({**YES, "ad_user_data": "denied"}, 0),
        ({**YES, "ad_user_data": 1}, 0),
        (GRANTED, 0),
        ([["consent", "update", GRANTED]], 0),
        ({"default": {}, "update": GRANTED}, 0),
        ("granted", 0),
        (True, 0),
    ],
    ids=str,
)
async def test_only_true_is_a_grant(stape: Running, said: Any, sent: int) -> None:
    """Where Stape's own client asks whether there is something, and takes a refusal for a grant; of a page, and of a
    server without a contract. The reason is in the record."""
    assert (await post(stape, tagged("1", consent_state=said))).status_code == 200
    assert (
        await post(stape, tagged("2", consent_state=said), authorization="Bearer key-without-a-contract")
    ).is_success
    assert (await stape.drained())["arrivals"] == 2 * sent


async def test_a_refusal_weighs_more_than_a_contract(stape: Running) -> None:
    """Also one that nobody can read."""
    key = {"authorization": "Basic " + base64.b64encode(b"key-of-the-shop:").decode()}
    for number, said in enumerate(("no", {"ad_storage": "granted"}, {"ad_user_data": False})):
        assert (await post(stape, tagged(str(number), consent_state=said), **key)).status_code == 200
    assert (await post(stape, b"event_name=purchase&transaction_id=7&consent_state.ad_storage=no", **key)).is_success
    assert (await stape.drained())["arrivals"] == 0
    assert (await post(stape, tagged("8", consent_state=None), **key)).is_success
    assert (await stape.drained())["arrivals"] == 1


async def test_what_the_tag_was_refused_holds_for_a_servers_copy(stape: Running) -> None:
    """The visitor's own word on an order outweighs a contract, whoever brings the copies."""
    denied = dict.fromkeys(GRANTED, False)
    assert (await post(stape, tagged("1", consent_state=denied))).is_success
    later = tagged("1", consent_state=None, email="other@example.com", _dcid_temp=None)
    assert (await post(stape, later, authorization="Bearer key-of-the-shop")).is_success
    assert (await stape.drained())["arrivals"] == 0


async def test_what_a_page_is_answered(stape: Running) -> None:
    """What the tag's script reads, with credentials, and what a browser asks before it; of a stranger nothing."""
    answer = await post(stape, tagged())
    told = answer.json()
    assert set(told) == {"timestamp", "unique_event_id"}
    stamp, _, digits = told["unique_event_id"].partition("_")
    assert (int(stamp) // 1000, len(digits)) == (told["timestamp"], 9)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true"
    several = (await post(stape, [tagged("2"), tagged("3")])).json()
    assert len({one["unique_event_id"] for one in several}) == 2
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-stape-preview"}
    preflight = await stape.http.options("/data", headers={"origin": ORIGIN, **asked})
    assert (preflight.status_code, preflight.headers["access-control-max-age"]) == (204, "600")
    assert "x-stape-preview" in preflight.headers["access-control-allow-headers"]
    stranger = await post(stape, tagged("4"), origin="https://evil.example")
    assert stranger.status_code == 403
    assert (await stape.http.get(image(tagged("5")), headers={"referer": "https://evil.example/"})).status_code == 403
    assert (await stape.drained())["arrivals"] == 3


async def test_a_page_borrows_no_contract(stape: Running) -> None:
    """With the key of a server that somebody has put into it."""
    browser = {"origin": ORIGIN, "sec-fetch-site": "same-site"}
    answer = await post(stape, tagged(consent_state=None), authorization="Bearer key-of-the-shop", **browser)
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (403, "page_key")
    assert (await stape.drained())["arrivals"] == 0


async def test_whose_address_it_is(start: Start) -> None:
    """A page's is the connection's, a server's the one that it names."""
    container = CONTAINER + "  - {name: Of a server, destination: meta, triggers: [named], event_name: Named}\n"
    container = container.replace(
        "triggers:\n", "triggers:\n  named: {when: {ip: 203.0.113.9, user_agent: Firefox}}\n", 1
    )
    server: Running = await start(server=STAPE, environ=SECRETS, container=container)
    named = {"ip_override": "203.0.113.9", "userAgent": "Firefox"}
    assert (await post(server, tagged("1", **named))).is_success
    assert (await post(server, tagged("2", **named), authorization="Bearer key-of-the-shop")).is_success
    sent = [one["event_name"] for one in (await server.drained())["events"]]
    assert sorted(sent) == ["Named", "Purchase", "Purchase"]


async def test_what_tag_manager_makes_by_itself(start: Start) -> None:
    """It reaches no tag for all events, unless a trigger names it."""
    server: Running = await start(server=STAPE, environ=SECRETS, container=TWO)
    for name in ("gtm.dom", "gtm.load", "scroll", "sign_up"):
        assert (await post(server, tagged(event_name=name), query=f"v=2&event={name}")).is_success
    sent = [one["event_name"] for one in (await server.drained())["events"]]
    assert sent == ["CompleteRegistration"]


async def test_an_event_that_is_none_is_refused_alone(stape: Running) -> None:
    """And its sender is told so where nothing else came."""
    assert (await post(stape, [5, tagged()])).status_code == 200
    answer = await post(stape, [5])
    assert (answer.status_code, answer.json()["events"][0]["problems"][0]["code"]) == (400, "not_an_object")
    assert (await stape.drained())["arrivals"] == 1


MARK = "zzsentinelzz"


async def test_nothing_personal_is_written(stape: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Of an event that was taken and of one that was refused: address, person in every spelling, cookies, key."""
    caplog.set_level(logging.DEBUG, logger="tagserver")
    mail = f"{MARK}@example.com"
    person = {
        "userEmail": mail,
        "mail": mail,
        "userPhoneNumber": MARK,
        "firstName": MARK,
        "surname": MARK,
        "family_name": MARK,
        "street": MARK,
        "zip": MARK,
        "common_cookie": {"stape_klaviyo_email": mail, "_gtmeec": MARK},
        "_dcid_temp": MARK,
        "email": None,
    }
    page = {"cookie": f"stape={MARK}; FPIDP={MARK}", "x-stape-preview": MARK, "x-gtm-server-preview": MARK}
    assert (await post(stape, tagged("1", **person), **page)).is_success
    assert (
        await post(stape, tagged("2", **person, user_data={"email": mail}), f"event=purchase&mail={mail}", **page)
    ).is_success
    assert (await post(stape, tagged("3", **person), authorization="Bearer key-of-the-shop", **page)).is_success
    referer = {"referer": f"{ORIGIN}/thanks?mail={mail}"}
    assert (await stape.http.get(image(tagged("4", **person)), headers=referer)).is_success
    for query, content, headers in (
        (f"dtdc={MARK}", b"", {"origin": ORIGIN}),
        (f"mail={mail}", f'{{"email": "{mail}"'.encode(), {"origin": ORIGIN}),
        (f"mail={mail}", b"{}", {"authorization": f"Bearer {MARK}"}),
        (f"mail={mail}", b"{}", {"origin": "https://evil.example"}),
    ):
        method = "GET" if not content else "POST"
        answer = await stape.http.request(method, f"/data?{query}", content=content, headers=headers)
        assert answer.status_code in (400, 401, 403)
        assert MARK not in answer.text
    assert (await stape.drained())["arrivals"] == 4
    text = await everything(stape, caplog)
    assert "purchase_1" in text, "it was looked at"
    assert MARK not in text
    assert not any(secret in text for secret in SECRETS.values())
