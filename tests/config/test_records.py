"""`records:` of `server.yaml`."""

from __future__ import annotations

import pytest

from .world import load

CONTAINER = {"container.yaml": "destinations: {}"}


@pytest.mark.parametrize(
    ("text", "level", "keep", "max_size"),
    [
        ("", "summary", 7 * 86_400, 512 << 20),
        ("records: {level: off}", "off", 7 * 86_400, 512 << 20),
        ("records: {level: full, keep: 12h, max_size: 4MiB}", "full", 12 * 3600, 4 << 20),
    ],
    ids=["as it is without", "off", "all of it"],
)
def test_what_is_written_counts(text: str, level: str, keep: float, max_size: int) -> None:
    loaded = load({**CONTAINER, "server.yaml": text})
    assert loaded.server is not None
    found = loaded.server.records
    assert (found.level, found.keep, found.max_size) == (level, keep, max_size)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("records: {max_size: 1MiB}", "records.max_size is too small to keep anything useful: write 4MiB or more"),
        ("records: {max_size: much}", '"much" is no size'),
        ("records: {level: sumary}", "summary"),
        ("records: {keep: 7}", '"7" is no duration'),
    ],
    ids=["too small", "no size", "misspelt", "no duration"],
)
def test_what_is_wrong_is_told(text: str, said: str) -> None:
    (problem,) = load({**CONTAINER, "server.yaml": text}).problems
    assert said in f"{problem.message}: {problem.hint}"
    assert (problem.place.file, problem.place.line) == ("server.yaml", 1)
