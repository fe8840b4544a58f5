"""`tagserver consent`: a string for people and for machines, from a folder without any configuration."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ..consent.writers import as_ranges, gpp_string, head, tc_string, us_section
from .conftest import Shop


def fresh() -> str:
    """A TC string of today."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    fixed = head(updated=int(midnight.timestamp() * 1000), purposes=[1, 3, 4, 7], service_specific=True)
    return tc_string(fixed, consents=as_ranges([(1, 3), (755, 755)]), restricted=[(7, 0, [(9, 10)])])


def test_for_people(shop: Shop) -> None:
    """A line for each field; vendors as numbers and ranges; what lies inside is indented."""
    done = shop("consent", "tcf", fresh())
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split() == ["valid", "yes"]
    assert "purposes_consent        1 3-4 7" in lines
    assert "vendor_consents         1-3 755" in lines
    assert lines[-4:] == ["pub_restrictions", "  purpose  7", "  type     0", "  vendors  9-10"]


def test_sections_for_people(shop: Shop) -> None:
    """By name; the items of the IAB's fields stand side by side and are no ranges."""
    done = shop("consent", "gpp", gpp_string({7: us_section("usnat", 1, [1] * 27, True), 24: "x"}))
    lines = done.out.splitlines()
    assert lines[:3] == ["section_ids   7 24", "sections", "  usnat"]
    assert "    KnownChildSensitiveDataConsents      1 1" in lines
    assert "    Gpc                                  yes" in lines
    assert lines[-2:] == ["  usmd   -", "sale_opt_out  yes"]


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("usp", "1YYN", {"opt_out_sale": "Y", "sale_opt_out": True}),
        ("gcs", "G1--", {"ad_storage": "unset", "analytics_storage": "unset"}),
        ("gcd", "13p3p3p3p5", {"ad_storage": {"state": "denied", "default": "denied", "update": None}}),
        ("ac", "1~", {"version": 1, "consented": [], "disclosed": None}),
        ("gpp", "DBAA", {"section_ids": [], "sections": {}, "sale_opt_out": False}),
        ("tcf", fresh(), {"valid": True, "purposes_consent": [1, 3, 4, 7], "vendor_consents": [1, 2, 3, 755]}),
    ],
)
def test_for_machines(shop: Shop, kind: str, text: str, shown: dict[str, object]) -> None:
    """The object of `/-/consent.json`."""
    done = shop("consent", kind, text, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["ok"] is True
    assert {key: done.json[key] for key in shown} == shown


def test_what_is_not_well_formed(shop: Shop) -> None:
    """Exit 1 with the reason, in both forms."""
    people = shop("consent", "tcf", "CQqi")
    assert (people.code, people.out) == (1, "")
    assert people.err == "tagserver: not a well-formed tcf string: the core ends too early\n"
    machines = shop("consent", "tcf", "CQqi", "--json")
    assert (machines.code, machines.err) == (1, "")
    assert machines.json == {"ok": False, "reason": "the core ends too early"}


def test_an_old_string_is_well_formed_and_not_valid(shop: Shop) -> None:
    """Exit 0: that it may not be used is one of the things that are shown."""
    done = shop("consent", "tcf", tc_string(head(day=18_000)), "--json")
    assert done.code == 0
    assert (done.json["ok"], done.json["valid"]) == (True, False)
    assert "396 days" in done.json["invalid_because"]


@pytest.mark.parametrize(
    "words", [["consent"], ["consent", "tcf"], ["consent", "tc", "x"], ["consent", "usp", "a", "b"]]
)
def test_wrong_usage(shop: Shop, words: list[str]) -> None:
    """Exit 2."""
    assert shop(*words).code == 2


def test_bytes_that_are_no_text(shop: Shop) -> None:
    """Are no string either."""
    assert shop("consent", "usp", "1Y\udcffN", "--json").json["ok"] is False
