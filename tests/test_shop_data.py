"""What shops push in other words than ours, or not quite soundly: Meta gets what is certain, and the rest is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tagserver.config.compile import Loaded, compile_container
from tagserver.explain.try_ import try_event
from tagserver.plugin.registry import Registry
from tagserver.testing import expanded
from tests.fast_yaml import safe_load

from .events import NOW

FOLDER = Path(__file__).parent / "cases"
CASES = [case for name in ("shop_data", "person") for case in safe_load((FOLDER / f"{name}.yaml").read_text())]
GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}
NOT_SAID = frozenset({"minted", "no_transaction_id", "no_value", "no_currency"})
"""What every short case lacks."""


def loaded(case: dict[str, Any]) -> Loaded:
    """A container with one Meta tag for everything, with the parameters and settings of a case."""
    meta = {"type": "meta_capi", "pixel_id": "1", "access_token": "${env:TOKEN}", **case.get("settings", {})}
    tag = {"name": "Meta", "destination": "meta", "triggers": ["all"], "parameters": case.get("parameters", {})}
    text = yaml.safe_dump({"destinations": {"meta": meta}, "tags": [tag]})
    return compile_container(
        {"container.yaml": text.encode()},
        registry=Registry.load(),
        environ={"TOKEN": "t"},
        read_file=lambda name: Path(name).read_text(),
    )


def at(value: Any, path: str) -> Any:
    """The value at a dotted path; None when there is none."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_meta_gets(case: dict[str, Any]) -> None:
    """The fields of a case are as it says, and what it says is named, once, and nothing else."""
    made = loaded(case)
    assert made.problems == ()
    assert made.container is not None
    assert made.server is not None
    asked = {"event": case["event"] | {"consent": GRANTED}, "ip": "198.51.100.7"}
    answer = try_event(made.container, made.server, asked, NOW)
    (tag,) = answer["tags"]
    if "skip" in case:
        assert (tag["decision"], tag["reason"]) == ("skip", case["skip"])
    else:
        assert (tag["decision"], tag["reason"]) == ("send", "fired"), tag
        (sent,) = tag["request"]["body"]["data"]
        wanted = expanded(case["sent"])
        assert {path: at(sent, path) for path in wanted} == wanted
    said = [(one["field"], one["why"]) for one in tag["omitted"]]
    said += [(one["path"], one["message"]) for one in answer["problems"] if one["code"] not in NOT_SAID]
    parts = case.get("said", {})
    assert sorted(field for field, _ in said) == sorted(parts)
    assert [(field, why) for field, why in said if parts[field] not in why] == []
