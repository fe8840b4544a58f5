"""The examples, in files and on the page; the rules of every client; what Meta refuses; and answers as Graph's."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_meta_capi.custom_data import FROM_EVENT
from tagserver_meta_capi.destination import ACTION_SOURCES as ACTION_SOURCES_OF_THE_DESTINATION
from tagserver_meta_capi.destination import SHOP_WINDOW_MS, WINDOW_MS
from tagserver_meta_capi.fields import EVENT_FIELDS
from tagserver_meta_client import Meta
from tagserver_meta_client.checks import ACTION_SOURCES, DAY, QUEUE, BadEvent, check
from tagserver_meta_client.event import KNOWN
from tagserver_meta_client.upload import events_of, fields_of, text_in

from tagserver.plugin.inbound import CONSENT_FIELDS, META_PARAMETERS, Incoming, Note, Refuse, RequestFacts, Result
from tagserver.testing import check_client, load_examples, make_client, make_request, run_client_example, with_examples

FOLDER = Path(__file__).parents[1]
SOURCES = {
    "shop": {"secret": "token-of-the-shop-1"},
    "till": {"secret": "token-of-the-till-2", "app_secret": "secret-of-the-app"},
}
EXAMPLES = list(load_examples(FOLDER / "examples"))
CLIENT = make_client(Meta, SOURCES)
NOW = 1_790_000_000_000
FACTS = RequestFacts("shop", NOW, {"pixel": "1"}, "", {})
LEAD = {
    "event_name": "Lead",
    "event_time": NOW // 1000,
    "action_source": "website",
    "user_data": {"external_id": "7"},
}


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Meta, case, SOURCES)


def test_it_keeps_the_rules() -> None:
    """With the richest of its examples, whose fields are then changed, one by one."""
    good = [case["request"] for case in EXAMPLES if "refused" not in case]
    richest = sorted((one for one in good if "body" in one), key=lambda one: len(str(one)))[-2:]
    assert check_client(Meta, SOURCES, requests=richest) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/meta_client` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


def test_both_sides_of_meta_agree() -> None:
    """What the door lets in is what the destination sends."""
    assert set(ACTION_SOURCES) == ACTION_SOURCES_OF_THE_DESTINATION
    assert (7 * DAY - QUEUE) * 1000 == WINDOW_MS
    assert (62 * DAY - QUEUE) * 1000 == SHOP_WINDOW_MS
    assert set(FROM_EVENT.values()) == META_PARAMETERS
    assert EVENT_FIELDS <= KNOWN
    assert {"event_id"} == KNOWN - EVENT_FIELDS - CONSENT_FIELDS


@pytest.mark.parametrize(
    ("changed", "code", "subcode", "place"),
    [
        ({"event_name": None}, "bad_event", 0, "data[3][event_name]"),
        ({"event_name": " "}, "bad_event", 0, "data[3][event_name]"),
        ({"event_name": 5}, "bad_event", 0, "data[3][event_name]"),
        ({"action_source": "web"}, "bad_event", 0, "data[3][action_source]"),
        ({"action_source": []}, "bad_event", 0, "data[3][action_source]"),
        ({"event_time": None}, "bad_event", 0, "data[3][event_time]"),
        ({"event_time": "2026-09-21"}, "bad_event", 0, "data[3][event_time]"),
        ({"event_time": 1.5}, "bad_event", 0, "data[3][event_time]"),
        ({"event_time": True}, "bad_event", 0, "data[3][event_time]"),
        ({"event_time": NOW // 1000 + 601}, "in_future", 0, "data[3][event_time]"),
        ({"event_time": NOW}, "in_future", 0, "data[3][event_time]"),
        ({"event_time": NOW // 1000 - 7 * DAY + QUEUE - 1}, "too_old", 2804003, "data[3][event_time]"),
        (
            {"action_source": "physical_store", "event_time": NOW // 1000 - 62 * DAY + QUEUE - 1},
            *("too_old", 2804003, "data[3][event_time]"),
        ),
        ({"user_data": None}, "bad_event", 2804050, "data[3][user_data]"),
        ({"user_data": {}}, "no_identity", 2804050, "data[3][user_data]"),
        ({"user_data": {"em": [None, ""], "ph": [[], {}]}}, "no_identity", 2804050, "data[3][user_data]"),
        ({"user_data": {"em": [""], "ct": ["x"]}}, "no_identity", 2804050, "data[3][user_data]"),
        ({"user_data": {"fn": ["x"], "ge": "f"}}, "no_identity", 2804050, "data[3][user_data]"),
        ({"event_name": "Purchase"}, "no_value", 2804009, "data[3][custom_data][value]"),
        (
            {"event_name": "Purchase", "custom_data": {"value": "nan", "currency": "EUR"}},
            *("no_value", 2804009, "data[3][custom_data][value]"),
        ),
        (
            {"event_name": "Purchase", "custom_data": {"value": 10**400, "currency": "EUR"}},
            *("no_value", 2804009, "data[3][custom_data][value]"),
        ),
        (
            {"event_name": "Purchase", "custom_data": {"value": 0, "currency": "EURO"}},
            *("no_currency", 2804010, "data[3][custom_data][currency]"),
        ),
        *(
            (
                {"event_name": "Purchase", "custom_data": {"value": value, "currency": currency}},
                *(f"no_{field}", 2804009 + (field == "currency"), f"data[3][custom_data][{field}]"),
            )
            for value, currency, field in (
                *((odd, "EUR", "value") for odd in ("1_000", "1e5", "5,50", "\u0663", 1e16, "infinity", True, [5])),
                *((5, odd, "currency") for odd in ("ZZZ", "XXX", "E", 978, ["EUR"])),
            )
        ),
        ({"action_source": "app"}, "bad_event", 0, "data[3][app_data][advertiser_tracking_enabled]"),
        (
            {"action_source": "app", "app_data": {"advertiser_tracking_enabled": 0, "application_tracking_enabled": 0}},
            *("bad_event", 0, "data[3][app_data][extinfo]"),
        ),
        ({"action_source": "business_messaging"}, "bad_event", 0, "data[3][messaging_channel]"),
    ],
)
def test_one_bad_event_refuses_all(changed: Mapping[str, Any], code: str, subcode: int, place: str) -> None:
    """With the field and its place, in words and where the SDKs look for it; and with nothing of its value."""
    body = json.dumps({"data": [LEAD, LEAD, LEAD, {**LEAD, **changed}]}).encode()
    with pytest.raises(BadEvent) as refused:
        CLIENT.events(body, FACTS)
    reply = CLIENT.refused(refused.value)
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error.get("error_subcode", 0)) == (400, 100, subcode)
    assert error["error_data"] == {"reason": code, "blame_field_specs": [[place]]}
    assert error["message"].startswith("(#100) data[3].")
    assert error["type"] == "OAuthException"


@pytest.mark.parametrize(
    "changed",
    [
        {"event_time": NOW // 1000 - 7 * DAY + QUEUE},
        {"event_time": NOW // 1000 + 600},
        {"event_time": str(NOW // 1000)},
        {"event_time": float(NOW // 1000)},
        {"action_source": "physical_store", "event_time": NOW // 1000 - 62 * DAY + QUEUE},
        {"user_data": {"fn": ["x"], "ln": ["y"]}},
        {"event_name": "Purchase", "custom_data": {"value": "0.00", "currency": "eur"}},
        {"action_source": "business_messaging", "messaging_channel": "whatsapp"},
    ],
)
def test_what_meta_takes_is_taken(changed: Mapping[str, Any]) -> None:
    assert check({**LEAD, **changed}, 0, NOW).name


def test_no_age_is_judged_by_a_clock_that_is_doubted() -> None:
    """A wrong one would refuse what every sender tells."""
    body = json.dumps({"data": [{**LEAD, "event_time": 1}]}).encode()
    doubted = RequestFacts("shop", NOW, {"pixel": "1"}, "", {}, doubted=True)
    assert len(CLIENT.events(body, doubted).events) == 1
    with pytest.raises(BadEvent, match="is more than 7 days ago"):
        CLIENT.events(body, FACTS)


def test_a_thousand_events_and_no_more() -> None:
    body = json.dumps({"data": [LEAD] * 1000}).encode()
    assert len(CLIENT.events(body, FACTS).events) == 1000
    with pytest.raises(Refuse, match="more than 1000 events"):
        CLIENT.events(json.dumps({"data": [LEAD] * 1001}).encode(), FACTS)


FORM = urlencode({"data": json.dumps([json.dumps(LEAD)]), "access_token": "t", "partner_agent": "a b"})
PARTS = (
    '--b\r\nContent-Disposition: form-data; name="data"\r\nContent-Type: text/plain\r\n\r\n[1]\r\n'
    "--b\r\ncontent-disposition: form-data; name=access_token\r\n\r\nt\r\n"
    '--b\r\nContent-Disposition: form-data; name="upload_tag"\r\n\r\n\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"data": [1], "access_token": "t"}', {"data": [1], "access_token": "t"}),
        (b'\xef\xbb\xbf {"data": [1], "access_token": "t"}', {"data": [1], "access_token": "t"}),
        (FORM.encode(), {"data": json.dumps([json.dumps(LEAD)]), "access_token": "t", "partner_agent": "a b"}),
        (PARTS.encode(), {"data": "[1]", "access_token": "t", "upload_tag": ""}),
        (PARTS.replace("\r\n", "\n").encode(), {"data": "[1]", "access_token": "t", "upload_tag": ""}),
        (b"", {}),
        (b"--", None),
        (b"--\n--\n", None),
        (b"--b" + b"\n--b" * 200, None),
        (b"[1]", None),
        (bytes(range(128, 256)), None),
    ],
    ids=["json", "mark", "form", "parts", "bare", "nothing", "dashes", "bare-dashes", "many", "list", "bytes"],
)
def test_a_body_is_read_by_its_bytes(body: bytes, fields: Mapping[str, Any] | None) -> None:
    if fields is None:
        with pytest.raises(Refuse):
            fields_of(body)
        return
    assert fields_of(body) == fields
    assert text_in(body, "access_token") == fields.get("access_token")


@pytest.mark.parametrize("of", [lambda text: text, lambda text: json.dumps({"data": text})], ids=["form", "json"])
def test_half_an_emoji_in_a_text_costs_no_event(of: Callable[[str], str]) -> None:
    """As in a body that is JSON itself: a product's name that was cut is written so by the SDK for Python."""
    whole = {**LEAD, "custom_data": {"content_name": "Mug \ud83d"}}
    texts = json.dumps([json.dumps(whole), json.dumps(LEAD)])
    body = urlencode({"data": texts}) if of(texts) == texts else of(texts)
    first, second = events_of(fields_of(body.encode()))
    assert first["custom_data"] == {"content_name": "Mug \ufffd"}
    assert second == LEAD


def test_a_token_is_found_wherever_an_sdk_has_it() -> None:
    """Query before header before body; whose body is compressed says it outside."""

    def asked(query: str = "", headers: Mapping[str, str] | None = None, body: Any = None) -> str:
        given = {"path": "/v26.0/1/events", "query": query, "headers": headers or {}, "body": body or {}}
        return CLIENT.identify(make_request(CLIENT, given))

    assert asked("access_token=token-of-the-shop-1") == "shop"
    assert asked("accessKey=token-of-the-shop-1", {"authorization": "Bearer x"}) == "shop"
    assert asked("", {"authorization": "Bearer token-of-the-shop-1"}, {"access_token": "x"}) == "shop"
    assert asked(body={"accessKey": "token-of-the-shop-1"}) == "shop"
    for wrong in ({"access_token": 5}, {"access_token": ""}, {"data": {"access_token": "token-of-the-shop-1"}}):
        with pytest.raises(Refuse) as refused:
            asked(body=wrong)
        assert refused.value.code == "unknown_key"


def test_nothing_is_read_of_a_stranger_in_which_no_token_could_be_found() -> None:
    """A packed body is not looked into, so it is not waited for."""
    request = make_request(CLIENT, {"path": "/v26.0/1/events", "headers": {"content-encoding": "gzip"}})
    with pytest.raises(Refuse, match="into the query or the header") as refused:
        CLIENT.identify(msgspec.structs.replace(request, body=None))
    assert refused.value.status == 401
    shown = request.with_headers({"authorization": "Bearer token-of-the-shop-1"})
    assert CLIENT.identify(msgspec.structs.replace(shown, body=None)) == "shop"


@pytest.mark.parametrize(
    ("proof", "fine"),
    [("right", True), ("RIGHT", True), ("", False), ("0" * 64, False), ("é", False), (None, False)],
)
@pytest.mark.parametrize("place", ["query", "body"])
def test_a_proof_is_of_the_token_and_the_app_secret(proof: str | None, fine: bool, place: str) -> None:
    made = hmac.new(b"secret-of-the-app", b"token-of-the-till-2", hashlib.sha256).hexdigest()
    shown = {"right": made, "RIGHT": made.upper()}.get(proof or "", proof)
    said = {} if shown is None else {"appsecret_proof": shown}
    query = {"access_token": "token-of-the-till-2"} | (said if place == "query" else {})
    request = {"path": "/v26.0/1/events", "query": urlencode(query), "body": said if place == "body" else {}}
    if fine:
        assert CLIENT.identify(make_request(CLIENT, request)) == "till"
        return
    with pytest.raises(Refuse) as refused:
        CLIENT.identify(make_request(CLIENT, request))
    assert json.loads(CLIENT.refused(refused.value).body)["error"]["code"] == 104


@pytest.mark.parametrize(
    ("refusal", "status", "code", "transient"),
    [
        (Refuse(401, "unknown_key", "m"), 401, 190, False),
        (Refuse(503, "no_secret", "m", retry_after=60), 503, 2, True),
        (Refuse(503, "try_later", "m"), 503, 2, True),
        (Refuse(429, "rate", "m"), 429, 4, True),
        (Refuse(413, "too_large", "m"), 413, 100, False),
        (Refuse(405, "method", "m"), 405, 100, False),
        (Refuse(400, "bad_pixel", "m"), 400, 100, False),
    ],
    ids=lambda value: value.code if isinstance(value, Refuse) else None,
)
def test_trouble_is_told_as_graph_tells_it(refusal: Refuse, status: int, code: int, transient: bool) -> None:
    reply = CLIENT.refused(refusal)
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["is_transient"]) == (status, code, transient)
    assert error["message"] == f"(#{code}) m"


def test_success_has_what_the_sdks_read() -> None:
    """Also of what was there before: it counts, and must not be sent again."""
    note = Note("user_data.email", "wrong_type", "user_data.email is not text; left out")
    of_all = Note("data.1.x", "unread", "data.1.x is no field of Meta's server events; left out")
    minted = Note("event_id", "minted", "minted: a pixel cannot match it")
    results = [
        Result("a", "accepted", (of_all, minted)),
        Result("b", "duplicate", (note, of_all, minted)),
        Result(None, "held"),
    ]
    reply = CLIENT.answer(results)
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "events_received": 3,
        "messages": [of_all.message, f"data.0 and 1 more: {minted.message}", f"data.1: {note.message}"],
        "fbtrace_id": "a",
    }
    many = [Result("a", "accepted", tuple(Note("", "x", f"{at} " + "y" * 300) for at in range(30)))]
    messages = json.loads(CLIENT.answer(many).body)["messages"]
    assert len(messages) == 21
    assert max(map(len, messages)) == 208
    assert messages[-1] == "and 10 more"


def test_what_the_host_refuses_of_one_event_names_its_place() -> None:
    reply = CLIENT.refused(Refuse(400, "too_large", "the event is too large", at=1))
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"]) == (400, 100)
    assert error["message"] == "(#100) data[1] could not be taken: the event is too large"
    assert error["error_data"] == {"reason": "too_large", "blame_field_specs": [["data[1]"]]}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(KNOWN)), _json, max_size=6), st.booleans())
def test_anything_may_stand_in_a_field(odd: Mapping[str, Any], as_text: bool) -> None:
    """Nothing but Refuse is ever raised, and what is taken has a name, a time and the pixel."""
    event: Any = {**LEAD, **odd}
    body = json.dumps({"data": [json.dumps(event) if as_text else event]}).encode()
    with contextlib.suppress(Refuse):
        found = CLIENT.events(body, FACTS)
        assert isinstance(found, Incoming)
        (made,) = found.events
        assert isinstance(made, dict)
        assert made["event"]
        assert made["pixel"]["ids"] == ["1"]


@given(st.binary(max_size=60))
def test_any_bytes_may_come(body: bytes) -> None:
    for one in (body, b"--" + body, b"{" + body, b"data=" + body):
        text_in(one, "access_token")
        with contextlib.suppress(Refuse):
            events_of(fields_of(one))
