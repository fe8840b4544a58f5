"""The data-layer client: spellings, types, ids, times, context."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.event import MISSING, reader
from tagserver.inbound.clients.datalayer import Context, Refused, read_context, read_event, uuid7
from tests.events import NOW, event, facts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def codes(made: Any) -> set[tuple[str, str]]:
    return {(note.path, note.code) for note in made.notes}


@pytest.mark.parametrize(
    ("pushed", "path", "value"),
    [
        ({"page_location": "https://a.example/x"}, "page.location", "https://a.example/x"),
        ({"page": {"location": "https://a.example/x"}}, "page_location", "https://a.example/x"),
        ({"value": 5}, "ecommerce.value", 5),
        ({"ecommerce": {"value": 5}}, "value", 5),
        ({"items": [{"item_id": "a"}]}, "items.0.item_id", "a"),
        ({"transaction_id": 77}, "ecommerce.transaction_id", "77"),
        ({"user_data": {"email_address": "a@b.example"}}, "user_data.email", "a@b.example"),
        ({"user_data": {"email": "a@b.example"}}, "user_data.email_address", "a@b.example"),
        ({"user_data": {"address": [{"city": "Ulm"}]}}, "user_data.address.city", "Ulm"),
        ({"user_id": 42}, "user_id", "42"),
        ({"client_id": 12.0}, "client_id", "12"),
        ({"shop": {"floor": 3}}, "shop.floor", 3),
        ({"page_location": "https://Shop.example:444/a/b?x=1&x=2#top"}, "page.host", "shop.example"),
        ({"page_location": "https://shop.example"}, "page.path", "/"),
        ({"page_location": "https://shop.example/a?x=1&x=2"}, "page.query.x", "1"),
        ({"page_location": "https://shop.example/a#top"}, "page.hash", "top"),
        ({"page_location": "https://shop.example/?fbclid=AbC"}, "click.fbclid", "AbC"),
        ({"shop": None}, "shop.floor", None),
        ({"ecommerce": None}, "ecommerce.items", None),
    ],
)
def test_all_spellings_of_a_field_read_the_same_value(pushed: dict[str, Any], path: str, value: Any) -> None:
    """A path finds its value however the page spelled it."""
    assert event(pushed).get(path) == value


def test_event_name_is_a_spelling_of_event() -> None:
    """GA4's `event_name` names the event too."""
    assert read_event({"event_name": "purchase", "event_id": "1"}, facts()).name == "purchase"


def test_null_and_absent_are_different() -> None:
    """Null is a value that was sent; a default fills only what was not."""
    assert reader("shop")(event({"shop": None})) is None
    assert reader("shop")(event()) is MISSING


@pytest.mark.parametrize(
    ("pushed", "path", "code"),
    [
        ({"value": 1, "ecommerce": {"value": 2}}, "value", "conflict"),
        ({"event": "purchase", "event_name": "buy"}, "event_name", "conflict"),
        ({"page": "https://a.example"}, "page", "wrong_type"),
        ({"page": {"location": {"a": 1}}}, "page.location", "wrong_type"),
        ({"page_location": True}, "page.location", "wrong_type"),
        ({"user_data": "x"}, "user_data", "wrong_type"),
        ({"user_data": {"address": 7}}, "user_data.address", "wrong_type"),
        ({"ecommerce": []}, "ecommerce", "wrong_type"),
        ({"ecommerce": {"items": {}}}, "ecommerce.items", "wrong_type"),
        ({"ecommerce": {"items": [1]}}, "ecommerce.items.0", "wrong_type"),
        ({"ecommerce": {"value": True}}, "ecommerce.value", "wrong_type"),
        ({"user_id": {"a": 1}}, "user_id", "wrong_type"),
        ({"event_id": ["x"]}, "event_id", "wrong_type"),
        ({"timestamp": "soon"}, "timestamp", "bad_time"),
        ({"ip": "1.2.3.4"}, "ip", "reserved"),
        ({"geo": {"country": "US"}}, "geo", "reserved"),
        ({"ip_override": "1.2.3.4"}, "ip_override", "ignored"),
        ({"user_agent": "curl"}, "user_agent", "ignored"),
        ({"event_id": ""}, "event_id", "minted"),
        ({"cookie": {"_fbp": 1, "x": {}}}, "cookie.x", "wrong_type"),
        ({"cookie": ["a=b"]}, "cookie", "wrong_type"),
    ],
)
def test_what_is_not_taken_is_named(pushed: dict[str, Any], path: str, code: str) -> None:
    """A bad field is left out and named; the event goes on."""
    assert (path, code) in codes(event(pushed))


def test_cookies_are_read_as_text_and_as_what_a_framework_made_of_them() -> None:
    """A backend passes on the browser's own text, or what decoded JSON in it; either may hold a refusal."""
    assert event({"cookie": "a=b; c=%7B%7D"}).cookies == {"a": "b", "c": "{}"}
    pushed = {"a": {"ads": False}, "b": [10**30, "\ud800"], "c": False, "d": 7, "e": None, "f": "x"}
    cookies = {
        "a": '{"ads":false}',
        "b": '[1000000000000000000000000000000,"\ud800"]',
        "c": "false",
        "d": "7",
        "f": "x",
    }
    assert event({"cookie": pushed}).cookies == cookies


def test_the_nested_spelling_wins_a_conflict() -> None:
    """Of two different values the nested one is used."""
    assert event({"value": 1, "ecommerce": {"value": 2}}).get("value") == 2


@pytest.mark.parametrize("pushed", [None, 3, "purchase", [], {}, {"event": ""}, {"event": {}}, {"event": None}])
def test_an_event_without_a_name_is_refused(pushed: Any) -> None:
    """Nothing can be done with an event that has no name."""
    with pytest.raises(Refused):
        read_event(pushed, facts())


@pytest.mark.parametrize("event_id", ["a b", "ORD-1", "Ünï", " x ", "\x00", "0", "x" * 3000, '"\\', "purchase_1"])
def test_an_event_id_is_kept_byte_for_byte(event_id: str) -> None:
    """Promise 2: what the page sent is what everybody gets."""
    made = event({"event_id": event_id})
    assert made.event_id == event_id
    assert made.data["event_id"] == event_id


def test_a_numeric_event_id_becomes_text() -> None:
    """Numbers become text, exactly."""
    assert event({"event_id": 9007199254740993}).event_id == "9007199254740993"


def test_a_purchase_without_id_is_named_after_its_order() -> None:
    """A reloaded thank-you page is the same purchase."""
    made = read_event({"event": "purchase", "transaction_id": "T-1"}, facts())
    assert made.event_id == "purchase_T-1"
    assert ("event_id", "minted") in codes(made)


def test_any_other_event_without_id_gets_a_new_one() -> None:
    """Two events never share a minted id."""
    first, second = (read_event({"event": "search"}, facts()) for _ in range(2))
    assert first.event_id != second.event_id
    assert first.event_id[14] == "7"


def test_uuid7_holds_the_time() -> None:
    """The first 48 bits are milliseconds, so that ids sort by time."""
    assert int(uuid7(NOW).replace("-", "")[:12], 16) == NOW


@pytest.mark.parametrize(
    ("timestamp", "time"),
    [
        (1_789_999_999_123, 1_789_999_999_123),
        (1_789_999_999, 1_789_999_999_000),
        ("1789999999123", 1_789_999_999_123),
        (1_789_999_999_123.7, 1_789_999_999_123),
        ("2026-09-21T14:13:20Z", 1_790_000_000_000),
        ("2026-09-21T16:13:20+02:00", 1_790_000_000_000),
        ("2026-09-21T14:13:20.500Z", 1_790_000_000_500),
        (None, NOW),
        (-5, NOW),
        (True, NOW),
        (1e300, NOW),
        (179, NOW),
        ("20260921", NOW),
        ("9999-99-99", NOW),
        ([], NOW),
    ],
)
def test_times(timestamp: Any, time: int) -> None:
    """Milliseconds, ten digits of seconds, ISO 8601; anything else is the time of receipt."""
    assert event({"timestamp": timestamp}).time == time


@pytest.mark.parametrize(("error", "shift"), [(4000, 0), (6000, 6000), (-90_000, -90_000)])
def test_a_browsers_clock_error_is_taken_off(error: int, shift: int) -> None:
    """`sent` tells how far the browser's clock is off; small errors are left alone."""
    context = read_context(None, NOW - error, facts())
    assert event({"timestamp": NOW - error - 100}, context).time == NOW - error - 100 + shift


def test_a_backends_times_are_not_shifted() -> None:
    """Only a browser's clock is doubted."""
    assert read_context(None, NOW - 60_000, facts(source="crm")).shift == 0


def test_context_lies_beneath_every_event() -> None:
    """The event wins, groups are merged, whatever the spelling."""
    context = read_context({"page_location": "https://a.example/", "page": {"title": "A"}, "lang": "de"}, None, facts())
    made = event({"page": {"title": "B"}}, context)
    assert (made.get("page.location"), made.get("page.title"), made.get("lang")) == ("https://a.example/", "B", "de")


def test_consent_of_context_and_event_is_never_mixed() -> None:
    """A refusal in the event is not completed by grants of the context."""
    context = Context({"consent": {"ad_storage": "granted"}})
    assert event({"consent": {"ad_user_data": "denied"}}, context).data["consent"] == {"ad_user_data": "denied"}


def test_a_backend_says_who_the_visitor_is() -> None:
    """Of a key's request the fields count, never the connection."""
    made = event({"ip_override": "[2001:db8::1]", "user_agent": "UA"}, source="crm")
    assert (made.get("ip"), made.get("user_agent")) == ("2001:db8::1", "UA")


WORDS = ["undefined", "null", "NULL", "NaN", "nan", "None", " undefined ", "[object Object]", "(not set)", "{{ id }}"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "path",
    [
        *("client_id", "user_id", "session_id", "ecommerce.transaction_id", "transaction_id"),
        *("user_data.email", "user_data.external_id", "user_data.address.city", "user_data.date_of_birth"),
    ],
)
def test_what_is_written_for_a_missing_value_is_missing(word: str, path: str) -> None:
    """And named, without the text. The rest stays."""
    raw: dict[str, Any] = {"event": "x", "event_id": "e"}
    *way, last = path.split(".")
    group = raw
    for part in way:
        group = group.setdefault(part, {"note": "kept"})
    group[last] = word
    made = read_event(raw, facts())
    where = "ecommerce.transaction_id" if last == "transaction_id" else path
    assert made.get(path) is None
    assert [(note.path, note.code) for note in made.notes] == [(where, "placeholder")]
    assert word.strip() not in made.notes[0].message or word in ("undefined", " undefined ", "null")
    assert not way or made.get(".".join((*way, "note"))) == "kept"


def test_a_list_is_looked_through() -> None:
    made = read_event({"event": "x", "event_id": "e", "user_data": {"email": ["undefined", "a@b.example"]}}, facts())
    assert made.user_data["email"] == ["a@b.example"]
    assert [note.path for note in made.notes] == ["user_data.email"]


@pytest.mark.parametrize("name", ["Null", "null", "Nan", "Nadine", "Undine"])
def test_people_are_called_null(name: str) -> None:
    address = {"first_name": name, "last_name": name}
    made = read_event({"event": "x", "event_id": "e", "user_data": {"address": address}}, facts())
    assert (made.user_data["address"], made.notes) == (address, ())


@pytest.mark.parametrize("name", ["undefined", "NaN", "[object Object]", "none"])
def test_nobody_is_called_undefined(name: str) -> None:
    made = read_event({"event": "x", "event_id": "e", "user_data": {"address": {"last_name": name}}}, facts())
    assert made.user_data == {"address": {}}
    assert [note.path for note in made.notes] == ["user_data.address.last_name"]


@pytest.mark.parametrize("word", WORDS)
def test_an_event_id_of_everybody_is_none(word: str) -> None:
    """The orders of a page whose template is not filled are two."""
    one, two = (
        read_event({"event": "purchase", "event_id": word, "transaction_id": order}, facts())
        for order in ("B-102", "B-103")
    )
    assert (one.event_id, two.event_id) == ("purchase_B-102", "purchase_B-103")
    assert [(note.path, note.code) for note in one.notes] == [("event_id", "placeholder"), ("event_id", "minted")]
    unknown = read_event({"event": "purchase", "event_id": word, "transaction_id": word}, facts())
    assert len(unknown.event_id) == 36


@pytest.mark.parametrize("word", WORDS)
def test_an_event_id_that_is_made_of_no_order_is_none(word: str) -> None:
    """As pages make it of a template that nobody filled: the next customer's sale is another one."""
    raw = {"event": "purchase", "event_id": f"purchase_{word}", "transaction_id": word}
    one, two = read_event(raw, facts()), read_event(raw, facts())
    assert len(one.event_id) == len(two.event_id) == 36
    assert one.event_id != two.event_id
    assert ("event_id", "placeholder") in [(note.path, note.code) for note in one.notes]


@pytest.mark.parametrize("event_id", ["purchase_", "purchase_NONE-7", "purchase_nullarbor", "refund_undefined"])
def test_an_event_id_that_only_resembles_one_is_kept(event_id: str) -> None:
    assert read_event({"event": "purchase", "event_id": event_id}, facts()).event_id == event_id


@pytest.mark.parametrize("agent", ["   ", "\t", "undefined"])
def test_blanks_are_no_agent(agent: str) -> None:
    made = read_event({"event": "x", "event_id": "e", "user_agent": agent}, facts(source="crm"))
    assert made.facts.user_agent is None
    assert [note.path for note in made.notes] == ["user_agent"]


@given(JSON)
def test_any_json_makes_an_event_or_a_refusal(pushed: Any) -> None:
    """No JSON makes the door raise anything else."""
    try:
        made = read_event(pushed, facts())
    except Refused:
        return
    made.as_dict()


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "event",
                "event_id",
                "timestamp",
                "page",
                "user_data",
                "ecommerce",
                "items",
                "value",
                "click",
                "cookie",
                "consent",
                "user_id",
                "ip_override",
                "page_location",
            ]
        ),
        JSON,
    )
)
def test_any_value_in_any_field_leaves_the_event_alive(fields: dict[str, Any]) -> None:
    """A wrong value in a field costs that field, never the event. What was sent is not changed."""
    sent = fields | {"event": "x"}
    before = repr(sent)
    made = read_event(sent, facts(source="crm"))
    assert repr(sent) == before
    assert made.name == "x"
    made.as_dict()
