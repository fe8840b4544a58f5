"""A block of keys: what it reads, what it notes, its schema and its rows, all from one declaration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from tagserver.config.keys import (
    DURATION,
    FLAG,
    SIZE,
    TEXT,
    Block,
    Key,
    ValueType,
    choice,
    compiled,
    each,
    group,
    key,
    named,
    text_like,
    whole,
)
from tagserver.config.yaml.decode import Decoder
from tagserver.config.yaml.problems import Problems
from tagserver.config.yaml.source import Node, Scalar, parse


@dataclass(frozen=True)
class Door:
    """A block below another one."""

    wide: bool = key(FLAG, "true", "whether it is wide")


@dataclass(frozen=True)
class House:
    """A block that is a value of its own."""

    size: int = key(SIZE, "2KiB", "how large, see [sizes](#sizes)")
    waits: float = key(DURATION, "1m", "how long it waits", name="wait")
    color: str | None = key(choice("red", "blue"), "", "its color", shown="none")
    door: Door = group(Door, Block.of(Door, "Where one goes in."))


HOUSE = Block.of(House, "A house.")
ROOM = Block(
    "",
    Key("name", TEXT, "required", needed=True),
    Key("guests", named(Block("", Key("age", whole(1), "in years")).as_type()), "who sleeps there"),
    minProperties=1,
)


def node_of(text: str) -> Node:
    found = parse(text.encode(), "a.yaml", Problems())
    assert found is not None
    return found


def read(block: Block, text: str) -> tuple[dict[str, Any], list[str]]:
    """What a block reads of a text, and the problems, with codes and paths."""
    problems = Problems()
    values = block.read(Decoder(problems), node_of(text), "house")
    return values, [f"{one.code} {one.path}" for one in problems.sorted()]


def test_defaults_are_those_that_are_written() -> None:
    assert House() == House(size=2048, waits=60.0, color=None, door=Door(wide=True))


@pytest.mark.parametrize(
    ("text", "values", "problems"),
    [
        ("{}", {}, []),
        ("{size: 3KiB, wait: 2s, color: red}", {"size": 3072, "waits": 2.0, "color": "red"}, []),
        ("{door: {wide: false}}", {"door": Door(wide=False)}, []),
        ("{door: }", {"door": Door()}, []),
        ("{size: big, wait: 2s}", {"waits": 2.0}, ["E115 house.size"]),
        ("{waits: 2s}", {}, ["E110 house.waits"]),
        ("{door: {wide: 1, high: true}}", {"door": Door()}, ["E110 house.door.high", "E111 house.door.wide"]),
        ("[size]", {}, ["E111 house"]),
    ],
)
def test_a_block_reads_what_is_sound(text: str, values: dict[str, Any], problems: list[str]) -> None:
    """By the names of its fields; what has a problem is left to its default."""
    found, noted = read(HOUSE, text)
    assert (found, sorted(noted)) == (values, sorted(problems))


@pytest.mark.parametrize(
    ("of", "text", "value", "problems"),
    [
        (each(whole(1)), "[1, 0, 2]", (1, 2), ["E115 house.it[1]"]),
        (each(TEXT, frozenset), "[a, b, a]", frozenset("ab"), []),
        (each(TEXT), "", (), []),
        (text_like(re.compile("[a-z]+$"), "is no word"), "abc", "abc", []),
        (text_like(re.compile("[a-z]+$"), "is no word"), "ABC", None, ["E115 house.it"]),
        (named(choice("on", "off")), "{a: on, b: maybe}", {"a": "on"}, ["E115 house.it.b"]),
    ],
    ids=["numbers", "set", "nothing", "word", "no word", "words"],
)
def test_types_of_lists_maps_and_texts(of: ValueType, text: str, value: Any, problems: list[str]) -> None:
    """What has a problem is left out."""
    found, noted = read(Block("", Key("it", of, "")), f"{{it: {text}}}")
    assert (found.get("it"), noted) == (value, problems)


def test_what_is_compiled_elsewhere_is_handed_out_as_it_stands() -> None:
    found, noted = read(Block("", Key("it", compiled({}), "")), "{it: {a: 1}}")
    assert noted == []
    assert not isinstance(found["it"], Scalar)
    assert found["it"].get("a") is not None


def test_the_schema_has_the_same_keys() -> None:
    """With their descriptions, in which links are plain words."""
    schema = HOUSE.schema
    assert list(schema["properties"]) == ["size", "wait", "color", "door"]
    assert schema["properties"]["size"]["description"] == "how large, see sizes"
    assert schema["properties"]["door"]["description"] == "Where one goes in."
    assert (ROOM.schema["required"], ROOM.schema["minProperties"]) == (["name"], 1)


def test_the_rows_of_the_reference() -> None:
    assert list(HOUSE.rows()) == [
        ("`size`", "`2KiB`", "how large, see [sizes](#sizes)"),
        ("`wait`", "`1m`", "how long it waits"),
        ("`color`", "none", "its color"),
        ("`door.wide`", "`true`", "whether it is wide"),
    ]
    assert list(ROOM.rows("room.")) == [
        ("`room.name`", "", "required"),
        ("`room.guests`", "", "who sleeps there"),
        ("`room.guests.NAME.age`", "", "in years"),
    ]
