"""Events of apps and conversations that Meta would refuse, with everything that travels beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tagserver_meta_capi import MetaCapi

from tagserver.plugin import Skip
from tagserver.sandbox.rules import refuse
from tagserver.testing import NOW, make_event, make_settings
from tests.fast_yaml import safe_load

CASES = safe_load((Path(__file__).parent / "required.yaml").read_text("utf-8"))
INFO = ["a2", "", "", "", "14", *[""] * 11]
STANDS_FOR = {
    "info": INFO,
    "short": INFO[:15],
    "id": ["0bfe935e70c321c7ca3afc75ce0d0ca2f98b5422e008bb31c00c6d7f1f1c0ad6"],
}


def filled(value: Any) -> Any:
    """A case's value with the lists that its words stand for."""
    if isinstance(value, dict):
        return {key: filled(one) for key, one in value.items()}
    return STANDS_FOR.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_case(case: dict[str, Any]) -> None:
    """Skipped, naming what is missing; or sent as Meta takes it."""
    settings = make_settings(MetaCapi, {"pixel_id": "1", "access_token": "t"})
    pushed = {
        "event": "purchase",
        "user_id": "u",
        "ecommerce": {"value": 18, "currency": "EUR"},
        **filled(case["event"]),
    }
    event, parameters = make_event(pushed), case.get("parameters", {})
    if "missing" in case:
        with pytest.raises(Skip) as skipped:
            MetaCapi().build(event, parameters, settings, "send")
        assert skipped.value.reason == "missing_required"
        named = skipped.value.detail.partition(" needs ")[2].split(" and ")
        assert [one.partition(" beside ")[0] for one in named] == case["missing"]
        omitted = skipped.value.omitted
    else:
        built = MetaCapi().build(event, parameters, settings, "send")
        found = {key: built.body.get(key) for key in case["body"]}
        assert found == filled(case["body"])
        assert refuse(json.loads(msgspec.json.encode(built.body)), NOW / 1000) is None
        omitted = built.omitted
    assert sorted(one.field for one in omitted) == sorted(case.get("omitted", []))
