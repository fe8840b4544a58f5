"""Why did this one match, and that one not: the condition that decided differently first, with both values."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.config.compile import Loaded
from tagserver.config.configuration import ConfigurationFolder
from tagserver.explain.compare import compare

from .records import record_of
from .world import CONTAINER, GRANTED, PURCHASE, REGISTRY, SECRETS, SERVER


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """A tag for a page of its own beside those of the world."""
    folder = tmp_path_factory.mktemp("world")
    text = CONTAINER.replace("  lead:", "  thanks: {event: purchase, when: {page.path: /thanks}}\n  lead:")
    text += "  - {name: Thanks, destination: box, triggers: [thanks]}\n"
    (folder / "container.yaml").write_text(text)
    (folder / "server.yaml").write_text(SERVER)
    return ConfigurationFolder(folder, REGISTRY, SECRETS).compile()


def thanks(**more: Any) -> dict[str, Any]:
    """A purchase on the page that the tag waits for."""
    return {"event": PURCHASE | {"page": {"location": "https://shop.example/thanks"}} | more}


def test_the_condition_that_decided_comes_first(world: Loaded) -> None:
    found = compare(record_of(world, thanks()), record_of(world, {"event": PURCHASE}))
    first = found["tags"][0]
    assert (first["tag"], first["same"]) == ("Thanks", False)
    assert (first["a"]["decision"], first["b"]["decision"]) == ("send", "skip")
    assert first["because"] == [{"path": "page.path", "a": "/thanks", "b": "/cart"}]
    assert 'page.path equals "/thanks"' in first["b"]["detail"]
    assert all(one["same"] for one in found["tags"][1:])


def test_a_purpose_that_decided_is_named(world: Loaded) -> None:
    other = thanks(consent={**GRANTED, "ad_user_data": "denied"})
    found = compare(record_of(world, thanks()), record_of(world, other))
    meta = next(one for one in found["tags"] if one["tag"] == "Meta")
    assert meta["because"] == [{"path": "ad_user_data", "a": "granted", "b": "denied"}]
    assert found["consent"] == [{"path": "ad_user_data", "sign": "~", "before": "granted", "after": "denied"}]


def test_fields_that_differ_are_listed_and_those_that_always_do_are_not(world: Loaded) -> None:
    found = compare(record_of(world, thanks()), record_of(world, thanks(event_id="other", loyalty="gold")))
    assert found["event"] == [{"path": "loyalty", "sign": "+", "after": "gold"}]
    assert found["known"]


def test_masked_values_are_compared_by_their_shape(world: Loaded) -> None:
    one = thanks(user_id="kunde-1", user_data={"email": "aaaa@example.com"})
    other = thanks(user_data={"email": "bbbb@example.com"}, user_id="kunde-22")
    found = compare(record_of(world, one), record_of(world, other))
    changed = {"path": "user_id", "sign": "~", "before": "[text, 7 characters]", "after": "[text, 8 characters]"}
    assert found["event"] == [changed]


def test_equal_ones_differ_in_nothing(world: Loaded) -> None:
    record = record_of(world, thanks())
    found = compare(record, record)
    assert (found["event"], found["consent"], found["request"], found["problems"]) == ([], [], [], [])
    assert all(one["same"] for one in found["tags"])


def test_summaries_tell_the_condition_without_values(world: Loaded) -> None:
    found = compare(record_of(world, thanks(), "summary"), record_of(world, {"event": PURCHASE}, "summary"))
    assert not found["known"]
    first = found["tags"][0]
    assert (first["tag"], first["because"]) == ("Thanks", [{"path": "page.path"}])


def test_another_event_is_told_by_its_name(world: Loaded) -> None:
    found = compare(record_of(world, thanks()), record_of(world, thanks(event="generate_lead")))
    first = next(one for one in found["tags"] if one["tag"] == "Thanks")
    assert first["because"] == [{"path": "event", "a": "purchase", "b": "generate_lead"}]


def test_a_tag_that_one_container_did_not_have(world: Loaded) -> None:
    one = record_of(world, thanks())
    other = {**one, "tags": one["tags"][1:], "container": "another"}
    found = compare(one, other)
    gone = next(tag for tag in found["tags"] if tag["b"] is None)
    assert (gone["tag"], gone["same"]) == (one["tags"][0]["tag"], False)
