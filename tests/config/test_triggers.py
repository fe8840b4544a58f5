"""Triggers: which events, under which conditions; exceptions; `all`; and what is explained."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.model import NAMES_REMEMBERED
from tagserver.expressions.scope import Scope
from tagserver.pipeline.route import route

from ..events import event
from .world import codes, container, decide, load


def wants(pattern: str, name: str) -> bool:
    """Whether a trigger with this `event:` fires for an event of this name; live, as a tag sees it."""
    made = container(
        "destinations: {box: {type: box}}\n"
        f"triggers: {{it: {{event: {pattern}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    decision = decide(made, event({"event": name}))["A"]
    assert decision.reason == ("fired" if decision.decision == "send" else "no_trigger")
    return decision.decision == "send"


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        ("purchase", ["purchase"], ["Purchase", "purchases", "repurchase", "refund"]),
        ('"gtm.js"', ["gtm.js"], ["gtmxjs", "gtm.jsx"]),
        ("view_*", ["view_item", "view_", "view_item_list"], ["view", "preview_item", "View_item"]),
        ('"*_item"', ["view_item", "_item"], ["item", "view_items"]),
        ('"*cart*"', ["add_to_cart", "cart", "view_cart_2"], ["card"]),
        ('"a*c"', ["ac", "abc", "a*c"], ["ab", "xac", "acx"]),
        ('"*"', ["anything", "ä"], []),
        ('"**"', ["anything"], []),
        ('"a.b*"', ["a.b", "a.bc"], ["axb"]),
        ('"a(*"', ["a(b"], ["ab"]),
        ("/purchase/", ["purchase", "repurchase", "purchases"], ["Purchase"]),
        ("/^purchase$/", ["purchase"], ["purchases", "repurchase", "purchase\n"]),
        ("/(?i)^purchase$/", ["purchase", "PURCHASE"], ["purchases"]),
        ("/^(purchase|refund)$/", ["purchase", "refund"], ["purchase_refund"]),
        ('"/a/b/"', ["a/b", "xa/by"], ["ab"]),
        ("[purchase, refund]", ["purchase", "refund"], ["lead"]),
        ("[purchase, view_*, /^add_/]", ["purchase", "view_item", "add_to_cart"], ["re_add_", "preview_x"]),
        ("[purchase, purchase]", ["purchase"], ["refund"]),
        ("no", ["no"], ["false"]),
        ("on", ["on"], ["true"]),
        ("404", ["404"], ["0404"]),
        ("012", ["012"], ["12", "10"]),
        ("true", ["true"], ["True"]),
        ("2026-01-01", ["2026-01-01"], ["2026"]),
        ('"/"', ["/"], ["a", "//"]),
        ("ünïcode*", ["ünïcode_x"], ["unicode"]),
    ],
)
def test_event(pattern: str, names: list[str], others: list[str]) -> None:
    """A name, a wildcard, a regular expression, or a list of them; names as they were written."""
    assert [name for name in names if not wants(pattern, name)] == []
    assert [name for name in others if wants(pattern, name)] == []


PLAIN = st.text(st.characters(exclude_characters="*/", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(PLAIN, PLAIN)
def test_a_name_means_itself_alone(name: str, other: str) -> None:
    """Whatever characters it has: none is special but the star and the slash."""
    written = f'"{"".join(f"{chr(92)}U{ord(one):08x}" for one in name)}"'
    files = f"destinations: {{box: {{type: box}}}}\ntriggers: {{it: {{event: {written}}}}}\n"
    made = container(files + "tags: [{name: A, destination: box, triggers: [it]}]\n")
    assert made.triggers["it"].wants(name)
    assert made.triggers["it"].wants(other) == (name == other)


ABSENT = object()
BOTH = """
destinations: {box: {type: box}}
triggers:
  buy: {event: purchase, when: {thing: {greater_than: 5}}}
  big: {event: purchase, when: {thing: {greater_than: 100}}}
  staging: {when: {page.host: {starts_with: staging}}}
  refund: {event: refund}
tags:
  - {name: any of these, destination: box, triggers: [refund, buy], event_name: one}
  - {name: all, destination: box, triggers: [all], event_name: two}
  - {name: all but staging, destination: box, triggers: [all], exceptions: [staging], event_name: three}
  - {name: two exceptions, destination: box, triggers: [buy], exceptions: [refund, big], event_name: four}
  - {name: never, destination: box, triggers: [all], exceptions: [all], event_name: five}
"""


@pytest.mark.parametrize(
    ("name", "thing", "host", "fired"),
    [
        ("purchase", 6, "shop", {"any of these", "all", "all but staging", "two exceptions"}),
        ("purchase", 6, "staging", {"any of these", "all", "two exceptions"}),
        ("purchase", 200, "shop", {"any of these", "all", "all but staging"}),
        ("purchase", 5, "shop", {"all", "all but staging"}),
        ("refund", 0, "shop", {"any of these", "all", "all but staging"}),
        ("scroll", 6, "shop", {"all", "all but staging"}),
        ("scroll", 6, "staging", {"all"}),
    ],
)
def test_any_trigger_and_no_exception(name: str, thing: int, host: str, fired: set[str]) -> None:
    """One matching trigger is enough, one matching exception is too much; each asked about this very event."""
    decisions = decide(
        container(BOTH), event({"event": name, "thing": thing, "page": {"location": f"https://{host}.example/"}})
    )
    assert {tag for tag, decision in decisions.items() if decision.decision == "send"} == fired
    assert decisions["never"].reason == "exception"
    assert list(decisions) == ["any of these", "all", "all but staging", "two exceptions", "never"]


def test_an_exception_for_another_event_does_not_block() -> None:
    """As in GTM: an exception must match the same event."""
    made = container(BOTH)
    assert decide(made, event({"event": "purchase", "thing": 6}))["two exceptions"].decision == "send"


def test_two_triggers_at_once_fire_the_tag_once() -> None:
    """Once for each event."""
    made = container(BOTH)
    decisions = decide(made, event({"event": "purchase", "thing": 200}))
    assert [tag for tag in decisions if tag == "any of these"] == ["any of these"]


NOT = [
    ("{not: {thing: 1}}", [2, None, ABSENT], [1, "1"]),
    ("{not: {thing: {greater_than: 1, less_than: 5}}}", [0, 9, ABSENT], [2]),
    ("{not: [{thing: {greater_than: 1}}, {thing: {less_than: 5}}]}", [0, 9, ABSENT], [2]),
    ("{not: {any: [{thing: 1}, {thing: 2}]}}", [3, ABSENT], [1, 2]),
    ("{not: {not: {thing: 1}}}", [1], [2, ABSENT]),
    ("{not: {thing: {exists: true}}}", [None, ABSENT], [0, ""]),
    ("{any: [{not: {thing: 1}}, {event: lead}]}", [2], [1]),
    ("{not: {thing: 1}, event: purchase}", [2], [1]),
    ("[{not: {thing: 1}}, {not: {thing: 2}}]", [3, ABSENT], [1, 2]),
]


@pytest.mark.parametrize(("when", "holds", "fails"), NOT, ids=[row[0] for row in NOT])
def test_not_is_the_opposite_of_what_stands_in_it(when: str, holds: list[Any], fails: list[Any]) -> None:
    made = container(
        f"destinations: {{box: {{type: box}}}}\ntriggers: {{it: {{when: {when}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    for thing in (*holds, *fails):
        here = event({} if thing is ABSENT else {"thing": thing})
        decision = decide(made, here)["A"]
        assert (decision.reason == "fired") == any(thing is one for one in holds), thing


def test_thousands_of_names_of_strangers() -> None:
    """Names that nobody configured are decided rightly and remembered only up to a bound."""
    made = container(BOTH)
    for number in range(NAMES_REMEMBERED + 500):
        assert {candidate.tag.name for candidate in made.candidates(f"name-{number}")} == {
            "all",
            "all but staging",
            "never",
        }
    assert len(made._candidates) == NAMES_REMEMBERED
    assert decide(made, event({"event": "purchase", "thing": 6}))["any of these"].decision == "send"


@pytest.mark.parametrize(
    ("trigger", "code"),
    [
        ("{}", "E113"),
        ("{event: []}", "E113"),
        ("{event: {a: b}}", "E111"),
        ("{event: [[a]]}", "E111"),
        ("{event: }", "E111"),
        ("{event: [a, ]}", None),
        ("{event: a, when: }", "E111"),
        ("{event: a, when: [{}]}", "E113"),
        ("{event: a, when: x}", "E111"),
        ("{event: a, when: [x]}", "E111"),
        ("{event: a, when: {any: {}}}", "E111"),
        ("{event: a, when: {any: []}}", "E113"),
        ("{event: a, when: {any: [{}]}}", "E113"),
        ("{event: a, when: {any: [{thing: 1}, {}]}}", "E113"),
        ("{event: a, when: {not: {}}}", "E113"),
        ("{event: a, when: {not: []}}", "E113"),
        ("{event: a, when: {not: x}}", "E111"),
        ("{event: a, when: {not: {thing: {eqals: 1}}}}", "E110"),
        ("{event: a, when: {thing: {}}}", "E113"),
        ("{event: a, when: {thing: {equals: }}}", "E111"),
        ("{event: a, when: {thing: {equals: [1]}}}", "E111"),
        ("{event: a, when: {thing: {equals: {a: 1}}}}", "E111"),
        ("{event: a, when: {thing: {one_of: a}}}", "E111"),
        ("{event: a, when: {thing: {exists: 1}}}", "E111"),
        ("{event: a, when: {thing: {exists: yes}}}", "E111"),
        ("{event: a, when: {thing: {equals: a, ignore_case: 1}}}", "E111"),
        ("{event: a, when: {thing: {Equals: a}}}", "E110"),
        ("{event: a, whem: {thing: 1}}", "E110"),
        ("{event: '/(/'}", "E120"),
        ("{event: '/a(?<=b)/'}", "E120"),
        ("{event: '/a/g'}", "E120"),
        ("{event: a, when: {thing: {matches: '(?!a)'}}}", "E120"),
        ("{event: a, when: {thing: {matches: '(a)\\1'}}}", "E120"),
        ("{event: a, when: {thing: {matches: 'a{1001}'}}}", "E120"),
        ("{event: a, when: {thing: '{{ '}}", "E121"),
        ("{event: a, when: {thing: '{{ a | b }}'}}", "E121"),
        ("{event: a, when: {thing: '{{ no such }}'}}", "E112"),
        ("{event: a, when: {'a b': 1}}", "E112"),
        ("{event: a, when: {a..b: 1}}", "E112"),
        ("{event: a, when: {.a: 1}}", "E112"),
        ("x", "E111"),
        ("[a]", "E111"),
        ("", "E113"),
    ],
)
def test_problems(trigger: str, code: str | None) -> None:
    """What is no trigger is a problem, and never an exception that nobody expects."""
    loaded = load(
        {
            "container.yaml": "destinations: {box: {type: box}}\n"
            f"triggers: {{it: {trigger}}}\n"
            "tags: [{name: A, destination: box, triggers: [it]}]\n"
        }
    )
    assert codes(loaded) == [] if code is None else code in codes(loaded)
    assert (loaded.container is None) == (code is not None)


def test_holds_and_met_agree() -> None:
    """The quick test and the one for people are the same test."""
    made = container(BOTH)
    for name in ("purchase", "refund", "x"):
        for thing in (None, 0, 6, 200, "text"):
            here = Scope(event({"event": name, "thing": thing}))
            for trigger in made.triggers.values():
                met, of = trigger.met(here)
                assert (met == of) == (trigger.wants(name) and trigger.holds(here))


def test_a_choice_goes_only_to_who_asks_for_it_by_name() -> None:
    """The page's script sends it for the server, and no tag for all events wants that."""
    made = container(
        """
destinations: {box: {type: box}}
triggers: {choice: {event: consent}, some: {event: [consent, page_view]}}
tags:
  - {name: every, destination: box, triggers: [all], parameters: {event_name: every}}
  - {name: named, destination: box, triggers: [choice], parameters: {event_name: named}}
  - {name: among, destination: box, triggers: [all, some], parameters: {event_name: among}}
"""
    )
    decisions = route(made, event({"event": "consent"})).decisions
    assert {one.tag.name: (one.decision, one.reason) for one in decisions} == {
        "every": ("block", "consent"),
        "named": ("send", "fired"),
        "among": ("send", "fired"),
    }
    others = route(made, event({"event": "page_view"})).decisions
    assert {one.tag.name: one.decision for one in others} == {"every": "send", "among": "send"}
