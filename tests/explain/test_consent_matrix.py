"""The consent matrix finds personal fields that need no purpose; consent hides no row of a table from a run."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.config.model import Container
from tagserver.config.server import ServerConfig
from tagserver.config.yaml.problems import Place
from tagserver.event.consent_fields import PURPOSES
from tagserver.explain.cases import Case
from tagserver.explain.consent_matrix import consent_matrix
from tagserver.pipeline.route import route
from tagserver.testing import make_event

from ..config.world import load


@pytest.mark.parametrize("consent", ["granted", "denied"])
def test_a_row_is_used_whatever_consent_keeps_back(consent: str) -> None:
    """Also for a tag that sees a part of the event alone."""
    text = """
destinations: {box: {type: box}}
variables: {kind: {lookup: "{{ page.path }}", table: {/: home, /cart: cart}}}
tags: [{name: T, destination: box, triggers: [all], parameters: {kind: "{{ kind }}"}}]
"""
    container = load({"container.yaml": text}).container
    assert container is not None
    pushed = {
        "page": {"location": "https://a.example/cart"},
        "user_id": "u",
        "consent": dict.fromkeys(PURPOSES, consent),
    }
    touched: set[str] = set()
    routing = route(container, make_event(pushed), touched=touched)
    assert [decision.decision for decision in routing.decisions] == ["send"]
    assert touched == {"variables.kind: /cart"}


def open_tag(consent: str) -> Container:
    """A tag that needs no purpose of itself, and sends what identifies."""
    text = """
destinations: {box: {type: box}}
variables: {hashed: {hash: "{{ user_data.email }}", as: email}}
tags:
  - name: T
    destination: box
    triggers: [all]
    parameters: {mail: "{{ hashed }}", who: "{{ user_id }}", page: "{{ page.path }}"}
"""
    loaded = load({"container.yaml": text + consent})
    assert loaded.container is not None, loaded.problems
    return loaded.container


def matrix(container: Container, event: dict[str, Any]) -> list[str]:
    case = Case("x", Place("a", 1, 1), {"event": {"event": "purchase", **event}}, {})
    return consent_matrix([case], container, ServerConfig())


def test_the_matrix_finds_personal_fields_that_need_no_purpose() -> None:
    """In the clear or hashed, where a tag gives a reason to count no purposes. Without one nothing of a person leaves;
    nor is anything wrong where a purpose is stated or nobody is named."""
    pushed = {
        "user_data": {"email": " Erika@B.example "},
        "user_id": "u-17",
        "page": {"location": "https://a.example/x"},
    }
    open_to_all = open_tag("    consent: []\n    consent_override: our own system\n")
    said = matrix(open_to_all, pushed)
    assert len(said) == 6
    assert "T sends user_data.email with consent denied (x); say which purposes it needs" in said
    assert "T sends user_id with consent garbled (x); say which purposes it needs" in said
    assert matrix(open_tag("    consent: [analytics_storage]\n"), pushed) == []
    assert matrix(open_tag(""), pushed) == []
    assert matrix(open_to_all, {"page": {"location": "https://a.example/x"}}) == []
