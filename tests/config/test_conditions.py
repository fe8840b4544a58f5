"""The meaning of every operator of `when`, row by row from operators.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tagserver.config.triggers import CompiledTrigger
from tagserver.expressions.conditions import OPERATORS
from tagserver.expressions.scope import Scope
from tagserver.inbound.clients.datalayer import read_event
from tests.fast_yaml import safe_load

from ..events import event, facts
from .world import codes, container, load

GROUPS: list[dict[str, Any]] = safe_load((Path(__file__).parent / "operators.yaml").read_text("utf-8"))
ROWS = [row for group in GROUPS for row in group["rows"]]
ABSENT = "ABSENT"
BESIDE = {"event": "purchase", "event_id": "e-1", "other": "b+", "number": 10, "broken": "("}


def compiled(when: str) -> CompiledTrigger:
    """A trigger with one `when`, through the whole compiler."""
    made = container(
        "destinations: {box: {type: box}}\n"
        f"triggers: {{it: {{when: {when}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    trigger = made.triggers["it"]
    assert isinstance(trigger, CompiledTrigger)
    return trigger


def scope(value: object) -> Scope:
    """An event as it arrives, from JSON."""
    raw = BESIDE if value == ABSENT else BESIDE | {"thing": value}
    return Scope(read_event(msgspec.json.decode(msgspec.json.encode(raw)), facts()))


def rows() -> Iterator[Any]:
    for row in ROWS:
        for verdict in ("holds", "fails"):
            for value in row[verdict]:
                yield pytest.param(row["when"], value, verdict == "holds", id=f"{value!r} {verdict} {row['when']}")


@pytest.mark.parametrize(("when", "value", "holds"), list(rows()))
def test_row(when: str, value: object, holds: bool) -> None:
    """The condition holds for the value, or it does not."""
    trigger = compiled(f"{{thing: {when}}}")
    here = scope(value)
    assert trigger.holds(here) is holds
    # What is shown to people is decided by the same condition.
    met, of = trigger.met(here)
    assert (met == of) is holds
    assert trigger.explain(here)


def test_every_operator_has_rows() -> None:
    """Each with values for which it holds and for which it does not."""
    for operator in OPERATORS:
        about = [row for row in ROWS if f"{operator}:" in row["when"].replace(f"not_{operator}:", "")]
        assert any(row["holds"] for row in about), operator
        assert any(row["fails"] for row in about), operator


@pytest.mark.parametrize("operator", ["equals", "contains", "matches"])
@pytest.mark.parametrize("value", [ABSENT, None, "", "a", "A", 0, 1.5, True, [], [1, 2], {}, "x\ny", "😀"])
@pytest.mark.parametrize("operand", ['""', "a", "undefined", "1", '"."'])
@pytest.mark.parametrize("ignore_case", ["true", "false"])
def test_negation_is_the_plain_opposite(operator: str, value: object, operand: str, ignore_case: str) -> None:
    """For every value, the missing one too."""
    here = scope(value)
    positive = compiled(f"{{thing: {{{operator}: {operand}, ignore_case: {ignore_case}}}}}")
    negative = compiled(f"{{thing: {{not_{operator}: {operand}, ignore_case: {ignore_case}}}}}")
    assert positive.holds(here) is not negative.holds(here)


@pytest.mark.parametrize(
    ("when", "thing", "other", "holds"),
    [
        ("{thing: a, second: b}", "a", "b", True),
        ("{thing: a, second: b}", "a", "c", False),
        ("[{thing: a}, {second: b}]", "a", "b", True),
        ("[{thing: a}, {second: b}]", "c", "b", False),
        ("[{thing: {greater_than: 1}}, {thing: {less_than: 5}}]", 3, "", True),
        ("[{thing: {greater_than: 1}}, {thing: {less_than: 5}}]", 7, "", False),
        ("{any: [{thing: a}, {second: b}]}", "a", "x", True),
        ("{any: [{thing: a}, {second: b}]}", "x", "b", True),
        ("{any: [{thing: a}, {second: b}]}", "x", "x", False),
        ("{any: [{thing: a, second: b}]}", "a", "x", False),
        ("{any: [{thing: a, second: b}, {thing: c}]}", "a", "b", True),
        ("{any: [{thing: a}], second: b}", "a", "x", False),
        ("{any: [{thing: a}], second: b}", "a", "b", True),
        ("[{any: [{thing: a}, {thing: b}]}, {any: [{second: a}, {second: b}]}]", "a", "b", True),
        ("[{any: [{thing: a}, {thing: b}]}, {any: [{second: a}, {second: b}]}]", "a", "c", False),
        ("{any: [{any: [{thing: a}]}, {second: b}]}", "a", "x", True),
        ("{any: [{any: [{thing: a}]}, {second: b}]}", "x", "x", False),
    ],
)
def test_and_or(when: str, thing: object, other: str, holds: bool) -> None:
    """A map and a list of maps are "and"; `any` is "or"."""
    trigger = compiled(when)
    here = Scope(event({"thing": thing, "second": other}))
    assert trigger.holds(here) is holds
    met, of = trigger.met(here)
    assert (met == of) is holds


@pytest.mark.parametrize(
    ("path", "when", "user_data"),
    [
        ("user_data.email", '{ends_with: "@shop.example", ignore_case: true}', {"email": " Team@Shop.Example "}),
        ("user_data.email", "team@shop.example", {"email": "team@shop.example\n"}),
        ("user_data.email", "team@shop.example", {"email_address": "\u00a0team@shop.example"}),
        ("user_data.email.1", "team@shop.example", {"email": ["a@b.example", "\tteam@shop.example"]}),
        ("user_data.address.city", '{matches: "^Berlin$"}', {"address": {"city": " Berlin "}}),
        ("user_data.address.city", "{one_of: [Wien, Berlin]}", {"address": [{"city": "Berlin "}]}),
        ("user_data.phone_number", '{starts_with: "+49"}', {"phone_number": " +49 30 1234567"}),
    ],
)
def test_blanks_around_a_persons_data_do_not_count(path: str, when: str, user_data: dict[str, Any]) -> None:
    """What is hashed is trimmed first: the shop's own people are told by the address that the vendors would get."""
    assert compiled(f"{{{path}: {when}}}").holds(Scope(event({"user_data": user_data})))


@pytest.mark.parametrize(
    ("spelling", "pushed"),
    [
        ("page_location", {"page": {"location": "https://a.example/x"}}),
        ("page.location", {"page_location": "https://a.example/x"}),
        ("ecommerce.value", {"value": 5}),
        ("value", {"ecommerce": {"value": 5}}),
        ("currency", {"ecommerce": {"currency": "EUR"}}),
        ("transaction_id", {"ecommerce": {"transaction_id": "T"}}),
        ("event_name", {}),
        ("event", {}),
        ("user_data.email_address", {"user_data": {"email": "a@example.com"}}),
        ("user_data.email", {"user_data": {"email_address": "a@example.com"}}),
    ],
)
def test_all_spellings_read_the_same_value(spelling: str, pushed: dict[str, Any]) -> None:
    """On the left of a condition and between braces."""
    assert compiled(f"{{{spelling}: {{exists: true}}}}").holds(Scope(event(pushed)))
    assert compiled(f'{{{spelling}: "{{{{ {spelling} }}}}"}}').holds(Scope(event(pushed)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("page.host", "www.shop.example"),
        ("page.path", "/A/b%20c"),
        ("page.query.q", "two words"),
        ("page.query.empty", ""),
        ("page.hash", "part"),
        ("cookie._ga", "GA1.1"),
        ("cookie.a.b", "dotted"),
        ("header.x-name", "1"),
        ("header.X-Name", "1"),
        ("geo.country", "DE"),
        ("ip", "198.51.100.7"),
        ("user_agent", "Agent"),
        ("source", "browser"),
        ("client", "datalayer"),
        ("click.fbclid", "IwAbC"),
        ("list.1.name", "second"),
    ],
)
def test_derived_paths(path: str, value: str) -> None:
    """What the server works out can be asked for like anything that was sent."""
    location = "HTTPS://WWW.Shop.Example:8443/A/b%20c?q=two+words&empty=&q=last&fbclid=IwAbC#part"
    pushed = {"page": {"location": location}, "list": [{"name": "first"}, {"name": "second"}]}
    known: dict[str, Any] = {
        "cookies": {"_ga": "GA1.1", "a.b": "dotted"},
        "headers": {"x-name": "1"},
        "country": "DE",
        "ip": "198.51.100.7",
        "user_agent": "Agent",
    }
    here = Scope(event(pushed, **known))
    assert compiled(f'{{{path}: {{equals: "{value}"}}}}').holds(here)
    assert not compiled(f'{{{path}: {{not_equals: "{value}"}}}}').holds(here)


def test_path_without_a_path_is_a_slash() -> None:
    """A page's address without a path is its root."""
    assert compiled("{page.path: /}").holds(Scope(event({"page": {"location": "https://shop.example"}})))


@pytest.mark.parametrize("when", ["exists", "missing"])
def test_a_word_that_could_be_an_operator(when: str) -> None:
    """`path: exists` is asked back; spelt out it is the text."""
    text = "destinations: {{box: {{type: box}}}}\ntriggers: {{it: {{when: {{thing: {}}}}}}}\n"
    assert "E115" in codes(load({"container.yaml": text.format(when) + "tags: []\n"}))
    assert compiled(f"{{thing: {{equals: {when}}}}}").holds(scope(when))
    assert compiled(f"{{thing: [{when}]}}").holds(scope(when))


def test_a_slow_pattern_is_not_slow() -> None:
    """RE2 is linear: what stops other engines for years takes no time here."""
    trigger = compiled('{thing: {matches: "^(a+)+$"}}')
    assert not trigger.holds(scope("a" * 200_000 + "b"))
    assert compiled('{thing: {matches: "^(a|a)*$"}}').holds(scope("a" * 200_000))


@pytest.mark.parametrize(
    "text", ["9" * 250_000 + "x", "1." + "9" * 250_000 + "x", "." * 250_000, "1e" + "9" * 250_000 + "x"]
)
def test_a_long_text_that_is_no_number_costs_what_its_length_costs(text: str) -> None:
    """Once each digit was tried as the last one, again and again."""
    assert not compiled("{thing: {greater_than: 5}}").holds(scope(text))
    assert not compiled('{thing: {less_than: "{{ other }}"}}').holds(scope(text))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^a.*b$", "a" + "x" * 5000 + "b", True),
        ("(?i)größe", "GRÖSSE größe", True),
        ("^\\w+$", "abc_1", True),
        ("[^/]+$", "/a/b", True),
        ("a" * 64, "a" * 64, True),
        ("a" * 65, "a" * 65, False),
        ("\\pL{1000}", "a" * 1000, False),
        ("[\\x{0}-\\x{10FFFF}]", "a", False),
        ("[ä-ü]", "ö", False),
        ("(((a{10}){10}){10})", "a" * 200_000, False),
        ("a", "\ud83d a", False),
    ],
)
def test_a_pattern_that_an_event_brings_is_bounded(pattern: str, text: str, matches: bool) -> None:
    """The sender of both decides what it costs: what is long, costly to read or too much work matches nothing."""
    here = Scope(event({"thing": text, "other": pattern}))
    assert compiled('{thing: {matches: "{{ other }}"}}').holds(here) is matches
    assert compiled('{thing: {not_matches: "{{ other }}"}}').holds(here) is not matches
