"""Whatever somebody puts wherever: nothing of a person survives in what a record holds of an event."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.model.policy import ConsentPolicy
from tagserver.event.event import Event
from tagserver.plugin.destination import Response
from tagserver.records.masking.mask import LARGEST, Masker, answer_words, masked_id, masked_text

from ..events import consent_of, event

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxenh3In0.dozjgNryP4J3jVmNHl0w5N"
MAILS = ("qzxw@example.com", "Qzxw.Quaxwith+1@mail.example", "qzxw%40example.com", "x <QZXW@EXAMPLE.COM>")
PHONES = ("+49 30 98765432", "tel:+493098765432", "%2B4930987654321")
FOUND = {  # sentinel → what of it must not be seen, in small letters; found in any text
    **dict.fromkeys(MAILS, "qzxw"),
    **dict.fromkeys(PHONES, "98765432"),
    "030 98765432": "98765432",
    "5105 1051 0510 5100": "5105 1051",
    "4111111111111111": "41111111",
    "DE02 1203 0000 0000 2020 51": "1203 0000",
    TOKEN: "eyjhbgci",
    "f660ab912ec121d1b1e928a0bb4bc61b15f5ad44d5efdc4e1c92a25e99b8e44a": "f660ab91",
    "E99A18C428CB38D5F260853678922E03": "e99a18c4",
}
HIDDEN = {  # found because only words of programs stay
    "Qzxw Quaxwith": "qzxw",
    "Wo bleibt mein Paket, qzxw?": "qzxw",
    "MNOQUAX": "mnoquax",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479": "f47ac10b",
    "1990-05-17": "1990",
    "ünïqzxw": "qzxw",
    'a "qzxw" b': "qzxw",
    'a", is "Qzxw"; x': "qzxw",
    "qzxw\nquaxwith": "qzxw",
}
KNOWN = {"cust-vbnk": "vbnk", "wertnak": "wertnak", "plok.nabu/with": "plok"}
"""Words, which are personal where a field of persons holds them."""

TEXTS = ("coupon", "affiliation", "method", "item_name", "item_brand", "item_category", "item_list_name", "event")
FREE = ("page.title", "search_term", "page.hash", "comment", "own", "deep", "list", "item.note", "referrer", "path")
PEOPLE = ("user_id", "client_id", "session_id", "user_data.email", "user_data.phone_number", "user_data.external_id")
PERSONS = (*PEOPLE, "user_data.address.city", "user_data.own", "customer", "loyalty.customer_id", "first_name")
KEYS = ("key", "deep key", "user_data key", "item key", "query key", "cookie key", "header key", "consent key")
OUTSIDE = (
    "query",
    "credentials",
    "cookie",
    "header",
    "agent",
    "gclid",
    "tcf",
    "gpp",
    "consent",
    "usprivacy",
    "euconsent",
)


def put(pushed: dict[str, Any], known: dict[str, Any], place: str, value: str) -> None:
    """Put a value where it should not be."""
    written = value.replace(" ", "+").replace("#", "").replace("&", "")
    page = pushed.setdefault("page", {"location": "https://shop.example/a"})
    item = pushed.setdefault("items", [{"item_id": "a"}])[0]
    people = pushed.setdefault("user_data", {})
    location = page["location"]
    asked = location.partition("#")[0] + ("&" if "?" in location else "?")
    behind = location.partition("//")[2].partition("@")[2] or "shop.example/a"
    match place.split("."):
        case ["page", "hash"]:
            page["location"] = f"{location}#{written}"
        case ["query"]:
            page["location"] = f"{asked}q={written}"
        case ["query key"]:
            page["location"] = f"{asked}{written}=1"
        case ["credentials"]:
            page["location"] = f"https://{written.replace('/', '')}@{behind}"
        case ["path"]:
            page["location"] = f"https://shop.example/a/{written.replace('?', '')}/b"
        case ["referrer"]:
            page["referrer"] = f"https://other.example/{written}?{written}"
        case ["page" | "user_data" as group, *rest] if len(rest) == 1:
            (page if group == "page" else people)[rest[0]] = value
        case ["user_data", "address", name]:
            people.setdefault("address", {})[name] = value
        case ["item", name]:
            item[name] = value
        case ["customer"]:
            pushed["customer"] = {"rank": value}
        case ["loyalty", name]:
            pushed["loyalty"] = {name: value}
        case ["deep"]:
            pushed["deep"] = {"a": [{"b": [value]}]}
        case ["list"]:
            pushed["list"] = [1, value]
        case ["key"]:
            pushed[value] = 1
        case ["deep key"]:
            pushed["deeper"] = [{value: "x"}]
        case ["user_data key"]:
            people[value] = "x"
        case ["item key"]:
            item[value] = 1
        case ["cookie key"]:
            known["cookies"][value] = "1"
        case ["header key"]:
            known["headers"][f"{value} 1".lower()] = "1"  # a word alone is a name there, whoever it names
        case ["consent key"]:
            pushed["consent"] = {value: "granted"}
        case ["cookie"]:
            known["cookies"]["shop"] = value
        case ["usprivacy" as name]:
            known["cookies"][name] = value
        case ["header"]:
            known["headers"] |= {"x-shop": value, "referer": f"https://shop.example/{written}", "origin": value}
        case ["agent"]:
            known["user_agent"] = value
        case ["consent"]:
            pushed["consent"] = {"ad_storage": value, "default": {"region": [value]}}
        case [name] if name.startswith("item_"):
            item[name] = value
        case [name]:
            pushed[name] = value


@st.composite
def laden(draw: st.DrawFn) -> tuple[Event, list[tuple[str, str]]]:
    """An event, and what was put into it: each with what must not be seen of it."""
    pushed: dict[str, Any] = {}
    known: dict[str, Any] = {"cookies": {"_ga": "GA1.1.1.2"}, "headers": {"accept": "*/*"}, "ip": "203.0.113.77"}
    everywhere = st.sampled_from([*TEXTS, *FREE, *PERSONS, *KEYS, *OUTSIDE])
    quiet = st.sampled_from([*FREE, *PERSONS, *KEYS, *OUTSIDE])
    pairs = [
        *draw(st.lists(st.tuples(everywhere, st.sampled_from(sorted(FOUND))), max_size=5)),
        *draw(st.lists(st.tuples(quiet, st.sampled_from(sorted(HIDDEN))), max_size=5)),
    ]
    for word in draw(st.lists(st.sampled_from(sorted(KNOWN)), max_size=2, unique=True)):
        pairs += [(place, word) for place in draw(st.lists(everywhere, max_size=3))]
        pairs.append((draw(st.sampled_from(PEOPLE)), word))
    for place, value in pairs:
        put(pushed, known, place, value)
    # What is overwritten later is not there any more, and a word alone is nobody's.
    made = event(pushed, **known)
    return made, [(value, (FOUND | HIDDEN).get(value, "")) for _, value in pairs]


def spread(text: str) -> str:
    return text.lower().replace("\\u00fc", "ü")


def texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in (*value.keys(), *value.values()) for text in texts_of(one)]
    return [text for one in value for text in texts_of(one)] if isinstance(value, list) else [str(value)]


def values_of(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for one in (value.values() if isinstance(value, dict) else value) for text in values_of(one)]
    return [str(value)]


@given(laden())
def test_nothing_of_a_person_survives(given_: tuple[Event, list[tuple[str, str]]]) -> None:
    made, sentinels = given_
    masker = Masker(made, made.facts)
    parts = [masker.event(), masker.request(), masker.consent(consent_of(made, ConsentPolicy()))]
    values = sorted({*texts_of(dict(made.data)), *made.facts.cookies.values()})
    for value in values:
        shown = value if len(value) <= 80 else value[:79] + "…"
        for text in (shown, shown.lower(), shown.upper()):
            parts.append({"": masker.sentence(f'T: own equals "x", is "{text}"')})
            parts.append({"": masker.sentence(f'none of: a equals "x", is "{text}"; b contains "y", is "{text}"')})
        parts.append({"": masker.sentence(f"a contains x, is {value},{value}")})
    told = values_of([made.data.get(name) for name in _TOLD])
    persons = {low for word, low in KNOWN.items() if word in told}
    seen = spread("\n".join(msgspec.json.encode(one).decode() for one in parts))
    for low in {low for _, low in sentinels if low} | persons:
        assert low not in seen, (low, [one for one in parts if low in spread(str(one))][:1])
    assert len(msgspec.json.encode(parts[0])) <= LARGEST


_TOLD = ("user_id", "client_id", "session_id", "user_data")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=30,
)
names = st.sampled_from(["page", "ecommerce", "user_data", "consent", "items", "cookie", "click", "tcf", "a", "title"])


@given(
    st.dictionaries(names | st.text(max_size=10), json_values, max_size=6), st.text(max_size=40), st.text(max_size=9)
)
def test_nothing_raises(pushed: dict[str, Any], text: str, name: str) -> None:
    made = event(pushed, cookies={name: text}, headers={name.lower(): text, "referer": text}, ip=text, user_agent=text)
    masker = Masker(made, made.facts)
    state = consent_of(made, ConsentPolicy())
    for part in (masker.event(), masker.request(), masker.consent(state), masker.sentence(text)):
        assert len(msgspec.json.encode(part)) <= LARGEST
    for one in (masked_text(text), masked_id(text)):
        assert len(msgspec.json.encode(one)) <= 2000
        assert "\n" not in one


@given(json_values, json_values, st.sampled_from(["", "message", "code", "request_id"]))
def test_no_answer_raises(sent: Any, answered: Any, key: str) -> None:
    body = json.dumps({key: answered} if key else answered).encode(errors="surrogatepass")
    assert len(answer_words(Response(200, {}, body), [json.dumps(sent).encode()], ["a.b"])) <= 300


spellings: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.lower, str.upper])


@given(st.lists(st.sampled_from(sorted(FOUND | HIDDEN | KNOWN)), min_size=1, max_size=6), st.data())
def test_an_echo_says_nothing(values: list[str], data: st.DataObject) -> None:
    """Of a vendor that sends back what it was sent, under whatever key, in whatever letters."""
    sent = {f"f{at}": value for at, value in enumerate(values)}
    keys = st.sampled_from(["message", "status", "code", "request_id", "fbtrace_id", "log_id", "data"])
    echoed = {data.draw(keys): data.draw(spellings)(value) for value in values}
    body = json.dumps(sent, ensure_ascii=data.draw(st.booleans())).encode()
    forms: list[Any] = [sent, echoed, {"received": [sent, echoed]}, values, [[values]]]
    answers = [json.dumps(one).encode() for one in forms] + [values[0].encode(), body]
    made = spread(" ".join(answer_words(Response(200, {}, one), [body], ["f0"]) for one in answers))
    for value in values:
        assert (FOUND | HIDDEN | KNOWN)[value] not in made


@pytest.mark.parametrize("place", [*TEXTS, *FREE, *PERSONS, *KEYS, *OUTSIDE])
def test_each_place_is_looked_at(place: str) -> None:
    """A sentinel comes that far: else the property would hold for nothing."""
    pushed: dict[str, Any] = {}
    known: dict[str, Any] = {"cookies": {}, "headers": {}}
    put(pushed, known, place, "Qzxw")
    made = event(pushed, **known)
    assert "qzxw" in spread(re.sub("%", "", str(made)))
