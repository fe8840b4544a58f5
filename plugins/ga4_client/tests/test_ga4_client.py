"""The examples, in files and on the page, and the rules that every client keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tagserver_ga4_client import Ga4Client

from tagserver.testing import check_client, load_examples, run_client_example, with_examples

FOLDER = Path(__file__).parents[1]
SOURCES = {"till": {"secret": "hush-the-tills-secret"}}
EXAMPLES = list(load_examples(FOLDER / "examples"))


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Ga4Client, case, SOURCES)


def test_it_keeps_the_rules() -> None:
    """Also with each field of a body as something else."""
    requests = [one["request"] for one in EXAMPLES if "refused" not in one and "settings" not in one]
    assert check_client(Ga4Client, SOURCES, requests=requests) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/ga4_client` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")
