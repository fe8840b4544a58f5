"""Every word of the product has its place, in the words of the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import Environment, PackageLoader, nodes

from tagserver.delivery.health import State
from tagserver.event.consent_fields import PURPOSES
from tagserver.explain.try_ import REASONS
from tagserver.pipeline.route import Outcome
from tagserver.queue.dead_letters import REASONS as DEAD_LETTERS
from tagserver.records.values import AttemptOutcome, Status
from tagserver.server.pages.glossary import GLOSSARY, KINDS, WORD, anchor
from tests.docs.pages import GUIDE, REFERENCE, rows
from tests.server.conftest import Running
from tests.server.pages.support import get, json_of


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("answer to an event", get_args(Status)),
        ("decision of a tag", get_args(Outcome)),
        ("reason of a decision", REASONS),
        ("state of a destination", get_args(State)),
        ("outcome of an attempt", get_args(AttemptOutcome)),
        ("reason of a dead letter", tuple(DEAD_LETTERS)),
        ("consent purpose", PURPOSES),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_word_of_the_code_is_explained(kind: str, words: tuple[str, ...]) -> None:
    """And no other one under its kind."""
    assert set(KINDS[kind]) == set(words)


@pytest.mark.parametrize(
    ("page", "heading", "kind"),
    [
        (GUIDE, "## Glossary", WORD),
        (REFERENCE, "## Decisions and reasons", "reason of a decision"),
    ],
    ids=["guide", "reference"],
)
def test_the_documentation_says_it_in_the_same_words(page: Path, heading: str, kind: str) -> None:
    """Where both explain a word."""
    said = {cells[0].strip("`"): cells[1] for cells in rows(page, heading) if len(cells) == 2}
    shared = said.keys() & KINDS[kind].keys()
    assert len(shared) > 10
    without_links = {word: re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", said[word]) for word in shared}
    ours = {word: KINDS[kind][word] for word in shared}
    assert {word: text for word, text in without_links.items() if not text.startswith(ours[word])} == {}


def test_the_guide_has_no_word_of_its_own() -> None:
    """Whoever learnt a word there finds it on the pages, too."""
    assert {cells[0] for cells in rows(GUIDE, "## Glossary")} <= GLOSSARY.keys()


def test_anchors_are_places_of_their_own() -> None:
    assert len({anchor(word) for word in GLOSSARY}) == len(GLOSSARY)
    with pytest.raises(KeyError, match="no word 'nothing of ours'"):
        anchor("nothing of ours")


def test_every_text_ends_open() -> None:
    """The page adds the full stop."""
    assert [one.text for meanings in GLOSSARY.values() for one in meanings if one.text.endswith(".")] == []


def linked_words() -> set[str]:
    """The words of `parts.term("…")` in all templates."""
    loader = PackageLoader("tagserver.server", "templates")
    environment = Environment(loader=loader, autoescape=True)
    found: set[str] = set()
    for name in loader.list_templates():
        if name.endswith(".html"):
            tree = environment.parse(loader.get_source(environment, name)[0])
            for call in tree.find_all(nodes.Call):
                if isinstance(call.node, nodes.Getattr) and call.node.attr == "term":
                    first = call.args[0]
                    found |= {first.value} if isinstance(first, nodes.Const) else set()
    return found


def test_no_link_of_a_page_leads_nowhere() -> None:
    words = linked_words()
    assert len(words) > 5
    assert words <= GLOSSARY.keys()


async def test_the_page(server: Running) -> None:
    """Each word with all its meanings, where links lead to; the same for machines."""
    shown, told = await get(server, "/-/glossary"), await json_of(server, "/-/glossary.json")
    places = {one.get("id") for one in shown.all("div")}
    read = "".join(shown.text.split())
    for term in told["terms"]:
        assert term["anchor"] in places
        for meaning in term["meanings"]:
            assert "".join(meaning["text"].replace("`", "").split()) + "." in read
    assert [term["term"] for term in told["terms"]] == list(GLOSSARY)
