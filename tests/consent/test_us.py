"""US strings: the US Privacy string, and the US sections of a GPP string. They take away, and never grant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.gpp import gpp_opt_outs
from tagserver.consent.decoders.printout import printout
from tagserver.consent.decoders.us import LAYOUTS, WITHOUT_GPC, UsSection
from tagserver.consent.model.policy import ConsentPolicy

from ..events import consent_of, event
from .test_gpp import NUMBERS, opt_outs, readable
from .writers import gpp_header, gpp_string, items_of, us_section

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


def section_of(text: str, name: str) -> UsSection:
    """One of its sections, which can be read."""
    section = readable(text).section(NUMBERS[name])
    assert isinstance(section, UsSection)
    return section


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
        assert opt_outs(gpp)[0] is (gpc or name in WITHOUT_GPC)


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
    assert opt_outs(gpp) == (True, False, False)
    (problem,) = gpp_opt_outs("gpp", gpp).problems
    assert problem.startswith("gpp:usca: ")


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
    assert opt_outs(readable(text)) == (False, False, False)
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
    assert opt_outs(readable(numbered_1(values)))[0]


def test_no_other_section_may_go_on() -> None:
    """Neither one of a state, nor the national one beyond the longer layout."""
    beyond = us_section("usnat", 2, [2] * len(items_of("usnat", 2)) + [2])
    for place, text in ((7, f"B{beyond[1:]}"), (8, us_section("usca", 1, [2] * 20 + [1] * 5))):
        assert isinstance(readable(gpp_string({place: text})).section(place), Invalid)


@pytest.mark.parametrize(
    ("text", "sale"), [("1YYN", True), ("1YNN", False), ("1---", False), ("1-Y-", True), ("x", True)]
)
def test_us_privacy(text: str, sale: bool) -> None:
    """What cannot be read is an opt-out."""
    state = consent_of(event({"us_privacy": text}), ConsentPolicy())
    assert (bool(state.sale_opt_out), state.sensitive_limit, state.known_child) == (sale, False, False)
    assert bool(state.problems) is (text == "x")
