"""The examples, in files and on the page, the rules of every client, and Meta's table turned round."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tagserver_meta_capi.names import EVENT_NAMES
from tagserver_pixel import Pixel

from tagserver.event.consent_fields import FIELDS
from tagserver.event.event import Facts
from tagserver.event.spelling import DERIVED_ROOTS
from tagserver.inbound.clients.datalayer import read_event
from tagserver.plugin.inbound import GA4_OF_META
from tagserver.testing import check_client, load_examples, make_client, run_client_example, with_examples
from tagserver.testing.client_examples import read_pushed

FOLDER = Path(__file__).parents[1]
EXAMPLES = list(load_examples(FOLDER / "examples"))
PIXEL = make_client(Pixel, {})


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["name"])
def test_example(case: Mapping[str, Any]) -> None:
    run_client_example(Pixel, case, {})


def test_it_keeps_the_rules() -> None:
    assert check_client(Pixel, {}, pushed=[case["pushed"] for case in EXAMPLES]) == []


def test_examples_are_printed() -> None:
    """In the README; `python -m tagserver.testing plugins/pixel` prints them again."""
    assert with_examples(FOLDER) == (FOLDER / "README.md").read_text("utf-8")


def test_the_names_are_those_of_the_destination() -> None:
    """Turned round: what comes in under one goes out under the same."""
    assert {ga4: meta for meta, ga4 in GA4_OF_META.items()} == {
        ga4: meta for ga4, meta in EVENT_NAMES.items() if " " not in ga4
    }


@pytest.mark.parametrize("name", sorted(FIELDS | DERIVED_ROOTS | {"event_name", "page_location", "user_data"}))
def test_a_parameter_says_nothing_of_the_visitor(name: str) -> None:
    """Of consent above all: it would grant what nobody has granted."""
    call = {"call": "track", "name": "Lead", "params": {name: "granted"}}
    bare = {"call": "track", "name": "Lead"}
    made = [read_pushed(PIXEL, {"event": "Lead", "event_id": "e", "fbq": one}) for one in (call, bare)]
    assert made[0] == made[1]
    assert read_event(made[0], Facts("browser", 1_790_000_000_000)).name == "generate_lead"
