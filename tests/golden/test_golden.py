"""A sample of the corpus is answered as it was; and whoever compares would notice, were it not."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from tests.processes import ends_with_parent

from .compare import ABSENT, BadChange, Change, Difference, changes, differences, unexplained
from .corpus import FOLDER, files, names, read, write
from .replay import record
from .scenario import Request, Scenario

SAMPLE = 25
"""Scenarios of each file of the corpus that are replayed here; of those by hand, all."""
ROOT = Path(__file__).parents[2]
FLOWS = FOLDER / "flows.jsonl.xz"
TAKEN = "flow/a repeat"
"""One that stores something."""


def recorded(name: str) -> tuple[Scenario, Any]:
    ((scenario, was),) = read(FLOWS, lambda one: one == name)
    return scenario, was


def replayed(path: Path, wanted: Callable[[str], bool]) -> tuple[int, list[Difference]]:
    """How many scenarios were asked again, and what is not answered as it was, but for what is meant."""
    allowed, number = changes(), 0
    found: list[Difference] = []
    for scenario, was in read(path, wanted):
        number += 1
        found += unexplained(differences(scenario.name, was, asyncio.run(record(scenario))), allowed)
    return number, found


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.name))
def test_a_sample_is_answered_as_it_was(path: Path) -> None:
    """`tests/golden/run` asks all of them."""
    every = 1 if path == FLOWS else -(-len(names(path)) // SAMPLE)
    number, found = replayed(path, lambda name: crc32(name.encode()) % every == 0)
    assert number
    assert not found, "\n".join(map(str, found[:5]))


def test_names_are_of_one_scenario_each() -> None:
    all_names = [name for path in files() for name in names(path)]
    assert len(all_names) == len(set(all_names))


ALTERED: dict[str, tuple[str, ...]] = {
    "a byte of a payload": ("end", "rows", "0", "body"),
    "a dedup key": ("end", "known"),
    "a hash of the person": ("end", "rows", "0", "person", "0"),
    "an expiry": ("end", "rows", "0", "expires"),
    "a counter": ("end", "counters", "meta accepted"),
    "a reason": ("requests", "0", "tried", "0", "tags", "0", "reason"),
    "a detail": ("requests", "0", "tried", "0", "tags", "1", "detail"),
    "a byte of a request": ("requests", "0", "tried", "0", "tags", "0", "request", "content"),
    "a status of an event": ("requests", "1", "answer", "events", "0", "status"),
    "a row of the audit": ("end", "audit", "2", "reason"),
}


@pytest.mark.parametrize("path", ALTERED.values(), ids=ALTERED)
def test_an_alteration_is_noticed(path: tuple[str, ...]) -> None:
    """Of the record, anywhere: it is found, where it is, and nothing else."""
    scenario, _ = recorded(TAKEN)
    altered = copy.deepcopy(asyncio.run(record(scenario)))  # as it is today: what is meant to differ is no alteration
    place = altered
    for key in path[:-1]:
        place = place[int(key)] if isinstance(place, list) else place[key]
    last: Any = int(path[-1]) if isinstance(place, list) else path[-1]
    match place[last]:
        case str(text):
            place[last] = ("x" if text[0] != "x" else "y") + text[1:]
        case int(number):
            place[last] = number + 1
        case dict(entries):
            del entries[next(iter(entries))]
    (found,) = differences(scenario.name, altered, asyncio.run(record(scenario)))
    assert found.path.startswith(".".join(path))
    assert found.was != found.now


def test_what_a_server_answers_otherwise_is_noticed() -> None:
    """Another value in the event: in the rows, in what `try` says, in the keys."""
    scenario, was = recorded(TAKEN)
    first, *others = scenario.requests
    altered = replace(scenario, requests=(replace(first, body=first.body.replace(b"59.9", b"59.8")), *others))
    kinds = {one.kind for one in differences(scenario.name, was, asyncio.run(record(altered)))}
    assert kinds >= {
        "end.rows.*.body",
        "requests.*.tried.*.tags.*.request.content",
        "requests.*.answer.events.*.problems.*",
    }


def test_a_change_of_the_configuration_is_noticed() -> None:
    """Another pixel: another request, another fingerprint, another version."""
    scenario, was = recorded(TAKEN)
    files = {name: text.replace("1234567890", "1234567891") for name, text in scenario.files.items()}
    kinds = {one.kind for one in differences(scenario.name, was, asyncio.run(record(replace(scenario, files=files))))}
    assert kinds >= {"end.rows.*.identity", "end.rows.*.container", "requests.*.tried.*.tags.*.request.url"}


def test_try_and_the_live_path_store_and_show_the_same_bytes() -> None:
    """What the corpus has of both is of the same event: they confirm each other."""
    _, was = recorded(TAKEN)
    shown = {tag["tag"]: tag["request"]["content"] for tag in was["requests"][0]["tried"][0]["tags"] if tag["request"]}
    meta = next(row["body"] for row in was["end"]["rows"] if row["tag"] == "Meta purchase")
    assert shown["Meta purchase"] == f'{{"data":[{meta}]}}'


def test_equal_in_any_order_and_place(tmp_path: Path) -> None:
    """After others, and from another folder."""
    scenario, was = recorded(TAKEN)
    asyncio.run(record(recorded("flow/forgotten")[0]))
    with contextlib.chdir(tmp_path):
        assert list(unexplained(differences(scenario.name, was, asyncio.run(record(scenario))), changes())) == []


@pytest.mark.parametrize("seed", ["1", "2"])
def test_equal_in_any_process(seed: str) -> None:
    """Under any order of sets; these scenarios had another one in each process."""
    command = [sys.executable, "-m", "tests.golden.main", "--only", "example/[mf]*/*"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=ends_with_parent(),
    )
    assert done.stdout.splitlines()[-1].endswith("scenarios, 0 differences, 0 more that are meant"), done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("was", "now", "path"),
    [
        ({"a": 1}, {"a": 1.0}, "a"),
        ({"a": 1}, {"a": True}, "a"),
        ({"a": None}, {}, "a"),
        ({}, {"a": []}, "a"),
        ([1], [1, 2], "1"),
        ([{"a": "x"}], [{"a": "X"}], "0.a"),
        ({"a": {}}, {"a": []}, "a"),
    ],
)
def test_what_is_a_difference(was: Any, now: Any, path: str) -> None:
    assert [one.path for one in differences("s", was, now)] == [path]


CHANGE = Difference("flow/x", "end.rows.0.body", '{"v":1}', '{"v":2}')


@pytest.mark.parametrize(
    ("change", "explains"),
    [
        (Change("r", "end.rows.*.body", now='{"v":2}'), True),
        (Change("r", "end.rows.*.body", now='{"v":3}'), False),
        (Change("r", "end.rows.*.body", was='{"v":1}', scenario="flow/*"), True),
        (Change("r", "end.rows.*.body", was='{"v":1}', scenario="bench/*"), False),
        (Change("r", "end.rows.*.tag", now='{"v":2}'), False),
        (Change("r", "*.body", now={"matches": r"\d"}), True),
        (Change("r", "*.body", now={"matches": r"^\d"}), False),
        (Change("r", "*.body", substitute=[r'"v":\d', '"v":2']), True),
        (Change("r", "*.body", substitute=[r'"v":\d', '"v":7']), False),
        (Change("r", "*.body", was=ABSENT), False),
    ],
)
def test_what_a_change_explains(change: Change, explains: bool) -> None:
    assert (list(unexplained(iter([CHANGE]), [change])) == []) is explains
    assert change.met == explains


@pytest.mark.parametrize(
    "text",
    [
        "- {where: a, was: 1}",
        "- {reason: r, was: 1}",
        "- {reason: r, where: '*'}",
        "- {reason: r, where: a, wsa: 1}",
        "- a",
    ],
)
def test_a_change_says_where_and_why(text: str, tmp_path: Path) -> None:
    path = tmp_path / "changes.yaml"
    path.write_text(text)
    with pytest.raises(BadChange):
        changes(path)


def test_the_list_of_changes_is_sound() -> None:
    assert all(change.reason and change.where for change in changes())


def test_a_scenario_keeps_its_bytes(tmp_path: Path) -> None:
    """Through the file: bodies of any bytes, headers twice."""

    request = Request(bytes(range(256)), (("a", "ü"), ("a", "b")), "::1", 5, "PUT", "/x?y")
    one = Scenario("n", {"container.yaml": "ä: 1\n"}, {"A": "b"}, (request,))
    write(tmp_path / "x.jsonl.xz", [(one, json.loads('{"r": "\\ud800"}'))])
    assert list(read(tmp_path / "x.jsonl.xz")) == [(one, {"r": "\ud800"})]
