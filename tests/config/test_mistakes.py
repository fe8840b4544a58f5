"""Typographic quotes where straight ones were meant are named, wherever they stand; those of a sentence, of a name and
of a pattern are not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tagserver.config.yaml.mistakes import check_quotes, stray_quotes
from tagserver.config.yaml.problems import Problem, Problems
from tagserver.config.yaml.source import parse
from tagserver.explain.cases import read_cases

from .world import container, load

PAIRS = ["“”", "„“", "„”", "‟”", "”“", "«»", "»«", "‹›", "‘’", "‚‘", "‛’", "＂＂", "＇＇", "´´"]


def found(text: str, *, secrets: bool = False) -> list[Problem]:
    """What is said of the quotes of a file."""
    problems = Problems()
    check_quotes(parse(text.encode(), "a.yaml", problems), problems, secrets=secrets)
    return list(problems.sorted())


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(
    "written", ["event: {}", "event: [add_to_cart, {}]", "{}: 5", "when: {{page.path: {}}}", "- {}", "table: {{{}: x}}"]
)
def test_a_pair_is_named(pair: str, written: str) -> None:
    """As a text and as a key, with its place and the fix."""
    quoted = f"{pair[0]}/purchase{pair[1]}"
    text = written.format(quoted)
    (problem,) = found(text)
    assert (problem.code, problem.place.line, problem.place.column) == ("W309", 1, text.index(quoted) + 1)
    assert f"{pair[0]} and {pair[1]} of {quoted}" in problem.message
    assert problem.hint == 'write straight quotes: "/purchase"'


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("event: “purchase", ["“"]),
        ("event: „purchase", ["„"]),
        ("event: purchase”", ["”"]),
        ("event: ＂purchase", ["＂"]),
        ("event: [“view_item, add_to_cart”]", ["“", "”"]),
        ("“page type: home”", ["“", "”"]),
        ("event: “”", ["“ and ”"]),
        ("value: “{{ page.path }}”", ["“ and ”"]),
        ("event: “Owner’s offer”", ["“ and ”"]),
        ("a: {notes: “x”, b: “y”}", ["“ and ”"]),
        ("a: &x “y”\nb: *x\nc: *x", ["“ and ”"]),
    ],
)
def test_what_is_named(text: str, signs: list[str]) -> None:
    """One alone is one too many; an alias is written in one place."""
    assert [one.message.partition(" of ")[0].removeprefix("YAML takes ") for one in found(text)] == signs


@pytest.mark.parametrize(
    "text",
    [
        'event: "“purchase”"',
        "event: '“purchase”'",
        "text: |\n  “purchase”",
        "text: >\n  “purchase”",
        "notes: “for the campaign”",
        "notes: “for the campaign",
        "basis: „contract of March“",
        "consent_override: “the court says so”",
        "city: ‘s-Hertogenbosch",
        "city: ’s-Gravenhage",
        "band: ’n Sync",
        "name: the boys’",
        "name: Levi’s",
        "name: „Summer“ sale",
        "name: Summer „sale“",
        "name: “Summer” and “winter”",
        "text: he said “yes” to it",
        "link: Weiter »",
        "link: » Weiter",
        "link: « Zurück",
        "link: ‹ back",
        "size: 27”",
        "size: 27“",
        "size: 27″",
        "event: /^(“a”|b)$/",
        "matches: “|”",
        "matches: “|„|»",
        "matches: '[“”]'",
        "by: ”",
        "a: 5' 10\"",
        "purchase: straight",
    ],
)
def test_what_is_not_named(text: str) -> None:
    """Written in straight quotes it is meant; so is a sentence, an apostrophe, an inch, an arrow, a pattern."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("event: pur\u200bchase", "U+200B"),
        ("event: purchase\u00a0", "U+00A0"),
        ("page\u00a0type: x", "U+00A0"),
        ("\u00a0: x", "U+00A0"),
        ("event: pur\u00adchase", "U+00AD"),
        ("price: 10\u00a0€", None),
        ("event: خرید\u200cکالا", None),
        ("name: 👩\u200d💻 team", None),
        ("notes: for\u00a0people\u200b", None),
        ('event: "purchase\u00a0"', None),
        ("event: größe", None),
    ],
)
def test_signs_that_nobody_sees(text: str, named: str | None) -> None:
    """But where they belong to a language, to an emoji or to a text that may hold them, and in quotes."""
    said = [one.message for one in found(text)]
    assert said == ([f"a sign that nobody sees ({named}) is part of this text"] if named else [])


@given(some.text(some.sampled_from("ab1/ |\"'") | some.sampled_from("".join(PAIRS)), max_size=8))
def test_what_is_said_is_at_the_ends(text: str) -> None:
    """Whatever the text; and without such signs nothing is said."""
    signs = stray_quotes(text)
    assert signs in ("", text[:1], text[-1:], text[:1] + text[-1:])
    assert not signs or set(signs) <= set("".join(PAIRS))


FILES: Mapping[str, str] = {
    "server.yaml": "collect: {origins: [https://shop.example]}\nenvironment: [“ACCOUNT”]\n",
    "container.yaml": "destinations: {box: {type: box, account: “4711”}}\n"
    "tags: [{name: A, destination: box, triggers: [all], parameters: {a: “b”}}]\n",
}


def test_both_halves_of_the_configuration() -> None:
    """Operations' file and marketing's. What may be a secret is not repeated."""
    quotes = [one for one in load(FILES).problems if "not for quotes" in one.message + one.hint]
    assert [(one.place.file, one.place.line, one.path) for one in quotes] == [
        ("container.yaml", 1, "destinations.box.account"),
        ("container.yaml", 2, "tags.parameters.a"),
        ("server.yaml", 2, "environment[0]"),
    ]
    assert ["“b”" in one.message for one in quotes] == [False, True, False]
    assert not any("4711" in one.message + one.hint or "ACCOUNT" in one.hint for one in quotes)


def test_cases_of_tests() -> None:
    """Their names are for people; their events are not."""
    made = container("destinations: {box: {type: box}}\ntags: [{name: A, destination: box, triggers: [all]}]\n")
    text = "- name: “a purchase”\n  event: {event: “purchase”}\n  expect: {send: [A]}\n"
    problems = Problems()
    (case,) = read_cases({"a.test.yaml": text.encode()}, made, problems)
    assert case.name == "“a purchase”"
    assert [(one.code, one.place.line) for one in problems.sorted()] == [("W309", 2)]
    assert not problems.fatal
