"""Consent strings of others: what the IAB's libraries wrote, and the examples of the specifications, read by us."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.consent.decoders.bits import Invalid
from tagserver.consent.decoders.printout import FORMATS, MOST_RESTRICTED, printout
from tagserver.consent.decoders.tcf import read_tcf, why_not_valid
from tests.fast_yaml import safe_load

from .writers import LETTERS, as_ranges, gpp_string, head, tc_string

NOW = 1_795_000_000_000
"""2026-11-18, in ms."""
CASES = safe_load(Path(__file__).with_name("strings.yaml").read_text())
VENDORS = ("vendor_consents", "vendor_li", "disclosed_vendors")


def numbers(text: str) -> list[int]:
    """`1-3 7` → 1, 2, 3, 7."""
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def written_out(expected: dict[str, Any]) -> dict[str, Any]:
    """The expectation with every set of vendors as a list."""
    made = {key: numbers(value) if key in VENDORS else value for key, value in expected.items()}
    if "pub_restrictions" in made:
        made["pub_restrictions"] = [one | {"vendors": numbers(one["vendors"])} for one in made["pub_restrictions"]]
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_string_of_others(case: dict[str, Any]) -> None:
    """Every field that the table names is what it says, names of sections' fields and their order included."""
    shown = printout(case["kind"], case["text"], NOW)
    expected = written_out(case["expected"])
    by_purpose = {"key": lambda one: (one["purpose"], one["type"])}
    for side in (shown, expected):
        if "pub_restrictions" in side:
            side["pub_restrictions"].sort(**by_purpose)
    assert shown["ok"] is True
    assert {key: shown[key] for key in expected} == expected
    for name, section in expected.get("sections", {}).items():
        if isinstance(section, dict):
            assert list(shown["sections"][name]) == list(section)


def test_what_is_printed_of_each_kind() -> None:
    """The whole object, key by key."""
    tcf = printout("tcf", tc_string(head(purposes=[1, 7], country="FR"), restricted=[(7, 0, [(5, 6)])]), NOW)
    assert tcf == {
        "ok": True,
        "valid": True,
        "invalid_because": None,
        "version": 2,
        "created": "2026-09-04T00:00:00Z",
        "last_updated": "2026-09-04T00:00:00Z",
        "cmp_id": 300,
        "cmp_version": 7,
        "consent_screen": 1,
        "consent_language": "EN",
        "vendor_list_version": 150,
        "tcf_policy_version": 5,
        "is_service_specific": True,
        "special_feature_optins": [],
        "purposes_consent": [1, 7],
        "purposes_li": [],
        "purpose_one_treatment": False,
        "publisher_cc": "FR",
        "vendor_consents": [],
        "vendor_li": [],
        "disclosed_vendors": [],
        "pub_restrictions": [{"purpose": 7, "type": 0, "vendors": [5, 6]}],
    }
    assert printout("gcs", "G101", NOW) == {"ok": True, "ad_storage": "denied", "analytics_storage": "granted"}
    granted = {"state": "granted", "default": "denied", "update": "granted"}
    assert printout("gcd", "13r3p3v2l5l1", NOW) == {
        "ok": True,
        "ad_storage": granted,
        "analytics_storage": {"state": "denied", "default": "denied", "update": None},
        "ad_user_data": granted | {"default": "granted"},
        "ad_personalization": {"state": "unset", "default": None, "update": None},
    }
    assert printout("usp", "1YYN", NOW) == {
        "ok": True,
        "version": 1,
        "notice": "Y",
        "opt_out_sale": "Y",
        "lspa": "N",
        "applies": True,
        "sale_opt_out": True,
    }
    assert printout("ac", "2~122.89~dv.61", NOW) == {
        "ok": True,
        "version": 2,
        "consented": [89, 122],
        "disclosed": [61],
    }
    assert printout("ac", "1~89", NOW) == {"ok": True, "version": 1, "consented": [89], "disclosed": None}
    within = printout("gpp", gpp_string({2: tc_string(), 6: "1YYN"}), NOW)
    tcf_within = printout("tcf", tc_string(), NOW)
    del tcf_within["ok"]
    assert within == {
        "ok": True,
        "section_ids": [2, 6],
        "sections": {"tcfeuv2": tcf_within, "uspv1": "1YYN"},
        "sale_opt_out": True,
    }


MALFORMED = {
    "tcf": ["", ".", "C", "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA", "DBABM"],
    "gcs": ["", "G1", "G1000", "G200", "g111", "G12-", "111"],
    "gcd": ["", "13r3r3r2", "23r3r3r2r5", "13R3R3R2R5", "13r3r3r2r5" + "0" * 23],
    "usp": ["", "1YN", "1YNNN", "2YNN", "1YNX", "1ynn", "1YNN\n", "1Y-N", "1N--"],
    "gpp": ["", "DBABM", "DBABM~", "DBABM~1YNN", "DBABTA~1YNN~1YNN"],
    "ac": [
        "",
        "1",
        "3~1",
        "2~1.2",
        "2~1~dv",
        "2~1~61",
        "1~1.",
        "1~.1",
        "1~1..2",
        "1~089",
        "1~0",
        "1~-1",
        "1~1~dv.2",
        "2~1~dv.2~3",
        "1~١",
    ],
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [(kind, text) for kind, texts in MALFORMED.items() for text in (*texts, "%43", " G111 ", "\ud800")],
)
def test_what_is_not_well_formed(kind: str, text: str) -> None:
    """`ok` is false, with a reason that does not repeat what came in. Percent signs and blanks are not taken away."""
    shown = printout(kind, text, NOW)
    assert list(shown) == ["ok", "reason"]
    assert shown["ok"] is False
    assert len(shown["reason"]) > 5
    assert len(text) < 5 or text not in shown["reason"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["kind"] in ("tcf", "gpp")], ids=lambda case: case["name"]
)
def test_percent_encoding_is_not_undone(case: dict[str, Any]) -> None:
    """A string that was encoded once more is another text."""
    text = case["text"]
    assert printout(case["kind"], text.replace(text[0], f"%{ord(text[0]):X}", 1), NOW)["ok"] is False


class Untouchable(str):
    """A text that may be measured and nothing else."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} of a text that is too long")

    def __getitem__(self, key: Any) -> str:
        raise AssertionError("a text that is too long was looked at")

    __iter__ = __contains__ = __getitem__


@pytest.mark.parametrize("kind", FORMATS)
def test_a_mebibyte_is_refused_by_its_length(kind: str) -> None:
    """Before anything in it is looked at."""
    assert printout(kind, Untouchable("C" * (1 << 20)), NOW)["ok"] is False


@given(kind=st.sampled_from(FORMATS), text=st.text() | st.text(alphabet=LETTERS + ".~", max_size=400))
def test_any_text_has_an_answer(kind: str, text: str) -> None:
    """Nothing raises, whatever the text."""
    assert printout(kind, text, NOW)["ok"] in (True, False)


@given(
    start=st.sampled_from(CASES),
    at=st.integers(0, 2000),
    put=st.text(alphabet=LETTERS + ".~%= ", max_size=3),
    drop=st.integers(0, 3),
)
def test_a_changed_string_has_an_answer(start: dict[str, Any], at: int, put: str, drop: int) -> None:
    """Strings that are nearly right: letters replaced, taken out, put in."""
    text = start["text"]
    at %= len(text)
    assert printout(start["kind"], text[:at] + put + text[at + drop :], NOW)["ok"] in (True, False)


def steps(text: str) -> int:
    """Calls that reading a TC string to its end takes, those into C included."""
    count: Counter[str] = Counter()
    sys.setprofile(lambda frame, event, arg: count.update((event,)))
    try:
        read = read_tcf(text)
        assert not isinstance(read, Invalid)
        assert not isinstance(read.vendors, Invalid)
    finally:
        sys.setprofile(None)
    return count["call"] + count["c_call"]


def test_twice_the_ranges_are_twice_the_work() -> None:
    """The way grows with the string, not with what its ranges stand for."""
    once, twice = (steps(tc_string(consents=as_ranges([(1, 65535)] * count))) for count in (1000, 2000))
    assert once < twice < 2.2 * once
    singles = steps(tc_string(consents=as_ranges([(1, 2)] * 1000)))
    assert once == singles


def test_many_full_ranges_are_written_out_once() -> None:
    """The printout holds each vendor once, however often the string names it."""
    shown = printout("tcf", tc_string(consents=as_ranges([(1, 65535)] * 2800)), NOW)
    assert shown["vendor_consents"] == list(range(1, 65536))


def test_ranges_that_overlap_are_written_out_once() -> None:
    """In part, or one within another, in any order."""
    shown = printout("tcf", tc_string(consents=as_ranges([(4, 9), (1, 5), (6, 7), (20, 20), (9, 10)])), NOW)
    assert shown["vendor_consents"] == [*range(1, 11), 20]


def test_the_printout_has_an_end() -> None:
    """Hundreds of restrictions of all vendors are not written out: a short string would become gigabytes."""
    text = tc_string(restricted=[(1, 0, [(1, 65535)])] * 1000)
    read = read_tcf(text)
    assert not isinstance(read, Invalid)
    assert why_not_valid(read, NOW) is None
    assert str(MOST_RESTRICTED) in printout("tcf", text, NOW)["reason"]
