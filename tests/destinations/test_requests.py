"""One container with all destinations, one event: each vendor's request, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.explain.try_ import try_event
from tagserver.testing import expanded
from tests.fast_yaml import safe_load

from .nine import FOLDER, NAMES, TOKENS, configuration, one_event

REQUESTS = safe_load((FOLDER / "requests.yaml").read_text())["requests"]


@pytest.fixture(scope="module")
def tags() -> dict[str, Any]:
    """Every tag's decision, by its destination."""
    loaded = configuration("/var/lib/events").compile()
    assert loaded.problems == ()
    assert loaded.container is not None
    assert loaded.server is not None
    answer = try_event(loaded.container, loaded.server, one_event(), 0)
    return {tag["destination"]: tag for tag in answer["tags"]}


def test_none_is_missing() -> None:
    """Neither a destination of this repository nor what it sends."""
    loaded = configuration("/var/lib/events").compile()
    assert loaded.container is not None
    ours = {file.parents[1].name for file in FOLDER.parents[1].glob("plugins/*/tagserver_*/destination.py")}
    assert {one.type for one in loaded.container.destinations.values()} == ours
    assert list(REQUESTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_request(tags: dict[str, Any], name: str) -> None:
    """Method, address, headers and body; `headers` names those that matter."""
    tag, wanted = tags[name], expanded(REQUESTS[name])
    assert (tag["decision"], tag["reason"], tag["omitted"]) == ("send", "fired", [])
    found = {key: tag["request"][key] for key in ("method", "url", "body")}
    found["headers"] = {key: tag["request"]["headers"].get(key) for key in wanted["headers"]}
    assert found == wanted


def test_no_secret_shows(tags: dict[str, Any]) -> None:
    shown = repr(tags)
    assert [name for name, token in TOKENS.items() if token in shown] == []


def test_the_id_is_everywhere(tags: dict[str, Any]) -> None:
    """In the field that each vendor has for it."""
    assert all("order-1001" in tag["request"]["content"] for tag in tags.values())
