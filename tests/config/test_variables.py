"""Variables: every kind, its default, the type it keeps; and how they refer to each other."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.event.event import MISSING
from tagserver.event.spelling import KNOWN_ROOTS
from tagserver.expressions.scope import Scope

from ..events import event
from .world import codes, container, load

PUSHED: dict[str, Any] = {
    "event": "purchase",
    "page": {"location": "https://www.shop.example/cart?utm_source=mail&empty=&two=1&two=2", "title": "Cart"},
    "user_data": {"email": "erika@example.com"},
    "ecommerce": {"value": 59.9, "currency": "EUR", "items": [{"item_id": "SKU-1", "price": 9}]},
    "own": {"text": "a", "empty": "", "null": None, "zero": 0, "no": False, "list": [1, 2], "deep": {"x": {"y": 1}}},
    "top": "t",
}
KNOWN: dict[str, Any] = {
    "headers": {"x-name": "header value", "accept": ""},
    "cookies": {"_ga": "GA1", "dotted.name": "d"},
    "ip": "198.51.100.7",
}


def resolve(variables: str, name: str = "v", pushed: dict[str, Any] | None = None) -> object:
    """The value of a variable for the usual event."""
    made = container(
        "destinations: {box: {type: box}}\n"
        f"variables: {variables}\n"
        "tags: [{name: A, destination: box, triggers: [all], parameters: {v: '{{ v }}'}}]\n"
    )
    return made.variables[name](Scope(event(PUSHED if pushed is None else pushed, **KNOWN)))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("{path: own.text}", "a"),
        ("{path: own.zero}", 0),
        ("{path: own.no}", False),
        ("{path: own.list}", [1, 2]),
        ("{path: own.deep}", {"x": {"y": 1}}),
        ("{path: own.deep.x.y}", 1),
        ("{path: own.list.1}", 2),
        ("{path: own.list.7}", MISSING),
        ("{path: own.text.x}", MISSING),
        ("{path: own.null}", None),
        ("{path: own.empty}", ""),
        ("{path: nothing}", MISSING),
        ("{path: top}", "t"),
        ("{path: ecommerce.value}", 59.9),
        ("{path: value}", 59.9),
        ("{path: items.0.item_id}", "SKU-1"),
        ("{path: page_title}", "Cart"),
        ("{path: page.query.two}", "1"),
        ("{path: event}", "purchase"),
        ("{path: event_name}", "purchase"),
        ("{path: ip}", "198.51.100.7"),
        ("{constant: x}", "x"),
        ("{constant: 012}", 12),
        ('{constant: "012"}', "012"),
        ("{constant: 0o17}", 15),
        ("{constant: 0x1F}", 31),
        ("{constant: 1.5}", 1.5),
        ("{constant: 1e3}", 1000.0),
        ("{constant: 12345678901234567890}", 12345678901234567890),
        ("{constant: true}", True),
        ("{constant: no}", "no"),
        ("{constant: 12:30}", "12:30"),
        ("{constant: 2026-01-01}", "2026-01-01"),
        ("{constant: 1_000}", "1_000"),
        ("{constant: null}", None),
        ("{constant: }", None),
        ('{constant: ""}', ""),
        ("{constant: [1, a]}", [1, "a"]),
        ("{constant: {a: 1}}", {"a": 1}),
        ("{header: X-Name}", "header value"),
        ("{header: x-name}", "header value"),
        ("{header: accept}", ""),
        ("{header: nothing}", MISSING),
        ("{cookie: _ga}", "GA1"),
        ("{cookie: _GA}", MISSING),
        ("{cookie: dotted.name}", "d"),
        ("{cookie: nothing}", MISSING),
        ("{query: utm_source}", "mail"),
        ("{query: empty}", ""),
        ("{query: two}", "1"),
        ("{query: nothing}", MISSING),
        ('{template: "{{ own.text }}-{{ top }}"}', "a-t"),
        ('{template: "{{ own.list }}"}', [1, 2]),
        ("{template: text}", "text"),
        ("{template: 012}", "012"),
        ('{template: ""}', ""),
        ('{lookup: "{{ page.path }}", table: {/: home, /cart: cart}}', "cart"),
        ('{lookup: "{{ page.path }}", table: {/: home}}', MISSING),
        ('{lookup: "{{ page.path }}", table: {/CART: cart}}', MISSING),
        ('{lookup: "{{ own.zero }}", table: {0: none, 1: one}}', "none"),
        ('{lookup: "{{ own.no }}", table: {false: off}}', "off"),
        ('{lookup: "{{ own.no }}", table: {no: off}}', MISSING),
        ('{lookup: "{{ nothing }}", table: {undefined: gone}}', "gone"),
        ('{lookup: "{{ own.empty }}", table: {"": blank}}', "blank"),
        ('{lookup: "{{ own.list }}", table: {"1,2": both}}', "both"),
        ('{lookup: "{{ page.path }}", table: {/cart: 12}}', 12),
        ('{lookup: "{{ page.path }}", table: {/cart: [1, 2]}}', [1, 2]),
        ('{lookup: "{{ page.path }}", table: {/cart: "{{ ecommerce.value }}"}}', 59.9),
        ('{lookup: "{{ page.path }}", table: {/cart: "is {{ ecommerce.value }}"}}', "is 59.9"),
        ('{lookup: "{{ page.path }}", table: {/cart: "{{ nothing }}"}}', MISSING),
        ("{lookup: x, table: {x: 1}}", 1),
        ('{lookup: "{{ page.path }}", table: {}}', MISSING),
    ],
)
def test_kind(variable: str, value: object) -> None:
    """What each kind gives, with the type of what it found."""
    found = resolve(f"{{v: {variable}}}")
    assert found == value
    assert type(found) is type(value)


KINDS = {
    "path": ("{{path: own.{}}}", ["text", "empty", "null", "zero", "no"]),
    "header": ("{{header: {}}}", ["x-name", "accept"]),
    "cookie": ("{{cookie: {}}}", ["_ga"]),
    "query": ("{{query: {}}}", ["utm_source", "empty"]),
    "template": ('{{template: "{{{{ own.{} }}}}"}}', ["text", "empty", "null", "zero"]),
    "lookup": ('{{lookup: "{}", table: {{a: 1, b: "", c: 0, d: null}}}}', ["a", "b", "c", "d"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_default_fills_an_absent_value_only(kind: str) -> None:
    """As in GTM: null, empty text, zero and false are values."""
    written, present = KINDS[kind]
    for name in present:
        plain = written.format(name)
        with_default = f"{plain[:-1]}, default: D}}"
        value = resolve(f"{{v: {plain}}}")
        assert value is not MISSING
        assert resolve(f"{{v: {with_default}}}") == value
    absent = written.format("not_there_at_all")
    assert resolve(f"{{v: {absent}}}") is MISSING
    assert resolve(f"{{v: {absent[:-1]}, default: D}}}}") == "D"


@pytest.mark.parametrize(
    ("default", "value"),
    [
        ("0", 0),
        ('"0"', "0"),
        ("false", False),
        ('""', ""),
        ("null", None),
        ("[1]", [1]),
        ("{a: 1}", {"a": 1}),
        ('"{{ top }}"', "t"),
        ('"{{ ecommerce.value }}"', 59.9),
        ('"{{ nothing.too }}"', MISSING),
        ('"x{{ nothing.too }}"', "x"),
        ('"{{ other }}"', "from another"),
    ],
)
def test_default_may_be_anything(default: str, value: object) -> None:
    """A value of any type, or a reference."""
    found = resolve(f"{{v: {{path: nothing, default: {default}}}, other: {{constant: from another}}}}")
    assert found == value
    assert type(found) is type(value)


def test_a_template_of_nothing_is_empty_and_takes_no_default() -> None:
    """A joined text is always there."""
    assert resolve('{v: {template: "a{{ nothing }}", default: D}}') == "a"


def test_variables_refer_to_each_other_in_any_order() -> None:
    """One may stand below its use; each is worked out once for an event."""
    chain = '{v: {template: "{{ b }}"}, b: {lookup: "{{ c }}", table: {t: "{{ d }}"}}, c: {path: top}, d: {path: own}}'
    assert resolve(chain) == PUSHED["own"]


def test_a_variable_is_worked_out_once_for_an_event() -> None:
    """Fifty references, one evaluation: values stand in the scope."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "variables: {a: {path: top}, v: {template: '{{ a }}{{ a }}'}}\n"
        "tags: [{name: A, destination: box, triggers: [all], parameters: {v: '{{ v }}', w: '{{ v }}'}}]\n"
    )
    scope = Scope(event(PUSHED))
    assert made.tags[0].parameters(scope) == {"v": "tt", "w": "tt"}
    assert scope.values == {"a": "t", "v": "tt"}


def test_events_do_not_share_values() -> None:
    """The next event starts from nothing."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "variables: {v: {path: top}}\n"
        "tags: [{name: A, destination: box, triggers: [all], parameters: {v: '{{ v }}'}}]\n"
    )
    seen = [made.tags[0].parameters(Scope(event({"top": number}))) for number in range(3)]
    assert seen == [{"v": 0}, {"v": 1}, {"v": 2}]


@pytest.mark.parametrize(
    ("variables", "circle"),
    [
        ('{v: {template: "{{ v }}"}}', "v → v"),
        ('{v: {path: x, default: "{{ v }}"}}', "v → v"),
        ('{v: {lookup: "{{ v }}", table: {a: b}}}', "v → v"),
        ('{v: {lookup: a, table: {a: "{{ v }}"}}}', "v → v"),
        ('{v: {template: "{{ w }}"}, w: {template: "{{ v }}"}}', "v → w → v"),
        ('{v: {template: "{{ w }}"}, w: {template: "{{ x }}"}, x: {template: "{{ w }}"}}', "w → x → w"),
    ],
)
def test_circles(variables: str, circle: str) -> None:
    """A circle is a problem that names its way round."""
    loaded = load({"container.yaml": f"variables: {variables}\n"})
    messages = [problem.message for problem in loaded.problems if problem.code == "E122"]
    assert messages == [f"variables need each other in a circle: {circle}"]
    assert loaded.container is None


def test_a_diamond_is_no_circle() -> None:
    """Two ways to the same variable are fine."""
    diamond = '{v: {template: "{{ a }}{{ b }}"}, a: {template: "{{ c }}1"}, b: {template: "{{ c }}2"}, c: {path: top}}'
    assert resolve(diamond) == "t1t2"


@pytest.mark.parametrize("root", sorted(KNOWN_ROOTS))
def test_a_variable_may_not_be_named_like_a_root(root: str) -> None:
    """Else the same word would mean two things."""
    assert "E123" in codes(load({"container.yaml": f"variables: {{{root}: {{constant: 1}}}}\n"}))


@pytest.mark.parametrize("name", ["page type", "Ärger", "a-b", "my.var", "1", "true", "no", "x", "page_type", "a  b"])
def test_names(name: str) -> None:
    """Any other name is taken, with spaces and all, and read before a path of the same spelling."""
    made = container(
        "destinations: {box: {type: box}}\n"
        f"variables: {{{name}: {{constant: found}}}}\n"
        f"triggers: {{it: {{when: {{{name}: found}}}}}}\n"
        f"tags: [{{name: A, destination: box, triggers: [it], parameters: {{v: '{{{{ {name} }}}}'}}}}]\n"
    )
    scope = Scope(event({"x": "path"}))
    assert made.triggers["it"].holds(scope)
    assert made.tags[0].parameters(scope) == {"v": "found"}


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("{}", "E113"),
        ("{default: 1}", "E113"),
        ("{path: a, constant: b}", "E113"),
        ("x", "E111"),
        ("[a]", "E111"),
        ("", "E111"),
        ("{pth: a}", "E113"),
        ("{path: a, defalt: b}", "E110"),
        ("{path: a, table: {}}", "E110"),
        ("{path: [a]}", "E111"),
        ("{path: }", "E111"),
        ("{header: {a: b}}", "E111"),
        ('{template: "{{ nothing named so }}"}', "E112"),
        ('{template: "{{ a | lower }}"}', "E121"),
        ('{template: "{{"}', "E121"),
        ('{lookup: "{{ page.path }}"}', "E113"),
        ('{lookup: "{{ page.path }}", table: [a]}', "E111"),
        ('{lookup: "{{ page.path }}", table: {a: 1, a: 2}}', "E102"),
        ('{lookup: "{{ page.path }}", table: {a: "{{ no one }}"}}', "E112"),
        ('{path: a, default: "{{ no one }}"}', "E112"),
    ],
)
def test_problems(variable: str, code: str) -> None:
    """What is no variable is a problem."""
    tags = "tags: [{name: A, destination: box, triggers: [all], parameters: {v: '{{ v }}'}}]\n"
    loaded = load({"container.yaml": f"destinations: {{box: {{type: box}}}}\nvariables: {{v: {variable}}}\n{tags}"})
    assert code in codes(loaded)
    assert loaded.container is None
