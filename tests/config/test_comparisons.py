"""Comparisons that never hold are named, with the fix; those that may hold are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tagserver.config.lint.comparisons import MOST_SHOWN, beginning_of, shape_of_path, shape_of_variable
from tagserver.config.lint.forms import OF_PATHS, PATH, Form, Part
from tagserver.config.yaml.problems import Place, Problem
from tagserver.config.yaml.source import Scalar
from tagserver.event.event import MISSING
from tagserver.event.ip_address import clean_ip, truncated_ip
from tagserver.event.values import js_number, js_text
from tagserver.expressions import derive
from tagserver.expressions.conditions import BadPattern, compile_pattern
from tagserver.expressions.networks import networks_of
from tagserver.inbound.clients.datalayer import read_event
from tests.fast_yaml import safe_load

from ..events import facts
from .world import load

GROUPS: list[dict[str, Any]] = safe_load((Path(__file__).parent / "comparisons.yaml").read_text("utf-8"))
ROWS = [row for group in GROUPS for row in group["rows"]]


def found(variables: str, when: str, more: str = "") -> list[Problem]:
    """What is said of a trigger's conditions, but for variables that nothing uses."""
    text = "destinations: {box: {type: box}}\n"
    text += f"variables: {variables}\n" if variables else ""
    text += f"triggers: {{it: {{when: {when}}}}}\n{more}"
    text += "tags: [{name: A, destination: box, triggers: [it]}]\n"
    return [one for one in load({"container.yaml": text}).problems if one.code != "W301"]


def name_of(row: dict[str, Any]) -> str:
    return f"{row['when']} {row.get('variables', '')}".strip()


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_row(row: dict[str, Any]) -> None:
    """One warning that says so, or none."""
    problems = found(row.get("variables", ""), row["when"])
    if "says" not in row:
        assert problems == []
        return
    (problem,) = problems
    assert (problem.code, problem.severity) == ("W312", "warning")
    assert row["says"] in problem.message
    assert row.get("fix", "") in problem.hint


def test_the_place_is_that_of_the_operand() -> None:
    """Of each one in a list."""
    problems = found("", "{ip: [198.51.100.4, 10.0.0.0/8, 192.168.*]}")
    assert [(one.place.line, one.place.column, one.place.length) for one in problems] == [(2, 43, 10), (2, 55, 9)]
    assert {one.path for one in problems} == {"triggers.it.when.ip"}


def test_a_list_that_is_wrong_throughout() -> None:
    """Is known by its beginning."""
    problems = found("", f"{{ip: [{', '.join(f'10.{number}.0.0/16' for number in range(200))}]}}")
    assert len(problems) == MOST_SHOWN
    assert "10.5.0.0/16, …]" in problems[0].hint


def test_conditions_of_transformations_count() -> None:
    """As those of triggers do."""
    more = "transformations: {t: {set: {a: b}, when: {page.path: kasse}}}\n"
    assert [one.path for one in found("", "{page.path: /a}", more)] == ["transformations.t.when.page.path"]


def test_what_a_person_is_called_is_not_repeated() -> None:
    (problem,) = found("", "{user_data.address.last_name: ' Kowalski'}")
    assert "Kowalski" not in problem.message + problem.hint


def test_what_the_environment_says_is_not_judged() -> None:
    """It is another on each server."""
    files = {
        "server.yaml": "environment: [ACCOUNT]\n",
        "container.yaml": "destinations: {box: {type: box}}\n"
        "triggers: {it: {when: {page.path: '${env:ACCOUNT}', value: {less_than: '${env:ACCOUNT}'}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n",
    }
    assert load(files).problems == ()


# ── what an event can hold is never called impossible ────────────────────────────────────────────────────────────────

HOSTS = some.sampled_from(
    [
        "shop.example",
        "WWW.Shop.Example",
        "localhost",
        "127.0.0.1",
        "[2001:DB8::1]",
        "müller.example",
        "a_b.example.",
        "ÄÖ",
    ]
)
ADDRESSES = some.builds(
    "{}://{}{}{}{}{}".format,
    some.sampled_from(["https", "HTTP", "app"]),
    HOSTS,
    some.sampled_from(["", ":8443"]),
    some.from_regex(r"(/[A-Za-z0-9ä%. _\-:;=&]{0,8}){0,3}", fullmatch=True),
    some.from_regex(r"(\?[a-z=&/+%][a-z=&/+%?]{0,8})?", fullmatch=True),
    some.from_regex(r"(#[a-z!/?=][a-z#/]{0,5})?", fullmatch=True),
)
IPS = some.ip_addresses().map(lambda ip: clean_ip(str(ip)))
EVENTS = some.builds(
    lambda location, name, items, ip, place: read_event(
        {
            "event": "e",
            "page": {"location": location},
            "user_data": {"name": name, "email": "Jo.Doe+x@Mail.Shop.example"},
            "ecommerce": {"items": items},
        },
        facts(ip=ip, country=place[0], region=place[1]),
    ),
    ADDRESSES,
    some.text(max_size=6),
    some.lists(some.just({"item_id": "a"}), max_size=3),
    IPS,
    some.sampled_from([("DE", "DE-BY"), ("US", "US-CA"), ("GB", None), (None, None)]),
)
PATHS = [*sorted(".".join(path) for path in OF_PATHS if path != ("page", "query")), "user_data.name", "email"]


def parts_of(text: str) -> Iterator[tuple[Part, str]]:
    """A text, how it begins and ends, and what it holds."""
    yield "whole", text
    for at in range(len(text) + 1):
        yield "start", text[:at]
        yield "end", text[at:]
        yield "inside", text[at : at + 3]


def sent_by_browsers(form: Form, text: str) -> str:
    """The text, but for what a browser would have encoded in a path: that is named on purpose."""
    return "".join(one for one in text if "!" <= one <= "~") if form.judge is PATH.judge else text


@given(made=EVENTS)
def test_what_an_event_holds_may_be_compared(made: Any) -> None:
    """With any part of it, in any case where that does not count."""
    for path in PATHS:
        form, value = shape_of_path(path).form, made.get(path, MISSING)
        if value is MISSING:
            continue
        for part, text in parts_of(sent_by_browsers(form, js_text(value))):
            assert form.fault(text, part) is None, (path, part, text)
            if form.case is not None and text.isascii():
                assert form.fault(text.swapcase(), part, ignore_case=True) is None, (path, part, text)
        number = js_number(value)
        assert form.numbers is None or number != number or number in form.numbers


KEYED = {
    "url": [{"part": one} for one in derive.URL_PARTS],
    "device": [{}],
    "truncate_ip": [{}],
    "hash": [{}],
    "random": [{}],
    "time": [{"as": one} for one in derive.TIMES],
}


def computed(kind: str, keys: dict[str, str], made: Any) -> Any:
    """What a variable of a kind gives for an event."""
    location = made.get("page.location")
    match kind:
        case "url":
            return derive.url_part(location, keys["part"])
        case "device":
            return derive.device_class(location)
        case "truncate_ip":
            return truncated_ip(made.get("ip"))
        case "hash":
            return derive.hashed(location, "exact")
        case "random":
            return derive.drawn(location, "x", 999)
    return derive.moment(made.time, keys["as"])


@given(made=EVENTS)
def test_what_a_variable_gives_may_be_compared(made: Any) -> None:
    """With any part of it."""
    for kind, keys in [(kind, keys) for kind, all_of in KEYED.items() for keys in all_of]:
        written = {name: Scalar(Place("", 1, 1), text, text) for name, text in {kind: "", **keys}.items()}
        form = shape_of_variable(kind, written, None).form
        value = computed(kind, keys, made)
        if value is not MISSING:
            text = sent_by_browsers(form, js_text(value))
            assert [one for one in parts_of(text) if form.fault(one[1], one[0])] == [], (kind, keys)


@given(some.ip_addresses(), some.integers(0, 32))
def test_a_network_is_found_however_it_is_written(ip: Any, length: int) -> None:
    """And an address alone is none."""
    assert networks_of(f"{ip}/{length}") != ()
    assert networks_of(str(ip)) == ()
    assert networks_of(f"{ip}-{ip}") == (f"{ip}/{ip.max_prefixlen}",)


LITERALS = some.lists(some.sampled_from(["a", "/", "-", r"\.", r"\?", r"\/", ":", "é"]), max_size=4).map("".join)
RESTS = some.sampled_from(["", ".*", "(b|c)", "[a|b]", "$", "x?", "x*", "x{0,2}", "x+", "(a", "|b", r"\d"])


@given(LITERALS, RESTS, some.text("a/-.?:éxbc1", max_size=8))
def test_whatever_fits_begins_so(literal: str, rest: str, text: str) -> None:
    """By the engine that decides."""
    pattern = f"^{literal}{rest}"
    try:
        matches = compile_pattern(pattern)
    except BadPattern:
        return
    plain = literal.replace("\\", "")
    for one in (text, plain, plain + text, plain[:-1] + text):
        assert not matches(one) or one.startswith(beginning_of(pattern))
    assert plain.startswith(beginning_of(pattern)) or beginning_of(pattern) == plain + "x"
    assert beginning_of(f"{literal}{rest}") == ""


@pytest.mark.parametrize("row", [row for row in ROWS if "{in: [" in row.get("fix", "")], ids=name_of)
def test_the_fix_for_networks_works(row: dict[str, Any]) -> None:
    """Written as the hint says, nothing is wrong any more."""
    (problem,) = found(row.get("variables", ""), row["when"])
    assert found(row.get("variables", ""), f"{{{problem.hint.removeprefix('write ')}}}") == []
