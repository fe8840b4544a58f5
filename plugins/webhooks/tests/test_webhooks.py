"""The examples, in files and on the page, and the rules that every client keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tagserver_webhooks import Webhooks

from tagserver.testing import check_client, load_examples, make_client, run_client_example, with_examples

FOLDER = Path(__file__).parents[1]
SOURCES = {
    "own": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "style": "standard"},
    "crm": {"secret": "a-secret-of-the-crm", "style": "hmac", "header": "x-crm-signature", "prefix": "sha256="},
}
EXAMPLES = list(load_examples(FOLDER / "examples"))


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Webhooks, case, SOURCES)


def test_it_keeps_the_rules() -> None:
    """With requests of its examples, whose fields are then changed, one by one."""
    requests = [case["request"] for case in EXAMPLES if "body" in case["request"] and "refused" not in case]
    assert check_client(Webhooks, SOURCES, requests=requests) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/webhooks` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"style": "standard", "secret": "not base64!"}, 'is "whsec_" and base64'),
        ({"style": "standard", "secret": "whsec_MfKQ", "header": "x-a"}, "keys of style: hmac"),
    ],
    ids=["secret", "header"],
)
def test_settings_that_do_not_go_together_are_named(source: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_client(Webhooks, {"own": source})
