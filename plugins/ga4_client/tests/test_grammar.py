"""The grammar of items and of lines: whatever a page writes is read as it was, and nobody's text makes it fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagserver_ga4_client.hits import event_of
from tagserver_ga4_client.ids import id_of, may_come_again
from tagserver_ga4_client.items import FIELDS, NUMBERS, read_item, read_items, tokens
from tagserver_ga4_client.measurement import events_of
from tagserver_ga4_client.pairs import MOST_LINES, MOST_PAIRS, UNCLEAR, TooMuch, hits_of, pairs_of
from tagserver_ga4_client.reading import MOST_NOTES, Notes, numeral

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
SHOWN = TEXT.filter(bool)
KNOWN = st.dictionaries(st.sampled_from(sorted(set(FIELDS.values()) - NUMBERS)), SHOWN)
OWN = st.dictionaries(SHOWN.filter(lambda name: name not in FIELDS.values()), TEXT, max_size=15)


def doubled(text: str) -> str:
    """With each tilde twice, as Google's tag writes it."""
    return text.replace("~", "~~")


def written(known: Mapping[str, str], own: Mapping[str, str]) -> str:
    """An item as Google's tag writes it."""
    code = {field: two for two, field in FIELDS.items()}
    parts = [code[field] + doubled(value) for field, value in known.items()]
    for number, (name, value) in enumerate(own.items()):
        parts += (f"k{number}{doubled(name)}", f"v{number}{doubled(value)}")
    return "~".join(parts)


@given(KNOWN, OWN)
def test_what_is_written_is_read(known: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Also names and values that are tildes, and names that begin with digits."""
    notes = Notes()
    text = written(known, own)
    assert read_item(text, "pr1", notes) == {**own, **known}
    assert notes.all == []


@given(st.text(st.sampled_from("~ab1kv"), max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    """And nothing is read twice: what comes out is no longer than what went in."""
    item = read_item(text, "pr1", Notes())
    assert sum(len(str(value)) for value in item.values()) <= len(text)
    assert sum(map(len, tokens(text))) <= len(text)


@given(
    st.dictionaries(SHOWN, TEXT, max_size=6), st.lists(st.dictionaries(SHOWN, TEXT, min_size=1, max_size=6), max_size=5)
)
def test_a_line_goes_before_what_is_shared(shared: Mapping[str, str], lines: list[Mapping[str, str]]) -> None:
    def query(pairs: Mapping[str, str]) -> str:
        return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items())

    body = "\r\n".join(map(query, lines)).encode()
    assert [*hits_of(query(shared), body)] == [{**shared, **line} for line in lines or [{}]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("0", 0), ("12", 12), ("-3", -3), ("1.50", 1.5), ("2.0", 2), ("1e+21", 1e21), ("1e-7", 1e-7)),
        *(
            (text, None)
            for text in ("", " 1", "1 ", "NaN", "Infinity", "-Infinity", "1,5", "0x10", "1_0", "٣", "1e999")
        ),
        *((text, None) for text in (".5", "5.", "+5", "1e", "--1", "true", "1" * 41)),
    ],
)
def test_numbers(text: str, value: float | None) -> None:
    """As JavaScript writes them, and nothing else."""
    assert numeral(text) == value


def test_own_fields_are_counted() -> None:
    """Where they are not, one digit is the number."""
    assert read_item("k0" + "~v0".join(["1st", "x"]) + "~k12nd~v1y", "p", Notes()) == {"1st": "x", "2nd": "y"}
    assert read_item("k5a~v5b~k6c~v6d", "p", Notes()) == {"a": "b", "c": "d"}
    assert read_item("v0lost~k0a~k1b~v1c", "p", Notes()) == {"b": "c"}
    assert read_item("k0item_id~v0other~idA", "p", Notes()) == {"item_id": "A"}


def test_items_stand_in_their_order_and_end() -> None:
    notes = Notes()
    hit = {f"pr{n}": f"id{n}" for n in range(250, 0, -1)} | {"pr0": "idx", "pr": "idx", "prx": "idx", "pr01": "idx"}
    assert [one["item_id"] for one in read_items(hit, notes)] == [str(n) for n in range(1, 201)]
    assert [note.code for note in notes.all] == ["too_many"]


def test_what_is_read_and_told_has_an_end() -> None:
    """Of a line, and of a request with thousands of broken values."""
    pairs = pairs_of("&".join(f"a{n}=1" for n in range(5000)))
    assert pairs.pop(UNCLEAR) == "1"
    assert len(pairs) == MOST_PAIRS
    notes = Notes()
    event_of({"en": "x", **{f"epn.a{n}": "no" for n in range(900)}}, 0, notes)
    assert len(notes.all) == MOST_NOTES


HIT = {"tid": "G-1", "cid": "1.2", "_p": "1", "en": "page_view", "dl": "https://a.example/", "_s": "1", "gcs": "G100"}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        # A page view that may come again: what a second copy has otherwise, and what it has not.
        (
            {
                "_s": "4",
                "gcs": "G111",
                "gcd": "13r3r3r3r5",
                "gcu": "1",
                "npa": "1",
                "tfd": "9",
                "ep.user_data.email": "a",
            },
            True,
        ),
        ({"_et": "12"}, False),
        ({"dl": "https://a.example/b"}, False),
        ({"dr": "https://b.example/"}, False),
        ({"_p": "2"}, False),
        ({"cid": "1.3"}, False),
        ({"tid": "G-2"}, False),
        ({"en": "generate_lead", "_c": "1"}, False),
        ({"ep.color": "red"}, False),
        ({"epn.value": "1"}, False),
        ({"pr1": "ida"}, False),
        ({"cu": "EUR"}, False),
    ],
)
def test_which_copies_are_one(changed: Mapping[str, str], same: bool) -> None:
    assert (id_of({**HIT, **changed}, 0) == id_of(HIT, 0)) is same


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({}, True),
        ({"gcs": ""}, True),
        ({"gcs": "G111", "gcd": "13t3t3p3p5"}, True),
        ({"gcs": "G111", "gcd": "13r3r3r3r5l1"}, False),
        ({"gcs": "G111", "gcd": "13t3v3n3r5"}, False),
        ({"gcs": "G111", "gcd": "13l3l3l3l1"}, True),
        ({"gcs": "G111"}, True),
        ({"gcs": "G110", "gcd": "13r3r3r3r5"}, True),
        ({"gcs": "G111", "gcd": "13r3r3r3r5", "gcu": "1"}, True),
        ({"en": "view_item"}, False),
        ({"en": "view_item", "_c": "1"}, True),
        ({"en": "view_item", "gcu": "1"}, True),
    ],
)
def test_which_hits_come_again(changed: Mapping[str, str], again: bool) -> None:
    """Whatever may not is told apart by its number, and by its line."""
    hit = {**HIT, **changed}
    assert may_come_again(hit) is again
    assert (id_of(hit, 0) == id_of({**hit, "_s": "2"}, 0)) is again
    assert (id_of(hit, 0) == id_of(hit, 1)) is again


@pytest.mark.parametrize("missing", ["_p", "cid", "en"])
def test_without_a_page_view_there_is_no_id(missing: str) -> None:
    """It would be that of another page, or of another visitor."""
    hit: dict[str, Any] = {**HIT, missing: ""}
    assert id_of(hit, 0) is None


@pytest.mark.parametrize(("own", "kept"), [("mine", True), ("undefined", False), ("null", False), ("", False)])
def test_an_own_id_goes_first(own: str, kept: bool) -> None:
    """One that stands for none does not: each copy would get another."""
    event = event_of({**HIT, "ep.event_id": own}, 0, Notes())
    assert (event["event_id"] == own) is kept
    assert event["event_id"].startswith("ga4_") is not kept


@pytest.mark.parametrize(
    ("values", "length", "lines", "taken"),
    [(45, 40, 100, True), (100, 2, 100, True), (101, 2, 100, False), (10, 6000, 10, False), (1000, 60, 1, True)],
)
def test_a_long_query_does_not_count_for_many_lines(values: int, length: int, lines: int, taken: bool) -> None:
    """A short request would cost what a hundred long ones do. What Google's tag sends is far from it."""
    query = "&".join(f"a{n}={'b' * length}" for n in range(values))
    if taken:
        assert len([*hits_of(query, b"en=a\n" * lines)]) == lines
    else:
        with pytest.raises(TooMuch):
            next(hits_of(query, b"en=a\n" * lines))


@pytest.mark.parametrize(
    ("query", "line", "unclear"),
    [
        ("gcd=a", "en=x", False),
        ("gcd=a&gcd=a", "", False),
        ("gcd=a&gcd=b", "", True),
        ("gcd=b&en=x&gcd=", "", True),
        ("gcd=&gcd=b", "", False),
        ("en=a&en=b", "", False),
        ("=a&=b&gcd=c", "", False),
        ("gcd=a&gcd=b", "gcd=c", True),
        ("gcd=a", "npa=1&npa=0", True),
        ("gcd=a&" + "a=1&" * MOST_PAIRS, "", True),
        ("gcd=a&" + "&" * MOST_PAIRS, "en=x", True),
        ("gcd=a" + "&a=1" * (MOST_PAIRS - 1), "", False),
    ],
)
def test_no_word_of_consent_is_lost(query: str, line: str, unclear: bool) -> None:
    """Neither one that is said twice, nor one that may stand beyond what is read."""
    (hit,) = hits_of(query, line.encode())
    assert (UNCLEAR in hit) is unclear
    assert (event_of(hit, 0, Notes()).get("consent") == "unreadable") is unclear


def test_an_empty_word_of_a_line_takes_none_away() -> None:
    (hit,) = hits_of("us_privacy=1YYN&gcd=a&dt=x", b"us_privacy=&gcd=b&dt=")
    assert hit == {"us_privacy": "1YYN", "gcd": "b", "dt": ""}


def test_a_body_is_read_as_far_as_it_may_be() -> None:
    """One event more tells the host that there are too many."""
    events = events_of({"events": [{"name": "a"}] * 5000}, 0, 0, Notes())
    assert len(events) == MOST_LINES + 1
