"""Orders of Shopify and WooCommerce: what may never be read, whatever a body holds, and how much of it is taken."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_webhooks import Webhooks
from tagserver_webhooks.carried import PLACES, carried

from tagserver.plugin.inbound import Incoming, Note, Passed, Refuse, RequestFacts
from tagserver.testing import load_examples, make_client

FOLDER = Path(__file__).parents[1]
CLIENT = make_client(
    Webhooks,
    {
        "shop": {"secret": "hush-the-shops-secret", "style": "shopify"},
        "woo": {"secret": "hush", "style": "woocommerce"},
    },
)
TOPICS = {
    "shop": ("orders/paid", "orders/create", "refunds/create", "shop/redact", "other", ""),
    "woo": ("order.created", "order.updated", "order.deleted", ""),
}
WHOLE = {
    case["request"]["path"].rpartition("/")[2]: case["request"]["body"]
    for case in reversed(list(load_examples(FOLDER / "examples")))
    if case["request"].get("by") in TOPICS and "events" in case and len(str(case["request"])) > 1000
}
"""A whole order of each platform."""


def read(name: str, body: Any, topic: str = "") -> Incoming:
    """What a body holds."""
    headers = {"x-shopify-topic": topic, "x-wc-webhook-topic": topic}
    found = CLIENT.events(json.dumps(body).encode(), RequestFacts(name, 1_790_000_000_000, {}, "", headers))
    assert isinstance(found, Incoming)
    return found


def test_pieces_of_no_size_divide_nothing() -> None:
    """A discount is of all pieces of a line."""
    line = {"price": "10", "quantity": "0.00000000000000000000000001", "total_discount": "100000000000000"}
    (event,) = read(
        "shop", WHOLE["shop"] | {"line_items": [line, {**line, "quantity": 4, "total_discount": 3}]}, "orders/paid"
    ).events
    assert isinstance(event, dict)
    assert [item["price"] for item in event["ecommerce"]["items"]] == [10, 9.25]


def test_what_lets_people_into_an_order_is_not_read() -> None:
    """Nor is what an order says of letters."""
    shop, woo = deepcopy(WHOLE["shop"]), deepcopy(WHOLE["woo"])
    assert shop["buyer_accepts_marketing"] is True
    key = "sentinel-of-a-key"
    shop |= {
        "token": key,
        "checkout_token": key,
        "cart_token": key,
        "source_identifier": key,
        "confirmation_number": key,
        "order_status_url": f"https://user:{key}@shop.example/1/{key}?key={key}#{key}",
        "landing_site": f"/1/orders/{key}/authenticate?key={key}&fbclid=F1",
    }
    woo |= {"order_key": key, "payment_url": f"https://shop.example/?key={key}", "transaction_id": key}
    woo["_links"] = {"self": [{"href": f"https://user:{key}@shop.example/{key}"}]}
    woo["meta_data"] = [{"key": "_stripe_source_id", "value": key}]
    for name, body, topic in (("shop", shop, "orders/paid"), ("woo", woo, "order.updated")):
        found = read(name, body, topic)
        (event,) = found.events
        assert isinstance(event, dict)
        assert event["page"]["location"].startswith("https://shop.example/")
        text = json.dumps([event, *map(str, found.notes)])
        assert key not in text
        assert "marketing" not in text


@pytest.mark.parametrize("entries", [3_000, 30_000])
def test_how_much_of_an_order_is_taken(entries: int) -> None:
    """However long its lists are, no more comes out."""
    lines = [{"variant_id": number, "product_id": number, "quantity": 1} for number in range(entries)]
    told = [{"name": f"n{number}", "key": f"n{number}", "value": "v"} for number in range(entries)]
    last = {"name": "_fbp", "key": "_fbp", "value": "fb.1.1.1"}
    shop = read("shop", WHOLE["shop"] | {"line_items": lines, "note_attributes": [*told, last]}, "orders/paid")
    woo = read("woo", WHOLE["woo"] | {"line_items": lines, "meta_data": [*told, last]}, "order.updated")
    for found, names in ((shop, ["note_attributes", "line_items"]), (woo, ["meta_data", "line_items"])):
        (event,) = found.events
        assert isinstance(event, dict)
        assert len(event["ecommerce"]["items"]) == 500
        assert "cookie" not in event
        assert "consent" not in event
        assert sorted(note.path for note in found.notes) == sorted(names)
        assert {note.code for note in found.notes} == {"too_many"}
    broken = read("shop", WHOLE["shop"] | {"line_items": [{"price": []}] * entries}, "orders/paid")
    assert len(broken.notes) == 100
    told = [{"name": "consent", "value": 1.5}] * entries
    broken = read("shop", WHOLE["shop"] | {"note_attributes": told}, "orders/paid")
    assert len(broken.notes) == 100


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([{"name": f"n{number}"} for number in range(250)] + [{"name": "consent", "value": "denied"}], "denied"),
        ({"0": {"name": "a"}, "2": {"name": "_consent", "value": "denied"}}, "denied"),
        ("consent=denied", "unreadable"),
        (["consent=denied"], "unreadable"),
        ([["consent", "denied"]], "unreadable"),
        ([{"name": "consent", "value": 5}, None, 7], "5"),
        ([], None),
        ({}, None),
        (None, None),
    ],
    ids=["far", "map", "text", "texts", "lists", "number", "none", "no", "null"],
)
def test_a_refusal_is_found_wherever_it_stands(told: Any, said: str | None) -> None:
    """Beyond what else is read, in a list that PHP has written as a map; and what may have been one is one."""
    for name, topic, key in (("shop", "orders/paid", "note_attributes"), ("woo", "order.updated", "meta_data")):
        renamed = json.loads(json.dumps(told).replace('"name":', '"key":' if name == "woo" else '"name":'))
        (event,) = read(name, WHOLE[name] | {key: renamed}, topic).events
        assert isinstance(event, dict)
        assert event.get("consent") == said


@pytest.mark.parametrize(
    ("name", "lines", "taken", "codes"),
    [
        ("woo", 320, 320, []),
        ("woo", 321, 321, ["shortened"]),
        ("woo", 401, 400, ["shortened", "too_many"]),
        ("shop", 266, 266, []),
        ("shop", 267, 267, ["shortened"]),
        ("shop", 401, 400, ["shortened", "too_many"]),
    ],
    ids=str,
)
def test_an_order_of_many_lines_is_one_event(name: str, lines: int, taken: int, codes: list[str]) -> None:
    """Which holds 2000 values: what vendors count by comes before what people read."""
    line = {
        "product_id": 9,
        "name": "Mug",
        "price": 3,
        "quantity": 2,
        "variant_id": 9,
        "title": "Mug",
        "vendor": "Acme",
    }
    found = read(
        name, WHOLE[name] | {"line_items": [line] * lines}, "order.updated" if name == "woo" else "orders/paid"
    )
    (event,) = found.events
    assert isinstance(event, dict)
    items = event["ecommerce"]["items"]
    assert len(items) == taken
    assert [note.code for note in found.notes] == codes
    assert items[0].keys() >= {"item_id", "price", "quantity"}
    assert ("item_name" in items[0]) is not bool(codes)
    assert sum(json.dumps(event).count(sign) for sign in ",[{") < 2000


def test_what_nests_too_deeply_is_no_consent() -> None:
    """As deep as JSON is read at all."""
    deep: Any = "granted"
    for _ in range(700):
        deep = {"ad_storage": [deep]}
    assert carried([("", "consent", deep), ("", "_fbp", deep)], []) == {"consent": "unreadable"}
    (event,) = read("woo", WHOLE["woo"] | {"meta_data": [{"key": "gpp", "value": [[[[1]]]]}]}, "order.updated").events
    assert isinstance(event, dict)
    assert event["consent"] == "unreadable"


def test_no_buyer_can_make_an_order_too_large() -> None:
    """Cart attributes are the buyer's: an event that is refused for its size is a failure to the platform, which after
    some sends nothing more."""
    names = [*PLACES, *("x" * number for number in range(20))]
    told = [{"name": name, "key": name, "value": "€" * 4000} for name in names if not name.startswith("consent")]
    deep = json.dumps({str(number): [number] for number in range(400)})
    long = {"variant_id": 9, "title": "€" * 999, "name": "€" * 999, "product_id": 9, "price": "1.00", "quantity": 2}
    for name, topic, key in (("shop", "orders/paid", "note_attributes"), ("woo", "order.updated", "meta_data")):
        whole = {"name": "consent", "key": "consent", "value": deep}
        body = WHOLE[name] | {key: [*told[:90], whole], "line_items": [long] * 600}
        (event,) = read(name, body, topic).events
        assert isinstance(event, dict)
        assert event["consent"] == "unreadable"
        assert len(json.dumps(event, ensure_ascii=False).encode()) < 200_000
        assert sum(json.dumps(event).count(sign) for sign in ",[{") < 2000


def test_an_order_of_long_names_is_one_event() -> None:
    """Of at most 256 KiB."""
    line = {"variant_id": 9, "title": "x" * 5000, "price": "1.00", "quantity": 2}
    found = read("shop", WHOLE["shop"] | {"line_items": [line] * 200}, "orders/paid")
    assert len(json.dumps(found.events)) < 50_000
    assert [note.code for note in found.notes] == ["shortened"]


@pytest.mark.parametrize(
    ("pairs", "made"),
    [
        ({"_FBP": "f", "__fbc": " g "}, {"cookie": {"_fbp": "f", "_fbc": "g"}}),
        ({"optanonconsent": "x", "euconsent-v2": "y"}, {"cookie": {"OptanonConsent": "x", "euconsent-v2": "y"}}),
        ({"gclid": "a", "_ttclid": "b", "epik": "c"}, {"click": {"gclid": "a", "ttclid": "b", "epik": "c"}}),
        ({"ga_client_id": 12, "ga_session_id": "3"}, {"client_id": "12", "session_id": "3"}),
        ({"ip": "203.0.113.9", "User_Agent": "M"}, {"ip_override": "203.0.113.9", "user_agent": "M"}),
        ({"client_id": "first", "ga_client_id": "second"}, {"client_id": "first"}),
        ({"external_id": "e"}, {"user_data": {"external_id": "e"}}),
        (
            {"consent_ad_storage": "granted", "analytics_storage": False},
            {"consent_state": {"ad_storage": "granted", "analytics_storage": False}},
        ),
        ({"consent": "denied"}, {"consent": "denied"}),
        ({"consent": {"ad_storage": "granted"}}, {"consent": {"ad_storage": "granted"}}),
        (
            {"consent": '["consent","update",{"ad_storage":"denied"}]'},
            {"consent": ["consent", "update", {"ad_storage": "denied"}]},
        ),
        ({"consent": "", "tcf": ""}, {"consent": "", "tcf": ""}),
        ({"consent": "{"}, {"consent": "unreadable"}),
        ({"consent": json.dumps([0] * 99)}, {"consent": [0] * 99}),
        ({"consent": json.dumps([0] * 100)}, {"consent": "unreadable"}),
        ({"consent": '{"a": 1e999}'}, {"consent": "unreadable"}),
        ({"consent": "[" * 3000}, {"consent": "unreadable"}),
        ({"consent": '{"ad_storage":"denied","ad_storage":"granted"}'}, {"consent": "unreadable"}),
        ({"consent": '{"ad_storage":"granted","ad_storage":"granted"}'}, {"consent": {"ad_storage": "granted"}}),
        ({"consent": '{"ad_storage":"granted"}', "_consent": '{"ad_storage":"denied"}'}, {"consent": "unreadable"}),
        ({"tc_string": "CP1", "tcf": "CP2"}, {"tcf": "CP1", "consent": "unreadable"}),
        ({"tcf": "C" * 5000}, {"consent": "unreadable"}),
        ({"gpp": {}}, {"consent": "unreadable"}),
        ({"_fbp": {}, "gclid": "x" * 5000, "event_id": ["a"]}, {}),
        ({"_fbp": "", "event_id": None}, {}),
        ({"colour": "blue", "email": "a@example.com", "x" * 99: "y"}, {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_page_has_put_into_an_order(pairs: dict[str, Any], made: dict[str, Any]) -> None:
    """By its name; what may have been a refusal and cannot be read is one."""
    notes: list[Note] = []
    assert carried((("", name, value) for name, value in pairs.items()), notes) == made


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["\ud800", " 1e5", "1,5", "undefined", 10**40, 1e300, "x" * 5000, "https://[", "gid://shopify/Order/1"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, Any]:
    """A whole order in which some fields, at any depth, are something else."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    body = deepcopy(WHOLE[name])
    for _ in range(draw(st.integers(1, 4))):
        at: Any = body
        for _ in range(draw(st.integers(0, 3))):
            keys = sorted(at) if isinstance(at, dict) else range(len(at))
            inner = [key for key in keys if isinstance(at[key], dict | list) and at[key]]
            if not inner:
                break
            at = at[draw(st.sampled_from(inner))]
        keys = sorted(at) if isinstance(at, dict) else range(len(at))
        at[draw(st.sampled_from([*keys]))] = draw(anything)
    return name, body


@given(changed(), st.data())
def test_whatever_an_order_holds(order: tuple[str, Any], data: st.DataObject) -> None:
    """Nothing but Refuse comes out, and what is given is plain, and a sale only with its id."""
    name, body = order
    _sound(name, body, data.draw(st.sampled_from(TOPICS[name])))


@given(st.sampled_from(sorted(TOPICS)), anything, st.data())
def test_whatever_a_body_is(name: str, body: Any, data: st.DataObject) -> None:
    _sound(name, body, data.draw(st.sampled_from(TOPICS[name])))


def _sound(name: str, body: Any, topic: str) -> None:
    try:
        found = read(name, body, topic)
    except Refuse as refused:
        said = (refused.status, refused.code)
        found = Incoming([])
    else:
        said = (400, "bad_shape")
    assert said in ((400, "bad_shape"), (400, "bad_json"))
    for event in found.events:
        if isinstance(event, Passed):
            assert event.code in Webhooks.passes
            continue
        json.dumps(event, allow_nan=False)
        assert event["event"] in ("purchase", "refund")
        assert event["event_id"]
        assert event["ecommerce"]["transaction_id"]
    assert all(note.path and note.message.startswith(note.path) for note in found.notes)
