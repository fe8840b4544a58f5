"""The GPP string: its header, its sections, and what they take away. Nothing in it ever grants but a TC string."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.gpp import NAMES, GppString, gpp_opt_outs, read_gpp, read_gpp_sid, tcf_in_gpp
from tagserver.consent.decoders.tcf import TCString

from .test_strings import CASES
from .writers import LETTERS, fibonacci, gpp_header, gpp_string, head, letters, number, tc_string, us_section

NUMBERS = {name: number for number, name in NAMES.items()}
OTHERS = [case["text"] for case in CASES if case["kind"] == "gpp"]


def readable(text: str) -> GppString:
    """The string, which can be read."""
    read = read_gpp(text)
    assert isinstance(read, GppString)
    return read


def opt_outs(gpp: GppString | Invalid, in_force: Collection[int] | None = None) -> tuple[bool, bool, bool]:
    """Sale, sensitive data, known child."""
    found = gpp_opt_outs("gpp", gpp, in_force)
    return bool(found.sale_opt_out), bool(found.sensitive_limit), bool(found.known_child)


# ── the header
# ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

HEADERS = [("DBABM", [2]), ("DBACNY", [2, 6]), ("DBABjw", [5, 6]), ("DBAA", []), ("DBACzYG", [6, 7, 8, 21])]


@pytest.mark.parametrize(("header", "ids"), HEADERS)
@pytest.mark.parametrize("padding", ["", "A", "AA"])
def test_headers_with_every_padding(header: str, ids: list[int], padding: str) -> None:
    """The specification fills up to six bits, the IAB's library to eight and then to six."""
    assert list(readable("~".join([header + padding, *("x" for _ in ids)])).section_ids) == ids


@given(ids=st.sets(st.integers(1, 300), max_size=60).map(sorted))
def test_headers_are_read_as_written(ids: list[int]) -> None:
    """Single sections and groups."""
    assert list(readable("~".join([gpp_header(ids), *("x" for _ in ids)])).section_ids) == ids


@given(ids=st.sets(st.integers(1, 300), max_size=60).map(sorted), other=st.integers(-3, 3).filter(bool))
def test_there_are_as_many_sections_as_the_header_lists(ids: list[int], other: int) -> None:
    """One too many, or one too few, and it is not known which is which."""
    there = max(0, len(ids) + other)
    assert isinstance(read_gpp("~".join([gpp_header(ids), *["x"] * there])), Invalid) or there == len(ids)


def header(*bits: str) -> str:
    """A header of the bits behind its type and version."""
    return letters(number(3, 6) + number(1, 6) + "".join(bits))


@pytest.mark.parametrize(
    "text",
    [
        letters(number(2, 6) + number(1, 6) + number(0, 12)),
        letters(number(3, 6) + number(2, 6) + number(0, 12)),
        header(number(1, 12)),
        header(number(2, 12), "0" + fibonacci(7)) + "~x~y",
        header(number(1, 12), "0" + "0" * 60),
        header(number(1, 12), "0" + "0" * 30 + "11") + "~x",
        header(number(1, 12), "1" + fibonacci(2) + fibonacci(60000)) + "~x",
        header(number(4095, 12), ("1" + fibonacci(1) + fibonacci(70000)) * 400) + "~x",
        header(number(0, 12), "000001"),
    ],
)
def test_headers_that_are_none(text: str) -> None:
    """Another type or version, cut off, numbers without end, groups of thousands, something behind the last field."""
    assert isinstance(read_gpp(text), Invalid)


@given(
    text=st.sampled_from([text for text in OTHERS if min(readable(text).section_ids, default=0) > 5]), cut=st.integers()
)
def test_a_prefix_gives_nothing_back(text: str, cut: int) -> None:
    """A string of US sections that is cut off opts out wherever the whole one does; unless a whole sub-section is
    missing, of which nothing tells."""
    lost = text[cut % len(text) :]
    if opt_outs(readable(text))[0] and not lost.lstrip("A").startswith("."):
        assert opt_outs(read_gpp(text.removesuffix(lost)))[0]


@pytest.mark.parametrize("number", [24, 25, 26, 27, 28, 99])
def test_sections_that_are_not_read(number: int) -> None:
    """Maryland, Indiana, Kentucky, Rhode Island, and states to come."""
    assert opt_outs(readable(gpp_string({number: "BQCA.AAA"})))[0]


@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_sections_that_are_not_of_the_united_states(number: int) -> None:
    """Canada's says nothing of sale."""
    assert opt_outs(readable(gpp_string({number: "BQCA"}))) == (False, False, False)


# ── which sections are in force
# ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

NO, YES = us_section("usca", 1, [2] * 20), us_section("usca", 1, [1] * 20)
BOTH = gpp_string({2: tc_string(head(purposes=[1])), 6: "1YNN", 8: YES})


@pytest.mark.parametrize(
    ("text", "in_force", "sale"),
    [
        (BOTH, None, True),
        (BOTH, {8}, True),
        (BOTH, {6}, False),
        (BOTH, {2}, False),
        (BOTH, {6, 9}, True),
        (BOTH, {24}, True),
        (gpp_string({6: "1YYN"}), None, True),
        (gpp_string({6: "1XXX"}), None, True),
        (gpp_string({8: NO}), None, False),
        ("DBAA", None, False),
        ("DBAA", {7}, True),
        ("nonsense", None, True),
        ("nonsense", {2}, True),
    ],
)
def test_only_what_is_in_force_counts(text: str, in_force: set[int] | None, sale: bool) -> None:
    """One that should be there and is not counts as an opt-out."""
    assert opt_outs(read_gpp(text), in_force)[0] is sale


def test_a_child_and_sensitive_data() -> None:
    """Come through, beside the opt-out."""
    assert opt_outs(readable(BOTH)) == (True, True, True)


@pytest.mark.parametrize(
    ("text", "in_force", "expected"),
    [
        (BOTH, None, TCString),
        (BOTH, {2}, TCString),
        (BOTH, {8}, type(None)),
        (gpp_string({8: NO}), None, type(None)),
        (gpp_string({8: NO}), {2}, Invalid),
        (gpp_string({2: "C"}), None, Invalid),
        ("nonsense", None, Invalid),
        ("nonsense", {2, 8}, Invalid),
        ("nonsense", {8}, type(None)),
    ],
)
def test_the_tc_string_in_it(text: str, in_force: set[int] | None, expected: type) -> None:
    """Invalid, and so a refusal, where it should be there and cannot be read."""
    assert isinstance(tcf_in_gpp(read_gpp(text), in_force), expected)


@pytest.mark.parametrize(
    ("value", "sections"),
    [
        *(([7, 8], {7, 8}), (["7", " 8 "], {7, 8}), ("7,8", {7, 8}), ("7_8", {7, 8}), ("7", {7}), (7, {7})),
        *((value, None) for value in (None, "", [], "x", [-1], [0], "-1", True, {"7": 1}, [[7]], 1.5, [7] * 100)),
        *(
            ([-1, 7], {7}),
            ("7,x", {7}),
            (["७"], None),
            (["9" * 5000], None),
            ([10**5000], None),
            ([7.0], None),
            ([True], None),
        ),
    ],
)
def test_the_list_of_sections_in_force(value: Any, sections: set[int] | None) -> None:
    """A list or a text; where it names none, all sections count."""
    assert read_gpp_sid(value) == sections


@given(text=st.text() | st.text(LETTERS + "~.", max_size=100), in_force=st.none() | st.sets(st.integers(1, 30)))
def test_nothing_raises(text: str, in_force: set[int] | None) -> None:
    """Whatever the text."""
    read = read_gpp(text)
    gpp_opt_outs("gpp", read, in_force)
    tcf_in_gpp(read, in_force)
