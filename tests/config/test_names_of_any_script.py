"""Names beyond ASCII are names: of variables, triggers, tags, destinations, paths, tables, cookies and keys of an
address; written with one sign or with two, they are the same."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
import yaml

from tagserver.config.lint.near_names import is_path
from tagserver.event.cookies import read_cookies
from tagserver.event.event import Event
from tagserver.expressions.scope import Scope

from ..events import event
from .world import codes, container, decide, load

NAMES = ["größe", "名前", "prix_ht€", "розмір", "גודל", "हिन्दी", "می‌خواهم", "naïve-é", "ñ.größe.0.名前", "e\u0301tat"]
T = {"name": "T", "destination": "box", "triggers": ["all"]}
FORMS: Any = pytest.mark.parametrize("form", ["NFC", "NFD"])


def nested(path: str, value: Any) -> dict[str, Any]:
    """An event's data with a value at a path."""
    for part in reversed(path.split(".")):
        value = [value] if part == "0" else {part: value}
    made: dict[str, Any] = value
    return made


def other(text: str, form: Any) -> str:
    """The text in another form."""
    return unicodedata.normalize(form, text)


@pytest.mark.parametrize("name", NAMES)
@FORMS
def test_a_path(name: str, form: str) -> None:
    """In a condition, between braces, in a variable, on its way out and not; in whatever form each of them is."""
    config = {
        "destinations": {"box": {"type": "box"}},
        "variables": {"v": {"path": other(name, form)}},
        "triggers": {"t": {"when": {other(name, form): "L", "v": "L"}}},
        "transformations": {
            "kept": {"set": {f"{name.split('.')[0]}_new": "{{ v }}"}},
            "lost": {"exclude": [other(name, form)], "tags": ["blind"]},
        },
        "tags": [
            {
                "name": one,
                "destination": "box",
                "triggers": ["t"],
                "event_name": one,
                "parameters": {"p": f"{{{{ {name} }}}}"},
            }
            for one in ("sees", "blind")
        ],
    }
    loaded = load({"container.yaml": yaml.safe_dump(config, allow_unicode=True)})
    assert loaded.container is not None, loaded.problems
    assert codes(loaded) == []
    for sent in ("NFC", "NFD"):
        found = decide(loaded.container, event(nested(other(name, sent), "L")))
        bodies = {tag: one.built.body for tag, one in found.items() if one.built is not None}
        assert bodies == {"sees": bodies["sees"], "blind": bodies["blind"]}
        assert (bodies["sees"].get("p"), bodies["blind"].get("p")) == ("L", None)


@FORMS
def test_names_of_our_own(form: str) -> None:
    """What is declared in one form is found by the other."""
    there, here = ("NFC", form)

    def n(text: str) -> str:
        return other(text, here)

    config = {
        "destinations": {other("süd", there): {"type": "box"}},
        "variables": {
            other("größe", there): {"lookup": "{{ size }}", "table": {other("groß", there): "L"}},
            "twice": {"template": "{{ " + n("größe") + " }}{{ " + n("größe") + " }}"},
        },
        "triggers": {other("käufe", there): {"event": other("käufe", there), "when": {n("größe"): "L"}}},
        "transformations": {"t": {"set": {"x": "{{ twice }}"}, "tags": [n("wärme")], "destinations": [n("süd")]}},
        "tags": [
            {
                "name": other("wärme", there),
                "destination": n("süd"),
                "triggers": [n("käufe")],
                "event_name": {n("käufe"): "Bought"},
                "parameters": {"x": "{{ x }}"},
            }
        ],
    }
    loaded = load({"container.yaml": yaml.safe_dump(config, allow_unicode=True)})
    assert loaded.container is not None, loaded.problems
    for sent in ("NFC", "NFD"):
        pushed = event({"event": other("käufe", sent), "size": other("groß", sent)})
        built = decide(loaded.container, pushed)[other("wärme", there)].built
        assert built is not None
        assert (built.name, built.body["x"]) == ("Bought", "LL")


@FORMS
def test_fields_of_items_and_of_values(form: str) -> None:
    """By which they are chosen, plucked, added up and renamed."""
    n = other("größe", form)
    variables: dict[str, Any] = {
        "pluck": {"items": "{{ items }}", "pluck": n},
        "where": {"items": "{{ items }}", "where": {n: 2}, "pluck": n},
        "sum": {"items": "{{ items }}", "sum": [n]},
        "fields": {"items": "{{ items }}", "fields": {"size": n}},
        "property": {"property": f"0.{n}", "of": "{{ items }}"},
        "url": {"url": "https://a.example/?gr%C3%B6%C3%9Fe=1", "key": n},
    }
    named = {one: f"{{{{ {one} }}}}" for one in variables}
    config = {
        "destinations": {"box": {"type": "box"}},
        "variables": variables,
        "tags": [T | {"parameters": named}],
    }
    made = container(yaml.safe_dump(config, allow_unicode=True))
    for sent in ("NFC", "NFD"):
        built = decide(made, event({"items": [{other("größe", sent): size} for size in (1, 2)]}))["T"].built
        assert built is not None
        assert {name: built.body[name] for name in variables} == {
            "pluck": [1, 2],
            "where": [2],
            "sum": 3,
            "fields": [{"size": 1}, {"size": 2}],
            "property": 1,
            "url": "1",
        }


def test_one_name_in_two_forms_stands_twice() -> None:
    names = [other("größe", form) for form in ("NFC", "NFD")]
    text = "variables:\n" + "".join(f"  {name}: {{constant: 1}}\n" for name in names) + "tags: []\n"
    assert "E102" in codes(load({"container.yaml": text}))


def _asked(path: str, pushed: Event) -> Any:
    text = {"variables": {"v": {"path": path}}, "tags": [], "triggers": {"t": {"when": {"v": {"exists": True}}}}}
    return container(yaml.safe_dump(text, allow_unicode=True)).variables["v"](Scope(pushed))


@FORMS
def test_a_key_of_the_address(form: str) -> None:
    """However the browser writes it."""
    for query in ("größe=L", "gr%C3%B6%C3%9Fe=L", "gro%CC%88%C3%9Fe=L"):
        pushed = event({"page": {"location": f"https://shop.example/?{query}&a=1"}})
        assert _asked(other("page.query.größe", form), pushed) == "L"
        clean = {"strip_query": [other("größe", form)]}
        made = container(
            yaml.safe_dump(
                {
                    "destinations": {"box": {"type": "box"}},
                    "transformations": {"t": clean},
                    "tags": [
                        {
                            "name": "T",
                            "destination": "box",
                            "triggers": ["all"],
                            "parameters": {"p": "{{ page.location }}"},
                        }
                    ],
                },
                allow_unicode=True,
            )
        )
        built = decide(made, pushed)["T"].built
        assert built is not None
        assert built.body["p"] == "https://shop.example/?a=1"


@FORMS
@pytest.mark.parametrize(
    "header", ["größe=L; b=1", "größe=L; b=1".encode().decode("latin-1"), "b=1; gr%C3%B6%C3%9Fe=L"]
)
def test_a_cookie(form: str, header: str) -> None:
    """A browser sends UTF-8, or what a library has encoded; what is excluded is so in each form."""
    assert _asked(other("cookie.größe", form), event(cookies=read_cookies(header))) == "L"
    made = container(
        yaml.safe_dump(
            {
                "destinations": {"box": {"type": "box"}},
                "transformations": {"t": {"exclude": [other("cookie.größe", form)]}},
                "tags": [T],
            },
            allow_unicode=True,
        )
    )
    seen = made.tags[0].transformations[0].apply(Scope(event(cookies=read_cookies(header)))).event
    assert dict(seen.cookies) == {"b": "1"}


def test_names_of_cookies_that_are_ascii_stay_as_they_are() -> None:
    assert read_cookies("a%20b=1; a%3D=2; x=%C3%B6") == {"a%20b": "1", "a%3D": "2", "x": "ö"}


@pytest.mark.parametrize(
    "text",
    [
        "page type",
        "größe klein",
        "größe.",
        ".größe",
        "größe..a",
        "1ö",
        "größe|upper",
        "a{b",
        "ö'",
        "€preis",
        "größe/2",
        "💶",
    ],
)
def test_what_is_no_path(text: str) -> None:
    """A name with a blank or a sign in it can be a variable's alone."""
    assert not is_path(text)


def test_a_misspelt_name_is_still_said() -> None:
    text = """
destinations: {box: {type: box}}
variables: {größe: {constant: L}}
tags: [{name: T, destination: box, triggers: [all], parameters: {a: "{{ größe }}", b: "{{ größen }}"}}]
"""
    assert codes(load({"container.yaml": text})) == ["W304"]
