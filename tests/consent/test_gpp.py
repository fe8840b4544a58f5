"""The GPP string: its header, its sections, and what they take away. Nothing in it ever grants but a TC string."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.strings.gpp import GppString, read_gpp, tcf_in_gpp
from tagserver.consent.strings.gpp_sections import LAYOUTS, NAMES, WITHOUT_GPC
from tagserver.consent.strings.gpp_sid import read_gpp_sid
from tagserver.consent.strings.invalid import Invalid
from tagserver.consent.strings.opt_outs import OptOuts, gpp_opt_outs, usp_opt_outs
from tagserver.consent.strings.printout import printout
from tagserver.consent.strings.tcf import TCString
from tagserver.consent.strings.us_section import UsSection
from tagserver.consent.strings.usp import read_usp

from .test_strings import CASES
from .writers import LETTERS, fibonacci, gpp_header, gpp_string, head, items_of, letters, number, tc_string, us_section

NUMBERS = {name: number for number, name in NAMES.items()}
OTHERS = [case["text"] for case in CASES if case["kind"] == "gpp"]

# Where fields begin and how long sections are, from the specifications: section, version, SaleOptOut, SharingOptOut,
# TargetedAdvertisingOptOut, SensitiveDataProcessing and its items, KnownChildSensitiveDataConsents and its items, bits.
PLACES: list[tuple[str, int, int, int | None, int | None, tuple[int, int], tuple[int, int], int]] = [
    ("usnat", 1, 18, 20, 22, (24, 12), (48, 2), 60),
    ("usnat", 2, 18, 20, 22, (24, 16), (56, 3), 70),
    ("usca", 1, 12, 14, None, (16, 9), (34, 2), 46),
    ("usva", 1, 12, None, 14, (16, 8), (32, 1), 40),
    ("usco", 1, 12, None, 14, (16, 7), (30, 1), 38),
    ("usct", 1, 12, None, 14, (16, 8), (32, 3), 44),
    ("usut", 1, 14, None, 16, (18, 8), (34, 1), 42),
    ("usia", 1, 14, None, 16, (18, 8), (34, 1), 42),
    ("ustx", 1, 12, None, 14, (16, 8), (32, 1), 42),
    ("usne", 1, 12, None, 14, (16, 8), (32, 1), 42),
    ("ustn", 1, 12, None, 14, (16, 8), (32, 1), 42),
    ("usmn", 1, 12, None, 14, (16, 8), (32, 1), 42),
    ("usfl", 1, 12, None, 14, (16, 8), (32, 3), 46),
    ("usmt", 1, 12, None, 14, (16, 8), (32, 3), 46),
    ("usnh", 1, 12, None, 14, (16, 8), (32, 3), 46),
    ("usor", 1, 12, None, 14, (16, 11), (38, 3), 52),
    ("usde", 1, 12, None, 14, (16, 9), (34, 5), 52),
    ("usnj", 1, 12, None, 14, (16, 10), (36, 5), 54),
]


@pytest.mark.parametrize("row", PLACES, ids=lambda row: f"{row[0]} {row[1]}")
def test_fields_stand_where_the_specification_has_them(row: Any) -> None:
    """Offsets and lengths of each section."""
    name, version, sale, sharing, targeted, sensitive, child, total = row
    at, found = 6, {}
    for field, items in LAYOUTS[name, version]:
        found[field] = (at, items)
        at += 2 * items
    assert at == total
    assert found["SaleOptOut"] == (sale, 1)
    assert found.get("SharingOptOut") == (None if sharing is None else (sharing, 1))
    assert found.get("TargetedAdvertisingOptOut") == (None if targeted is None else (targeted, 1))
    assert found["SensitiveDataProcessing"] == sensitive
    assert found["KnownChildSensitiveDataConsents"] == child
    assert list(found)[-3:] == ["MspaCoveredTransaction", "MspaOptOutOptionMode", "MspaServiceProviderMode"]


def test_every_layout_is_compared() -> None:
    """With the table above."""
    assert {(row[0], row[1]) for row in PLACES} == set(LAYOUTS)


def readable(text: str) -> GppString:
    """The string, which can be read."""
    read = read_gpp(text)
    assert isinstance(read, GppString)
    return read


def section_of(text: str, name: str) -> UsSection:
    """One of its sections, which can be read."""
    section = readable(text).section(NUMBERS[name])
    assert isinstance(section, UsSection)
    return section


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
    if gpp_opt_outs(readable(text)).sale_opt_out and not lost.lstrip("A").startswith("."):
        assert gpp_opt_outs(read_gpp(text.removesuffix(lost))).sale_opt_out


# ── what sections take away
# ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

OPT_OUTS = {"SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut", "MspaServiceProviderMode"}


@pytest.mark.parametrize(("name", "version"), LAYOUTS)
@pytest.mark.parametrize("value", [0, 1, 2, 3])
def test_every_item_by_itself(name: str, version: int, value: int) -> None:
    """1 is yes, 0 and 2 take nothing away; 3 means nothing, and is read as yes."""
    items = items_of(name, version)
    for at, (field, _) in enumerate(items):
        values = [0] * len(items)
        values[at] = value
        section = section_of(gpp_string({NUMBERS[name]: us_section(name, version, values)}), name)
        yes = value in (1, 3)
        assert section.sale_opt_out == (yes and field in OPT_OUTS)
        assert section.sensitive_limit == (yes and field == "SensitiveDataProcessing")
        assert section.known_child == (yes and field == "KnownChildSensitiveDataConsents")
        assert section.gpc is None


@given(data=st.data(), key=st.sampled_from(sorted(LAYOUTS)), gpc=st.sampled_from([None, False, True]))
def test_sections_are_read_as_written(data: st.DataObject, key: tuple[str, int], gpc: bool | None) -> None:
    """Every field, one number or a tuple of them."""
    name, version = key
    gpc = None if name in WITHOUT_GPC else gpc
    values = data.draw(st.lists(st.integers(0, 3), min_size=len(items_of(*key)), max_size=len(items_of(*key))))
    section = section_of(gpp_string({NUMBERS[name]: us_section(name, version, values, gpc)}), name)
    flat = [item for value in section.fields.values() for item in (value if isinstance(value, tuple) else (value,))]
    assert (flat, section.version, section.gpc) == (values, version, gpc)


@pytest.mark.parametrize(("name", "version"), LAYOUTS)
def test_the_browsers_signal(name: str, version: int) -> None:
    """In every section that has a place for it; in the others it is not read, which is an opt-out, too."""
    values = [2] * len(items_of(name, version))
    for gpc in (False, True):
        gpp = readable(gpp_string({NUMBERS[name]: us_section(name, version, values, gpc)}))
        if name in WITHOUT_GPC:
            assert isinstance(gpp.section(NUMBERS[name]), Invalid)
        assert gpp_opt_outs(gpp).sale_opt_out is (gpc or name in WITHOUT_GPC)


CLEAN = us_section("usca", 1, [2] * 20)


@pytest.mark.parametrize(
    "text",
    [
        CLEAN[:-3],
        "",
        us_section("usca", 2, [2] * 20),
        us_section("usca", 1, [2] * 20 + [1]),
        CLEAN + ".",
        CLEAN + ".A",
        CLEAN + ".g",
        CLEAN + ".QQ",
        CLEAN + ".QA.QA",
        CLEAN + "%",
    ],
)
def test_a_section_that_cannot_be_read_is_an_opt_out(text: str) -> None:
    """Cut off, another version, more than it should have, a sub-section that is not known, or twice."""
    gpp = readable(f"{gpp_header([8])}~{text}")
    assert isinstance(gpp.section(8), Invalid)
    read = gpp_opt_outs(gpp)
    assert (read.sale_opt_out, read.sensitive_limit, read.known_child) == (True, False, False)
    assert len(read.problems) == 1
    assert read.problems[0].startswith("usca: ")


def numbered_1(values: list[int], gpc: bool | None = None) -> str:
    """The fields of usnat's version 2 under the number of version 1, as the IAB's own encoder wrote them."""
    core, *others = us_section("usnat", 2, values, gpc).split(".")
    return gpp_string({7: ".".join(["B" + core[1:], *others])})


@pytest.mark.parametrize("text", ["DBABLA~BVVqAAAAAACA.QA", "DBABLA~BVVqAAAAAABY.QA"])
def test_the_national_section_as_releases_of_the_encoder_wrote_it(text: str) -> None:
    """Version 1 with 16 kinds of sensitive data and 3 of children."""
    section = section_of(text, "usnat")
    assert (section.version, section.gpc, section.sale_opt_out, section.known_child) == (1, False, False, False)
    assert [len(value) for value in section.fields.values() if isinstance(value, tuple)] == [16, 3]
    assert gpp_opt_outs(readable(text)) == OptOuts()
    assert printout("gpp", text, 0)["sale_opt_out"] is False


@given(data=st.data(), gpc=st.sampled_from([None, False, True]))
def test_the_longer_layout_is_read_as_written(data: st.DataObject, gpc: bool | None) -> None:
    """Whatever stands in it; where all that version 1 does not have is zero, nobody can tell the two apart."""
    count = len(items_of("usnat", 2))
    values = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    section = section_of(numbered_1(values, gpc), "usnat")
    flat = [item for value in section.fields.values() for item in (value if isinstance(value, tuple) else (value,))]
    if any(values[len(items_of("usnat", 1)) :]):
        assert flat == values
    # The opt-outs lie at the same bits in both.
    assert list(section.fields.items())[:9] == list(zip(section.fields, values[:9], strict=False))
    assert section.gpc is gpc


@pytest.mark.parametrize("opted_out", ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"])
def test_an_opt_out_in_the_longer_layout(opted_out: str) -> None:
    values = [1 if field == opted_out else 2 for field, _ in items_of("usnat", 2)]
    assert gpp_opt_outs(readable(numbered_1(values))).sale_opt_out


def test_no_other_section_may_go_on() -> None:
    """Neither one of a state, nor the national one beyond the longer layout."""
    beyond = us_section("usnat", 2, [2] * len(items_of("usnat", 2)) + [2])
    for place, text in ((7, f"B{beyond[1:]}"), (8, us_section("usca", 1, [2] * 20 + [1] * 5))):
        assert isinstance(readable(gpp_string({place: text})).section(place), Invalid)


@pytest.mark.parametrize("number", [24, 25, 26, 27, 28, 99])
def test_sections_that_are_not_read(number: int) -> None:
    """Maryland, Indiana, Kentucky, Rhode Island, and states to come."""
    assert gpp_opt_outs(readable(gpp_string({number: "BQCA.AAA"}))).sale_opt_out


@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_sections_that_are_not_of_the_united_states(number: int) -> None:
    """Canada's says nothing of sale."""
    assert gpp_opt_outs(readable(gpp_string({number: "BQCA"}))) == OptOuts()


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
    assert gpp_opt_outs(read_gpp(text), in_force).sale_opt_out is sale


def test_a_child_and_sensitive_data() -> None:
    """Come through, beside the opt-out."""
    assert gpp_opt_outs(readable(BOTH)) == OptOuts(sale_opt_out=True, sensitive_limit=True, known_child=True)


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


@pytest.mark.parametrize(
    ("text", "sale"), [("1YYN", True), ("1YNN", False), ("1---", False), ("1-Y-", True), ("x", True)]
)
def test_us_privacy(text: str, sale: bool) -> None:
    """What cannot be read is an opt-out."""
    read = usp_opt_outs(read_usp(text))
    assert (read.sale_opt_out, read.sensitive_limit, read.known_child) == (sale, False, False)
    assert bool(read.problems) is (text == "x")


@given(text=st.text() | st.text(LETTERS + "~.", max_size=100), in_force=st.none() | st.sets(st.integers(1, 30)))
def test_nothing_raises(text: str, in_force: set[int] | None) -> None:
    """Whatever the text."""
    read = read_gpp(text)
    gpp_opt_outs(read, in_force)
    tcf_in_gpp(read, in_force)
    usp_opt_outs(read_usp(text))
