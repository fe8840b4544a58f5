"""`tagserver try`: from a file or standard input, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tagserver.cli.try_ import body_text

from .conftest import CONTAINER, ENVIRON, SERVER, Shop

GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
PURCHASE: dict[str, Any] = {
    "event": "purchase",
    "event_id": "purchase_T-1",
    "page": {"location": "https://shop.example/thanks"},
    "user_data": {"email": "erika@example.com"},
    "ecommerce": {"transaction_id": "T-1", "value": 59.9, "currency": "EUR"},
    "consent": GRANTED,
}


@pytest.fixture
def file(shop: Shop) -> Path:
    """An event in a file."""
    path = shop.folder / "purchase.json"
    path.write_text(json.dumps(PURCHASE))
    return path


def test_for_people(shop: Shop, file: Path) -> None:
    """The event, each tag with its reason, the address and size of its request; nothing is sent or written."""
    before = sorted(shop.folder.rglob("*"))
    done = shop("try", str(file))
    assert done.code == 0
    assert "purchase  purchase_T-1   consent: ad_storage granted  ad_user_data granted" in done.out
    assert "✔ Meta purchase  send     fired: trigger buy" in done.out
    assert "→ meta POST https://graph.facebook.com/v26.0/1234567890/events (" in done.out
    assert done.out.endswith("1 would be sent. Nothing was sent.\n")
    assert sorted(shop.folder.rglob("*")) == before


def test_the_request_is_shown_when_asked(shop: Shop, file: Path) -> None:
    """`--request` prints its body, secrets masked."""
    done = shop("try", str(file), "--request")
    assert '"event_id": "purchase_T-1"' in done.out
    assert ENVIRON["META_TOKEN"] not in done.out


def test_a_body_that_is_no_json_is_shown_as_its_text() -> None:
    assert body_text({"body": None, "content": "key=••••&events=%5B%5D"}) == "key=••••&events=%5B%5D"
    assert body_text({"body": None, "content": ""}) == ""
    assert body_text({"body": None, "content": "a\x1b[2J\nb"}) == "a\\x1b[2J\\nb"
    assert body_text({"body": [1], "content": "[1]"}) == "[\n  1\n]"


def test_for_machines(shop: Shop, file: Path) -> None:
    """The object of `/-/try.json`."""
    done = shop("try", str(file), "--json")
    assert (done.code, done.err) == (0, "")
    assert [tag["decision"] for tag in done.json["tags"]] == ["send"]
    assert ENVIRON["META_TOKEN"] not in done.out


def test_a_question(shop: Shop) -> None:
    """The file may be the whole object."""
    asked = {"event": PURCHASE, "cookies": {"_fbp": "fb.1.1.2"}, "now": "2030-01-01T00:00:00Z"}
    done = shop("try", "-", "--json", stdin=json.dumps(asked))
    assert done.json["event"]["timestamp"] == 1_893_456_000_000
    assert done.json["event"]["cookie"] == {"_fbp": "fb.1.1.2"}


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (PURCHASE, "✔ Meta purchase  send     fired: trigger buy"),
        (PURCHASE | {"consent": {}}, "⊘ Meta purchase  block    consent: needs ad_storage, is not set"),
        (
            PURCHASE | {"event": "scroll"},
            '○ Meta purchase  skip     no_trigger: buy: event equals "purchase", is "scroll"',
        ),
        (
            PURCHASE | {"consent": GRANTED | {"ad_personalization": "denied"}},
            "◐ Meta purchase  restrict fired: trigger buy",
        ),
        (
            PURCHASE | {"ecommerce": {"value": 1}},
            "○ Meta purchase  skip     missing_required: a Purchase needs currency",
        ),
    ],
)
def test_marks(shop: Shop, event: dict[str, Any], mark: str) -> None:
    """A mark, the decision and its reason on one line; exit 0 whatever was decided."""
    done = shop("try", "-", stdin=json.dumps(event))
    assert done.code == 0
    assert mark in done.out


def test_what_cannot_be_read_of_consent_is_shown(shop: Shop) -> None:
    """Below the states, with its place."""
    consent = {"ad_storage": 0, "ad_user_data": "granted"}
    done = shop("try", "-", stdin=json.dumps(PURCHASE | {"consent": consent, "gpc": "on"}))
    assert "consent: ad_storage denied  ad_user_data granted\n" in done.out
    assert "  ⚠ consent.ad_storage: neither granted nor denied\n" in done.out
    assert "  ⚠ gpc: neither yes nor no, which counts as yes\n" in done.out


def test_what_transformations_change_is_shown(shop: Shop) -> None:
    """Field by field, below the tag."""
    shop.write(CONTAINER + "transformations: {less: {exclude: [page], set: {tier: gold}}}\n")
    done = shop("try", "-", stdin=json.dumps(PURCHASE | {"tier": "silver"}))
    assert "      transformation less\n" in done.out
    assert '        ~ tier: "silver" → "gold"\n' in done.out


def test_problems_of_the_event_are_shown(shop: Shop) -> None:
    """What the answer of /collect would say."""
    event = {name: value for name, value in PURCHASE.items() if name != "event_id"}
    done = shop("try", "-", stdin=json.dumps(event))
    assert done.code == 0
    assert "⚠ event_id: " in done.out


def test_what_could_be_mended_is_shown(shop: Shop) -> None:
    """As in the answer of /collect, once, and without the path twice."""
    event = PURCHASE | {"event": "purchse", "ecommerce": {"value": "1.299,00"}}
    done = shop("try", "-", stdin=json.dumps(event))
    assert '⚠ event: is it meant to be "purchase"?' in done.out
    assert "⚠ ecommerce.value is no number" in done.out
    assert "⚠ consent" not in shop("try", "-", stdin=json.dumps(PURCHASE | {"consent": "granted"})).out.splitlines()[0]


@pytest.mark.parametrize("event", [{}, {"event": ""}, {"event": {}}, {"event": {"event": None}}])
def test_an_event_that_would_be_rejected(shop: Shop, event: dict[str, Any]) -> None:
    """Exit 1 with the door's words."""
    done = shop("try", "-", stdin=json.dumps(event))
    assert done.code == 1
    assert "⚠ event" in done.out
    shown = shop("try", "-", "--json", stdin=json.dumps(event))
    assert shown.code == 1
    assert (shown.json["event"], shown.json["tags"]) == (None, [])
    assert shown.json["problems"]


@pytest.mark.parametrize(
    "pushed",
    [
        ["event", "purchase", {"transaction_id": "T-9"}],
        {"0": "event", "1": "purchase", "2": {"transaction_id": "T-9"}},
        {"ecommerce": {"purchase": {"actionField": {"id": "T-9"}}}},
        {"event": {"event": "transaction", "ecommerce": {"purchase": {"actionField": {"id": "T-9"}}}}},
        {"event": ["event", "purchase", {"transaction_id": "T-9"}]},
    ],
    ids=["a list", "arguments", "without a name", "within a question", "a list within a question"],
)
def test_a_push_of_another_product_is_tried_as_it_is(shop: Shop, pushed: object) -> None:
    """As the door reads it."""
    shown = shop("try", "-", "--json", stdin=json.dumps(pushed))
    assert shown.json["event"]["event_id"] == "purchase_T-9"
    assert "shape" in [problem["code"] for problem in shown.json["problems"]]


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"nonsense", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b'{"event": "\xff"}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "holds no JSON object"),
        (b'"purchase"', "holds no JSON object"),
        (b"null", "holds no JSON object"),
        (b"7", "holds no JSON object"),
        (b'{"event": {"event": "x"}, "unknown": 1}', "unknown key 'unknown'"),
        (b'{"event": {"event": "x"}, "source": "nobody"}', "no key is called"),
        (b'{"event": {"event": "x"}, "now": "then"}', "RFC 3339"),
        (b'{"event": {"event": "x"}, "headers": 1}', "headers"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_wrong_usage(shop: Shop, stdin: bytes, said: str) -> None:
    """Exit 2 and one sentence."""
    done = shop("try", "-", stdin=stdin)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["nowhere.json", "config", "config/container.yaml"])
def test_a_file_that_is_none(shop: Shop, name: str) -> None:
    """Exit 2."""
    done = shop("try", name)
    assert done.code == 2
    assert name in done.err


def test_no_file(shop: Shop) -> None:
    """Exit 2 with the usage."""
    done = shop("try")
    assert done.code == 2
    assert "Usage: " in done.err


def test_a_broken_configuration(shop: Shop, file: Path) -> None:
    """Exit 1 with its problems on standard error."""
    shop.write("tags: [\n")
    for words in (["try", str(file)], ["try", str(file), "--json"]):
        done = shop(*words)
        assert (done.code, done.out) == (1, "")
        assert "error[E101]" in done.err


def test_a_missing_secret_is_no_obstacle(shop: Shop, file: Path) -> None:
    """The decision can be seen without the token."""
    done = shop("try", str(file), "--json", environ={"PIXEL": "1"})
    assert done.code == 0
    assert done.json["tags"][0]["request"]["body"]["data"]


@pytest.mark.parametrize("event", [{"event": "\x1b[31mred"}, {"event": "a\nb"}, {"event": "😀" * 200}])
def test_names_of_strangers(shop: Shop, event: dict[str, Any]) -> None:
    """Are decided like any other."""
    assert shop("try", "-", "--json", stdin=json.dumps(event)).code in (0, 1)


def test_what_may_not_leave_is_shown_and_not_counted(shop: Shop, file: Path) -> None:
    """The request, with the reason why it stays."""
    shop.write(
        'destinations: {hook: {type: webhook, url: "https://10.0.0.1/in", secret: "${env:META_TOKEN}"}}\n'
        "tags: [{name: Hook, destination: hook, triggers: [all]}]\n"
    )
    done = shop("try", str(file), environ=ENVIRON | {"META_TOKEN": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"})
    assert "plugin_error: its request may not leave: 10.0.0.1 is not public" in done.out
    assert "→ hook POST https://10.0.0.1/in (" in done.out
    assert done.out.endswith("0 would be sent. Nothing was sent.\n")


DOORS = """
clients:
  webhooks:
    shop: {style: shopify, secret: "${env:SHOP}"}
    pay: {style: stripe, secret: "${env:PAY}"}
    own: {style: standard, secret: "${env:OWN}"}
    crm:
      style: hmac
      secret: "${env:CRM}"
      when: {header.x-topic: deal}
      map:
        event: {lookup: "{{ body.stage }}", table: {won: purchase}}
        ecommerce.transaction_id: "{{ body.id }}"
        value: "{{ body.amount }}"
        currency: EUR
        email: "{{ body.email }}"
        consent: "{{ body.consent }}"
  segment:
    write_keys:
      web: {secret: "${env:WEB}"}
      till:
        secret: "${env:TILL}"
        consent: {ad_storage: granted, ad_user_data: granted, ad_personalization: granted}
        basis: terms
"""
DEAL = {"stage": "won", "id": 7, "amount": "1200.00", "email": "erika@example.com", "consent": GRANTED}


@pytest.fixture
def doors(shop: Shop) -> Shop:
    """A folder with webhooks."""
    shop.write(SERVER + DOORS, "server.yaml")
    return shop


def test_the_body_of_a_webhook(doors: Shop) -> None:
    """As its address would take it, also where its secret is not there."""
    done = doors("try", "-", "--door", "/webhook/crm", "--header", "X-Topic: deal", stdin=json.dumps(DEAL))
    assert (done.code, done.err) == (0, "")
    assert "\npurchase  purchase_7   consent: ad_storage granted" in done.out
    assert "✔ Meta purchase  send     fired: trigger buy" in done.out
    own = {"type": "purchase", "data": {"value": 5, "currency": "EUR", "transaction_id": "T-1", "consent": GRANTED}}
    done = doors("try", "-", "--door", "/webhook/own", "--json", stdin=json.dumps(own))
    assert [one["event"]["source"] for one in done.json["events"]] == ["own"]
    assert done.json["events"][0]["event"]["client"] == "webhooks"


def test_the_body_of_who_sends_with_a_bare_key(doors: Shop) -> None:
    """As a server's, whose contract counts; with an origin as a page's."""
    traits = {"context": {"traits": {"email": "ann@example.com"}}}
    order = {"event": "Order Completed", "properties": {"order_id": 8, "total": 5, "currency": "EUR"}, **traits}
    done = doors("try", "-", "--door", "/v1/track", stdin=json.dumps(order))
    assert (done.code, done.err) == (0, "")
    assert "✔ Meta purchase  send     fired: trigger buy" in done.out
    done = doors(
        "try", "-", "--door", "/v1/t", "--header", "Origin: https://shop.example", "--json", stdin=json.dumps(order)
    )
    (shown,) = done.json["events"]
    assert (shown["event"]["client"], shown["tags"][0]["decision"]) == ("segment", "block")


@pytest.mark.parametrize(
    ("door", "body", "words", "said"),
    [
        ("/webhook/crm", "{}", ("--header", "x-topic:deal"), "○ passed over, no_event: its map gives no event"),
        ("/webhook/crm", json.dumps(DEAL), (), "○ passed over, when: its conditions do not hold"),
        ("/webhook/pay", '{"type": "charge.failed"}', (), "○ passed over, topic: "),
        ("/webhook/shop", '{"id": 1}', ("--header", "X-Shopify-Topic: orders/paid"), "○ passed over, bad_shape: "),
    ],
)
def test_what_becomes_no_event_is_told(doors: Shop, door: str, body: str, words: tuple[str, ...], said: str) -> None:
    done = doors("try", "-", "--door", door, *words, stdin=body)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(said)


@pytest.mark.parametrize(
    ("door", "body", "words", "said"),
    [
        ("/webhook/none", "{}", (), "/webhook/none: it is refused with 404 not_found: there is no such"),
        ("/elsewhere", "{}", (), "/elsewhere: nobody has the address /elsewhere; see clients in server.yaml"),
        ("/webhook/own", "[]", (), "/webhook/own: it is refused with 400 bad_shape: "),
        ("/webhook/crm", "stage=won", (), "/webhook/crm: it is refused with 400 bad_json: "),
        ("/webhook/crm", "{}", ("--header", "deal"), "--header 'deal': write NAME:VALUE"),
    ],
)
def test_what_would_be_refused_is_told(doors: Shop, door: str, body: str, words: tuple[str, ...], said: str) -> None:
    done = doors("try", "-", "--door", door, *words, stdin=body)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


PAGES = """
clients:
  ga4: {measurement_ids: [G-ABC], api_secrets: {till: {secret: "${env:TILL}"}}}
  segment: {write_keys: {server: {secret: "${env:SEGMENT}", browser: false}}}
"""
BUY = "tid=G-ABC&en=purchase&ep.transaction_id=7&epn.value=1200&cu=EUR&gcs=G111&gcd=13r3r3r3r5"


@pytest.fixture
def pages(shop: Shop) -> Shop:
    """A folder with addresses of pages, and of senders whose key is in the request."""
    shop.write(SERVER + PAGES, "server.yaml")
    return shop


def test_the_hit_of_a_page(pages: Shop) -> None:
    """In the address alone, or with a line for each event; with the page's own headers."""
    done = pages("try", "-", "--door", f"/g/collect?{BUY}", "--header", "user-agent: Firefox", "--json", stdin="")
    (one,) = done.json["events"]
    assert (one["event"]["source"], one["event"]["client"], one["event"]["user_agent"]) == ("browser", "ga4", "Firefox")
    assert (one["event"]["event_id"], one["tags"][0]["consent"]) == ("purchase_7", "send")
    done = pages("try", "-", "--door", "/g/collect?tid=G-ABC", stdin="en=scroll\r\nen=view_item&epn.value=much")
    assert "⚠ epn.value is not a number; left out" in done.out
    assert "the trigger all leaves it out" in done.out
    assert "view_item" in done.out


def test_a_key_that_stands_in_the_request(pages: Shop) -> None:
    """Is not needed where it can be put there; else it is given like the rest."""
    body = {"client_id": "1.2", "events": [{"name": "purchase", "params": {"transaction_id": "7"}}]}
    done = pages("try", "-", "--door", "/mp/collect?measurement_id=G-ABC", "--json", stdin=json.dumps(body))
    assert [one["event"]["source"] for one in done.json["events"]] == ["till"]
    call = json.dumps({"type": "track", "event": "Order Completed", "properties": {"order_id": "7"}})
    words = ("--door", "/v1/track", "--header", "X-Write-Key: the-key", "--json")
    done = pages("try", "-", *words, stdin=call, environ=ENVIRON | {"SEGMENT": "the-key", "TILL": "x"})
    assert [one["event"]["source"] for one in done.json["events"]] == ["server"]


def test_a_hit_that_would_be_refused(pages: Shop) -> None:
    done = pages("try", "-", "--door", "/g/collect?tid=G-XYZ&en=x", stdin="")
    assert (done.code, done.out) == (2, "")
    assert "it is refused with 403 measurement_id: " in done.err
