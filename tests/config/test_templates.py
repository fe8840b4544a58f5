"""`{{ }}` in parameters and event names: types, joining, what is left out, two braces."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.expressions.scope import Scope
from tagserver.expressions.templates import BadTemplate, Reference, compile_template, is_template, parse_template

from ..events import event
from .world import codes, container, decide, load

PUSHED: dict[str, Any] = {
    "text": "a",
    "empty": "",
    "null": None,
    "zero": 0,
    "one": 1.0,
    "half": 1.5,
    "yes": True,
    "list": [1, None, "b"],
    "map": {"a": [{"b": 1}]},
    "big": 12345678901234567890,
}


def parameters(written: str, pushed: dict[str, Any] | None = None) -> dict[str, Any]:
    """The parameters of a tag for the usual event."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "variables: {named so: {path: text}, obj: {path: map}}\n"
        f"tags: [{{name: A, destination: box, triggers: [all], parameters: {written}}}]\n"
    )
    return made.tags[0].parameters(Scope(event(PUSHED if pushed is None else pushed)))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{{ text }}", "a"),
        ("{{text}}", "a"),
        ("{{   text   }}", "a"),
        ("  {{ text }}  ", "a"),
        ("{{ named so }}", "a"),
        ("{{ zero }}", 0),
        ("{{ one }}", 1.0),
        ("{{ yes }}", True),
        ("{{ null }}", None),
        ("{{ empty }}", ""),
        ("{{ list }}", [1, None, "b"]),
        ("{{ map }}", {"a": [{"b": 1}]}),
        ("{{ obj }}", {"a": [{"b": 1}]}),
        ("{{ map.a.0.b }}", 1),
        ("{{ big }}", 12345678901234567890),
        ("x{{ text }}", "xa"),
        ("{{ text }}{{ text }}", "aa"),
        ("{{ text }} {{ text }}", "a a"),
        (" x {{ text }} ", " x a "),
        ("{{ zero }}-{{ one }}-{{ half }}-{{ yes }}", "0-1-1.5-true"),
        ("[{{ null }}|{{ empty }}|{{ nothing.there }}]", "[||]"),
        ("{{ list }}!", "1,,b!"),
        ("{{ map }}!", "[object Object]!"),
        ("{{ big }}!", "12345678901234567890!"),
        ("{{ nothing.there }}{{ nothing.there }}", ""),
        ("plain", "plain"),
        ("", ""),
        ("a } b }} c { d", "a } b }} c { d"),
        ("{ {text} }", "{ {text} }"),
        (r"\{{ text }}", "{{ text }}"),
        (r"\{{ {{ text }} }}", "{{ a }}"),
        (r"\\{{ text }}", r"\{{ text }}"),
    ],
)
def test_text(written: str, value: object) -> None:
    """A lone reference keeps its type; in a longer text values join as a browser would join them."""
    quoted = written.replace("'", "''")
    found = parameters(f"{{v: '{quoted}'}}")["v"]
    assert found == value
    assert type(found) is type(value)


def test_what_is_missing_is_left_out() -> None:
    """Of maps and lists alike, at any depth; null stays."""
    written = "{a: '{{ no.x }}', b: {c: '{{ no.x }}', d: 1}, e: ['{{ no.x }}', 2, '{{ null }}'], f: '{{ null }}'}"
    assert parameters(written) == {"b": {"d": 1}, "e": [2, None], "f": None}


def test_values_without_braces_keep_their_type() -> None:
    """By YAML 1.2's core rules."""
    assert parameters("{a: 1, b: 1.5, c: true, d: null, e: no, f: 012, g: '1', h: [1, [x]], i: {j: {}}}") == {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "no",
        "f": 12,
        "g": "1",
        "h": [1, ["x"]],
        "i": {"j": {}},
    }


def test_each_event_gets_values_of_its_own() -> None:
    """A plugin that changes what it is given changes no later event."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "tags: [{name: A, destination: box, triggers: [all], parameters: {a: {b: [1]}, c: '{{ text }}'}}]\n"
    )
    first = made.tags[0].parameters(Scope(event(PUSHED)))
    first["a"]["b"].append(2)
    first["c"] = "changed"
    assert made.tags[0].parameters(Scope(event(PUSHED))) == {"a": {"b": [1]}, "c": "a"}


@pytest.mark.parametrize(
    ("written", "name"),
    [("Buy", "Buy"), ('"{{ text }}"', "a"), ('"x {{ text }}"', "x a"), ("404", "404"), ("{refund: Back}", "purchase")],
)
def test_event_name(written: str, name: str) -> None:
    """`event_name` names the vendor's event; what a table does not name has the destination's own name."""
    made = container(
        "destinations: {box: {type: box}}\n"
        f"tags: [{{name: A, destination: box, triggers: [all], event_name: {written}}}]\n"
    )
    decision = decide(made, event(PUSHED))["A"]
    assert decision.built is not None
    assert decision.built.name == name
    assert msgspec.json.decode(decision.body)


@pytest.mark.parametrize(
    ("written", "pushed"),
    [
        ('"{{ kind }}"', {}),
        ('"{{ kind }}"', {"kind": None}),
        ('"{{ kind }}"', {"kind": ""}),
        ('"{{ kind }}"', {"kind": "  "}),
        ('"{{ kind }}"', {"kind": True}),
        ('"{{ kind }}"', {"kind": ["Lead"]}),
        ('"{{ kind }}"', {"kind": {"name": "Lead"}}),
        ('"{{ kind }}"', {"kind": "Lead \ud83d"}),
        ('"{{ kind }}{{ part }}"', {}),
        ('"{{ step }}"', {}),
        ('"{{ step }}"', {"customer": "old"}),
        ('"${env:UNSET}"', {}),
    ],
)
@pytest.mark.parametrize("tag", ["event_name: {}", "event_name: {{purchase: {}}}", "parameters: {{event_name: {}}}"])
def test_a_name_that_has_no_value_is_no_event(tag: str, written: str, pushed: dict[str, Any]) -> None:
    """The destination's own name in its place would be a second purchase. As a parameter it means the same."""
    made = load(
        {
            "server.yaml": "environment: [UNSET]\n",
            "container.yaml": "destinations: {box: {type: box}}\n"
            'variables: {step: {lookup: "{{ customer }}", table: {new: Subscribe}}}\n'
            'triggers: {never: {when: {step: "-"}}}\n'
            f"tags: [{{name: A, destination: box, triggers: [all], {tag.format(written)}}}]\n",
        }
    ).container
    assert made is not None
    decision = decide(made, event(pushed))["A"]
    assert (decision.decision, decision.reason) == ("skip", "variable")
    assert "event_name" in decision.detail


@pytest.mark.parametrize("written", ['""', '" "', '{purchase: ""}'])
def test_a_name_that_is_empty_is_a_problem(written: str) -> None:
    text = f"tags: [{{name: A, destination: box, triggers: [all], event_name: {written}}}]\n"
    assert "E113" in codes(load({"container.yaml": "destinations: {box: {type: box}}\n" + text}))


def test_parse() -> None:
    """Pieces, with the place of each reference."""
    assert parse_template("a {{ b }}c{{d}}") == ["a ", Reference("b", 2), "c", Reference("d", 10)]
    assert parse_template("") == [""]
    assert parse_template("{{ a\n b }}") == [Reference("a\n b", 0)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{{", "no"),
        ("a {{ b", "no"),
        ("{{ a }} {{", "no"),
        ("{{}}", "nothing stands"),
        ("{{   }}", "nothing stands"),
        ("{{ a | b }}", "filters"),
        ("{{ a||b }}", "filters"),
    ],
)
def test_bad(written: str, said: str) -> None:
    """Each with what to do about it."""
    with pytest.raises(BadTemplate, match=said) as bad:
        parse_template(written)
    assert bad.value.hint


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """And a text without braces means itself."""
    try:
        pieces = parse_template(text)
    except BadTemplate:
        assert is_template(text)
        return
    if not is_template(text):
        assert pieces == [text]


@given(st.text(max_size=40).filter(lambda text: not text.endswith("\\")), st.text(max_size=40))
def test_escaped_braces_come_out_as_two_braces(before: str, after: str) -> None:
    r"""`\{{` anywhere, with nothing else in the text that looks like braces."""
    before, after = before.replace("{", "("), after.replace("{", "(")
    text = before + r"\{{" + after
    assert compile_template(text, lambda reference: pytest.fail(f"{reference} is no reference")) == (
        before + "{{" + after
    )
