"""What rests of an event in a record: shapes of what is personal, and nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tagserver.event.address import parse_address
from tagserver.plugin.destination import Response
from tagserver.records.masking.addresses import masked_address
from tagserver.records.masking.marks import Marks
from tagserver.records.masking.mask import LARGEST, Masker, answer_words, masked_id, masked_note, masked_text
from tagserver.records.sharing import snapshot
from tests.fast_yaml import safe_load

from ..events import event, facts

CASES: dict[str, list[dict[str, Any]]] = safe_load((Path(__file__).parent / "masks.yaml").read_text("utf-8"))
PUSHED: dict[str, Any] = {
    "user_id": "u-4711",
    "page": {"title": "Thank you, Erika", "location": "https://shop.example/thank-you"},
    "user_data": {"email": "erika@example.com", "address": {"first_name": "Erika"}},
}


def masked(pushed: dict[str, Any], **known: Any) -> dict[str, Any]:
    return Masker(made := event(pushed, **known), made.facts).event()


@pytest.mark.parametrize("case", CASES["fields"], ids=lambda case: str(case["pushed"])[:60])
def test_a_field(case: dict[str, Any]) -> None:
    shown = masked(case["pushed"])
    wanted = {name: value for name, value in case.items() if name != "pushed"}
    assert {name: shown.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("case", CASES["addresses"], ids=lambda case: case["address"])
def test_an_address(case: dict[str, Any]) -> None:
    """Of the page, and of the page before."""
    becomes = case["becomes"]
    assert masked({"page": {"referrer": case["address"]}})["page"]["referrer"] == becomes
    shown = masked({"page": {"location": case["address"]}})["page"]
    assert shown["location"] == becomes
    if case["address"] != "erika":
        assert masked_address(parse_address(case["address"]), Marks()) == becomes
    if "host" in shown:
        assert shown["location"].startswith(("https://" + shown["host"], "https://shop.example:8443"))


@pytest.mark.parametrize("case", CASES["texts"], ids=lambda case: case["text"])
def test_a_text_that_comes_from_anybody(case: dict[str, Any]) -> None:
    assert masked_text(case["text"]) == case["becomes"]


@pytest.mark.parametrize("case", CASES["ids"], ids=lambda case: case["id"])
def test_an_id(case: dict[str, Any]) -> None:
    """And what was masked stays as it is."""
    assert masked_id(case["id"]) == case["becomes"]
    assert masked_id(case["becomes"]) == case["becomes"]
    assert masked({"event_id": case["id"]})["event_id"] == case["becomes"]


@pytest.mark.parametrize("case", CASES["sentences"], ids=lambda case: case["text"])
def test_a_sentence(case: dict[str, Any]) -> None:
    made = event(PUSHED)
    assert Masker(made, made.facts).sentence(case["text"]) == case["becomes"]


@pytest.mark.parametrize("case", CASES["notes"], ids=lambda case: case["path"])
def test_a_problem(case: dict[str, Any]) -> None:
    """Keys of a sender's own stand in paths, and in sentences about them."""
    assert list(masked_note(case["path"], case["message"])) == case["becomes"]


@pytest.mark.parametrize(
    "case", CASES["answers"], ids=lambda case: f"{case['answer']} to {case.get('sent', 'nothing')}"
)
def test_an_answer(case: dict[str, Any]) -> None:
    response = Response(200, {}, case["answer"].encode())
    assert answer_words(response, [case.get("sent", "{}").encode()], ()) == case["becomes"]


def test_texts_are_bounded() -> None:
    assert len(masked_text("x " * 10_000)) == 300
    assert masked_text("x " * 10_000).endswith("…")
    assert len(masked_id("x " * 10_000)) == 300
    made = event(PUSHED)
    assert len(Masker(made, made.facts).sentence("x " * 10_000)) == 1000
    assert len(answer_words(Response(200, {}, str([[0.5] * 9] * 900).encode()), [], ())) <= 300


def test_the_request_says_what_it_was_and_not_who() -> None:
    headers = {
        "origin": "https://shop.example",
        "referer": "https://shop.example/u/u-4711?q=Erika#x",
        "user-agent": "Mozilla/5.0",
        "cookie": "_ga=GA1.1.1.2",
        "accept": "*/*",
        "x-forwarded-for": "203.0.113.77",
        "x-erika@example.com": "1",
    }
    known: dict[str, Any] = {
        "ip": "203.0.113.77",
        "user_agent": "Mozilla/5.0",
        "country": "DE",
        "region": "DE-BE",
        "headers": headers,
        "cookies": {"_ga": "GA1.1.1.2", "_fbp": "fb.1.1700000000000.123456789", "Erika Muster": "1"},
    }
    made = event(PUSHED, **known)
    assert Masker(made, made.facts).request() == {
        "source": "browser",
        "received": made.received,
        "ip": "203.0.113.0",
        "country": "DE",
        "region": "DE-BE",
        "user_agent": "[text, 11 characters, #9]",
        "origin": "https://shop.example",
        "referer": "https://shop.example/u/[text, 6 characters, #1]?q=[text, 5 characters, #4]",
        "headers": ["accept", "x-forwarded-for", "[key, 19 characters, #10]"],
        "cookies": {
            "_ga": "[text, 9 characters, #5]",
            "_fbp": "[text, 28 characters, #6]",
            "[key, 12 characters, #7]": "[number, 1 digit, #8]",
        },
    }


def test_without_an_event_the_request_alone_is_known() -> None:
    masker = Masker(None, facts(ip="2001:db8:1:2:3:4:5:6"))
    assert masker.event() == {}
    assert masker.request() == {"source": "browser", "received": facts().received, "ip": "2001:db8:1::", "headers": []}
    assert masker.sentence("a equals 5, is erika@example.com") == "a equals 5, is [email, 17 characters, #1]"
    assert Masker(None, None).request() == {}


def test_equal_values_are_seen_to_be_equal() -> None:
    """In every part of a record, as a text and as a number."""
    made = event(
        {
            "user_id": 4711,
            "user_data": {"external_id": ["4711", "4712"]},
            "page": {"location": "https://shop.example/?id=4711"},
        },
        cookies={"id": "4712"},
    )
    masker = Masker(made, made.facts)
    shown = masker.event()
    first, second = shown["user_data"]["external_id"]
    assert shown["user_id"] == shown["page"]["query"]["id"] == first != second
    assert shown["cookie"]["id"] == masker.request()["cookies"]["id"] == second
    assert masker.sentence('a equals "b", is "4711"').endswith(first)


@pytest.mark.parametrize(
    "pushed",
    [
        {f"field{number:x}": "Text" * 50 for number in range(20_000)},
        {f"Key {number}": number for number in range(20_000)},
        {"list": ["Text"] * 100_000, "other": {"more": [1] * 1000}},
        {"coupon": "\\" * 100_000, "affiliation": "ü" * 100_000},
        {"items": [{"item_name": "ü" * 200, "item_id": f"{number}"} for number in range(5000)]},
        {"items": [{"item_name": '"' * 200, "custom": {"deep": [{"x": "/a/b" * 100}] * 20}}] * 500},
        {"page": {"location": "https://shop.example/?" + "&".join(f"k{number:x}=v" for number in range(5000))}},
        {"links": ["https://shop.example/" + "A/" * 5000 + "?" + "B=1&" * 5000] * 600},
        {"user_data": {f"a{number:x}": {"b": ["c"] * 10} for number in range(1000)}},
        {"cookie": {f"c{number:x}": "x" * 3000 for number in range(1000)}},
    ],
    ids=lambda pushed: "+".join(list(pushed)[:2]),
)
def test_a_masked_event_is_small_whatever_came_in(pushed: dict[str, Any]) -> None:
    shown = masked(pushed)
    assert len(msgspec.json.encode(shown)) <= LARGEST
    assert "…" in str(shown)


def test_what_goes_too_deep_is_cut() -> None:
    deep: Any = "Erika"
    for _ in range(200):
        deep = {"a": [deep]}
    assert "deeper" in str(masked({"deep": deep}))


@pytest.mark.parametrize("number", [1e9, 1.5e9, 150_000_000.5, 1.7e12, 2**63, -1e300, float("inf")])
def test_a_large_number_takes_no_longer_than_a_small_one(number: float) -> None:
    """It once was sought among all milliseconds of many years, one by one."""
    shown = masked({"own": number, "value": number, "user_data": {"own": number}, "list": [number]})
    assert "own" in shown
    assert b"records" in snapshot([{"own": number, "value": number}])
