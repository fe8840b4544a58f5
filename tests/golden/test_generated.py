"""The generated scenarios are the same everywhere, and of use: most configurations serve, most requests are taken."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.processes import ends_with_parent

from .adapter import Server
from .generated import scenarios

ROOT = Path(__file__).parents[2]
SEED = 1
PRINT = "from tests.golden.test_generated import digest; print(digest(40))"


def digest(count: int) -> str:
    """Of all that the first scenarios hold, in the order in which they hold it."""
    parts = [(one.name, list(one.files.items()), list(one.env.items()), one.requests) for one in scenarios(SEED, count)]
    return sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_every_process_draws_the_same(hash_seed: str) -> None:
    made = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=ends_with_parent(),
    )
    assert made.stdout.strip() == digest(40)


def test_a_part_is_the_same_as_in_the_whole() -> None:
    assert list(scenarios(SEED, 30))[:10] == list(scenarios(SEED, 10))


def test_another_seed_draws_others() -> None:
    assert next(scenarios(SEED, 1)).files != next(scenarios(SEED + 1, 1)).files


def test_times_of_a_scenario_never_go_back() -> None:
    for one in scenarios(SEED, 100):
        assert [request.at for request in one.requests] == sorted(request.at for request in one.requests)


def test_most_configurations_serve_and_some_are_broken(tmp_path: Path) -> None:
    drawn = list(scenarios(SEED, 100))
    serving = 0
    for number, one in enumerate(drawn):
        (folder := tmp_path / str(number)).mkdir()
        serving += Server(one.files, one.env, folder, one.requests[0].at).serves
    assert 90 <= serving < 100
