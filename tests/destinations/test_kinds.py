"""Kinds of values that no vendor can use, for all destinations at once: each is left out and named where it stands, and
a good one beneath it counts. The cases are in `kinds.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tagserver.config.configuration import ConfigurationFolder
from tagserver.explain.try_ import try_event
from tagserver.plugin.registry import Registry
from tagserver.testing import NOW, expanded
from tests.fast_yaml import safe_load

from .nine import CONFIG, FOLDER, TOKENS

CASES: list[dict[str, Any]] = safe_load((FOLDER / "kinds.yaml").read_text("utf-8"))
GRANTED = dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"), "granted")
KEY = {"collect": {"keys": {"till": {"secret": "${env:TILL_KEY}"}}}}
"""A server of the shop's own."""


def answer(case: Mapping[str, Any]) -> dict[str, Any]:
    """What `try` says of the case: an event of somebody, with what the case adds to it."""
    files = {path.name: safe_load(path.read_text()) for path in CONFIG.glob("*.yaml")}
    container, server = files["container.yaml"], files["server.yaml"] | KEY
    for tag in container["tags"]:
        tag["parameters"] = case.get("parameters", {}).get(tag["destination"], {})
    texts = {"container.yaml": yaml.safe_dump(container), "server.yaml": yaml.safe_dump(server)}
    folder = ConfigurationFolder(
        CONFIG, Registry.load(), TOKENS | {"ARCHIVE": "/var/lib/events", "TILL_KEY": "till-key-of-tests"}, None, None
    )
    loaded = folder.compile_texts({name: text.encode() for name, text in texts.items()})
    assert loaded.container is not None, loaded.problems
    assert loaded.server is not None
    event = {
        "event": "purchase",
        "event_id": "order-1",
        "client_id": "1.2",
        "user_id": "u-1",
        "consent": GRANTED,
        "ecommerce": {"value": 5, "currency": "EUR", "transaction_id": "T-1"},
        "user_data": {"email": "erika@example.com"},
        "page": {"location": "https://shop.example/thanks"},
    } | case.get("event", {})
    asked = {"event": event, "ip": "198.51.100.7", "headers": {"user-agent": "Mozilla/5.0"}}
    return try_event(loaded.container, loaded.server, asked | case.get("ask", {}), NOW)


ROOTS = {
    **dict.fromkeys(("meta", "tiktok", "pinterest", "snapchat"), ("data", 0)),
    "linkedin": ("elements", 0),
    "reddit": ("data", "events", 0),
}
"""Where one event stands in a vendor's request."""
GONE = "nothing"
"""What a case says of a field that is not sent."""


def sent(tag: Mapping[str, Any], path: str) -> Any:
    """The value at a path of one event in the request."""
    found: Any = tag["request"]["body"]
    for step in (*ROOTS.get(tag["destination"], ()), *path.split(".")):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else GONE
        else:
            found = found.get(step, GONE) if isinstance(found, dict) else GONE
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_kind(case: Mapping[str, Any]) -> None:
    """`sends`: destination, path, value. `named`: for each destination, fields that stand in `omitted`; `problems`:
    those of the event. `skips`: destination, reason."""
    found = answer(case)
    tags = {tag["destination"]: tag for tag in found["tags"]}
    for name, fields in case.get("sends", {}).items():
        assert tags[name]["decision"] == "send", tags[name]
        assert {path: sent(tags[name], path) for path in fields} == expanded(fields), tags[name]["omitted"]
    for name, reason in case.get("skips", {}).items():
        assert (tags[name]["decision"], tags[name]["reason"]) == ("skip", reason), tags[name]
    for name, fields in case.get("named", {}).items():
        assert sorted({one["field"] for one in tags[name]["omitted"]}) == sorted(fields), tags[name]["omitted"]
    assert sorted(one["path"] for one in found["problems"]) == sorted(case.get("problems", []))
