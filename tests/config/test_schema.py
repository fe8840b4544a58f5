"""The JSON Schema for editors: it takes what `check` takes, and knows the same keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator

from tagserver.config.compile import CONTAINER
from tagserver.config.server import SERVER
from tagserver.config.yaml.decode import plain
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import parse
from tagserver.explain.cases import CASE
from tagserver.explain.expectations import EXPECT
from tagserver.explain.json_schema import json_schema
from tagserver.expressions.conditions import OPERATORS
from tagserver.plugin.registry import Registry
from tests.examples import examples
from tests.fast_yaml import safe_load

from ..docs.pages import LANGUAGE, META, README, TESTS, blocks
from ..docs.world import completed, file_of
from ..docs.world import load as load_documented
from ..test_variable_plugins import BROUGHT
from .rich import RICH, mutated
from .world import REGISTRY, load

ROOT = Path(__file__).parents[2]
INSTALLED = Draft7Validator(json_schema(Registry.load()))
SMALL = Draft7Validator(json_schema(REGISTRY))


def data(text: str) -> Any:
    """A file as our own reader has it."""
    tree = parse(text.encode(), "a.yaml", Problems())
    return None if tree is None else plain(tree)


def wrong(validator: Draft7Validator, value: Any) -> list[str]:
    """What an editor would underline."""
    return [f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in validator.iter_errors(value)]


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(json_schema(Registry.load()))


SHIPPED = [path for folder in ("config", "tagserver/demo") for path in sorted((ROOT / folder).rglob("*.yaml"))]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_files_are_taken(path: Path) -> None:
    assert wrong(INSTALLED, data(path.read_text("utf-8"))) == []


SOUND = [
    block
    for block in blocks(README, *LANGUAGE, TESTS, META, language="yaml")
    if not block.text.startswith("# examples/")
    and (file_of(block) is not None or load_documented(completed(block.text)).container is not None)
]


@pytest.mark.parametrize("block", SOUND, ids=str)
def test_documented_files_are_taken(block: Any) -> None:
    """But for those that show a mistake in a key or a value's shape."""
    found = wrong(INSTALLED, data(block.text))
    assert found == [] or (file_of(block) and "literal" not in block.text and _mistaken(block.text)), found


def _mistaken(text: str) -> bool:
    """Whether the example is there to show a mistake that has to do with shapes: a secret that was written down."""
    return re.search(r"access_token: [A-Z]", text) is not None


KINDS = safe_load(Path(__file__).with_name("variable_types.yaml").read_text())


@pytest.mark.parametrize("case", KINDS, ids=lambda case: str(case["is"])[:60])
def test_every_kind_of_variable_is_taken(case: Any) -> None:
    assert wrong(SMALL, {"variables": {"v": case["is"]}}) == []


TAG = "tags: [{name: A, destination: box, triggers: [all], %s}]"


@pytest.mark.parametrize(
    "text",
    [
        "triggers: {a: {}}",
        "triggers: {a: {evnt: b}}",
        "triggers: {a: {when: {}}}",
        "triggers: {a: {when: {any: []}}}",
        "triggers: {a: {when: {b: {eqals: c}}}}",
        "triggers: {a: {when: {b: {one_of: c}}}}",
        "triggers: {a: {when: {not: {b: {eqals: c}}}}}",
        "variables: {a: {}}",
        "variables: {a: {path: b, constant: c}}",
        "variables: {a: {path: b, part: host}}",
        "variables: {a: {url: b, part: hots}}",
        "variables: {a: {choose: [{value: b}]}}",
        "variables: {a: {path: b, format: {cases: lower}}}",
        "destinations: {a: {account: b}}",
        "destinations: {a: {type: bocks}}",
        "destinations: {a: {type: box, acount: b}}",
        "destinations: {a: {type: vault}}",
        "destinations: {a: {type: vault, token: literal}}",
        "tags: [{name: A}]",
        TAG % "paused: 1",
        TAG % "priority: high",
        TAG % "consent: [ads]",
        TAG % "vendor: {}",
        TAG % "vendor: {ac_id: 1, gvl_id: 2}",
        TAG % "schedule: {}",
        TAG % "sample: {percent: 101, by: a}",
        TAG % "once_per: {key: a, within: soon}",
        TAG % "tirggers: [all]",
        "transformations: {a: {}}",
        "transformations: {a: {when: {b: c}}}",
        "transformations: {a: {exclud: [b]}}",
        "consent: {gpc: maybe}",
        "queue: {max_size: 8 GB}",
        "collect: {keys: {a: {secret: b}}}",
        "collect: {rate: 5}",
        "reload: yes",
        "nothing: {}",
        "[{name: x}]",
        "[{name: x, event: {}, expect: {}}]",
        "[{name: x, event: {}, expect: {skip: {A: becuase}}}]",
        "7",
    ],
)
def test_what_check_refuses_by_its_shape_is_underlined(text: str) -> None:
    assert wrong(SMALL, data(text))


def places() -> Iterator[tuple[str, str]]:
    """Where maps with fixed keys stand: a text with the key `zzzz` there, and the way in the schema."""
    yield from (
        ("consent: {zzzz: 1}", "else/properties/consent"),
        ("privacy: {zzzz: 1}", "else/properties/privacy"),
        ("triggers: {a: {zzzz: 1}}", "definitions/trigger"),
        ("tags: [{zzzz: 1}]", "definitions/tag"),
        (TAG % "vendor: {zzzz: 1}", "definitions/tag/properties/vendor"),
        (TAG % "schedule: {zzzz: 1}", "definitions/tag/properties/schedule"),
        (TAG % "sample: {zzzz: 1}", "definitions/tag/properties/sample"),
        (TAG % "once_per: {zzzz: 1}", "definitions/tag/properties/once_per"),
        ("transformations: {a: {zzzz: 1}}", "definitions/transformation"),
        ("transformations: {a: {items: {zzzz: 1}}}", "definitions/transformation/properties/items"),
        ("variables: {a: {path: b, format: {zzzz: 1}}}", "definitions/variable/properties/format"),
        ("variables: {a: {choose: [{zzzz: 1}]}}", "definitions/variable/properties/choose/items"),
    )


SERVER_PLACES = [
    ("collect: {zzzz: 1}", "else/properties/collect"),
    ("collect: {keys: {a: {zzzz: 1}}}", "else/properties/collect/properties/keys/additionalProperties"),
    ("queue: {zzzz: 1}", "else/properties/queue"),
    ("shutdown: {zzzz: 1}", "else/properties/shutdown"),
    ("egress: {zzzz: 1}", "else/properties/egress"),
]


@pytest.mark.parametrize(("text", "way"), [*places(), *SERVER_PLACES], ids=lambda value: value[-50:])
def test_it_knows_the_keys_that_the_decoders_know(text: str, way: str) -> None:
    """A key that is new there must come here, too."""
    files = {"server.yaml" if (text, way) in SERVER_PLACES else "container.yaml": text}
    rest = "destinations: {box: {type: box}}\n"
    files["container.yaml"] = files.get("container.yaml", "") + "\n" + rest
    hint = next(one.hint for one in load(files).problems if '"zzzz"' in one.message)
    known = set(hint.removeprefix("known are ").split(", "))
    shape = SMALL.schema
    for step in way.split("/"):
        shape = shape[step]
    assert set(shape["properties"]) == known


def test_it_knows_roots_operators_kinds_and_cases() -> None:
    schema = json_schema(REGISTRY)
    assert set(schema["else"]["properties"]) == {*CONTAINER.keys, *SERVER.keys}
    assert set(schema["definitions"]["operator"]["properties"]) == {*OPERATORS, "ignore_case"}
    case = schema["definitions"]["case"]["properties"]
    assert set(case) == set(CASE.keys)
    assert set(case["expect"]["properties"]) == set(EXPECT.keys)


@pytest.mark.parametrize("kind", ["url", "regex", "split", "random", "items", "hash", "lookup"])
def test_it_knows_what_may_stand_beside_a_kind(kind: str) -> None:
    value = "5" if kind == "random" else "x"
    text = f"variables: {{a: {{{kind}: {value}, zzzz: 1}}}}"
    hint = next(one.hint for one in load({"container.yaml": text}).problems if '"zzzz"' in one.message)
    rules = SMALL.schema["definitions"]["variable"]["allOf"]
    names = next(one["then"]["propertyNames"]["enum"] for one in rules if one["if"]["required"] == [kind])
    assert set(names) == set(hint.removeprefix("known are ").split(", "))


def descriptions(shape: Any, way: str = "") -> Iterator[str]:
    """Properties that nobody has described."""
    if isinstance(shape, dict):
        for name, one in shape.get("properties", {}).items() if isinstance(shape.get("properties"), dict) else ():
            if isinstance(one, dict) and one.get("description", "") == "" and "$ref" not in one and "const" not in one:
                yield f"{way}/{name}"
        for key, one in shape.items():
            yield from descriptions(one, f"{way}/{key}")
    elif isinstance(shape, list):
        for number, one in enumerate(shape):
            yield from descriptions(one, f"{way}/{number}")


def test_settings_of_plugins_are_described() -> None:
    """As their `setting(…)` says; an editor shows it."""
    schema = json_schema(Registry.load())
    assert list(descriptions(schema["definitions"]["destination"])) == []
    properties = schema["definitions"]["destination"]["allOf"]
    meta = next(one["then"] for one in properties if one["if"]["properties"]["type"] == {"const": "meta_capi"})
    assert meta["properties"]["pixel_id"]["description"].startswith("The pixel's")
    assert meta["required"] == ["pixel_id", "access_token"]


def test_kinds_of_plugins_are_known() -> None:
    validator = Draft7Validator(json_schema(Registry(REGISTRY.destinations, (), BROUGHT.variables)))
    assert wrong(validator, {"variables": {"v": {"initials": {"first": "x"}, "default": 1}}}) == []
    assert wrong(validator, {"variables": {"v": {"initials": {"last": "x"}}}})
    assert wrong(validator, {"variables": {"v": {"wild": None}}}) == []
    assert wrong(SMALL, {"variables": {"v": {"initials": {"first": "x"}}}})


@settings(max_examples=examples(300), deadline=None)
@given(mutated(RICH))
def test_what_check_takes_is_never_underlined(text: str) -> None:
    """Whatever people make of a file: an editor complains of nothing that serves."""
    loaded = load({"container.yaml": text, "server.yaml": "environment: [ACCOUNT]\n"})
    if loaded.container is not None:
        assert wrong(SMALL, data(text)) == []
