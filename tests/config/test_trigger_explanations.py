"""What is said of a trigger: the name or the condition that decided, with both operands and nothing personal."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.expressions.scope import Scope

from ..events import event
from .test_triggers import BOTH
from .world import container, decide


@pytest.mark.parametrize(
    ("pushed", "detail"),
    [
        ({"event": "purchase", "page": {"location": "https://a.example/thanks"}}, "thing greater_than 5, is missing"),
        ({"event": "purchase"}, "thing greater_than 5, is missing"),
        ({"event": "purchase", "thing": None}, "thing greater_than 5, is null"),
        ({"event": "purchase", "thing": 5}, "thing greater_than 5, is 5"),
        ({"event": "purchase", "thing": "5"}, 'thing greater_than 5, is "5"'),
        ({"event": "purchase", "thing": 9}, 'page.path equals "/thanks", is missing'),
        (
            {"event": "purchase", "thing": 9, "page": {"location": "https://a.example/thank-you"}},
            'page.path equals "/thanks", is "/thank-you"',
        ),
        ({"event": "purchase", "thing": "x" * 500}, f'thing greater_than 5, is "{"x" * 79}…"'),
    ],
)
def test_the_nearest_condition_is_explained(pushed: dict[str, Any], detail: str) -> None:
    """The condition that decided, with both operands."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "triggers:\n"
        "  far: {event: other, when: {thing: 1, page.path: /x}}\n"
        "  buy: {event: purchase, when: {thing: {greater_than: 5}, page.path: /thanks}}\n"
        "tags: [{name: A, destination: box, triggers: [far, buy]}]\n"
    )
    decision = decide(made, event(pushed))["A"]
    assert (decision.decision, decision.reason, decision.consent) == ("skip", "no_trigger", None)
    assert decision.detail == f"buy: {detail}"


@pytest.mark.parametrize(
    "path",
    [
        *("user_data.email", "user_data.email_address", "user_data.address.city", "user_id", "client_id", "ip"),
        *("cookie._fbp", "header.authorization", "user_agent", "mail of visitor", "a cookie", "a header"),
    ],
)
def test_personal_values_are_not_shown(path: str) -> None:
    """An explanation names the field; the person's value stays out of it."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "variables:\n"
        "  mail of visitor: {path: user_data.email}\n"
        "  a cookie: {cookie: _fbp}\n"
        "  a header: {header: authorization}\n"
        f"triggers: {{it: {{when: {{{path}: nobody}}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    mine = "erika-private"
    pushed = {"user_data": {"email": mine, "address": {"city": mine}}, "user_id": mine, "client_id": mine}
    known: dict[str, Any] = {
        "cookies": {"_fbp": mine},
        "headers": {"authorization": mine},
        "ip": mine,
        "user_agent": mine,
    }
    detail = decide(made, event(pushed, **known))["A"].detail
    assert mine not in detail
    assert detail == f'it: {path} equals "nobody", is a value of {len(mine)} characters'


def test_a_name_that_fits_nothing_is_explained() -> None:
    """With all the names of the trigger, as they were written."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "triggers: {it: {event: [purchase, view_*, /^add/]}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    detail = decide(made, event({"event": "refund"}))["A"].detail
    assert detail == 'it: event equals "purchase" or "view_*" or "/^add/", is "refund"'


def test_any_explains_all_its_groups() -> None:
    """No group held; each says why."""
    made = container(
        "destinations: {box: {type: box}}\n"
        "triggers: {it: {when: {any: [{thing: a}, {second: b, third: c}]}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    assert decide(made, event({"second": "b"}))["A"].detail == (
        'it: none of: thing equals "a", is missing; third equals "c", is missing'
    )


def test_not_is_explained_by_what_holds() -> None:
    made = container(
        "destinations: {box: {type: box}}\n"
        "triggers: {it: {when: {not: {thing: a, second: {missing: true}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    )
    said = 'it: not: thing equals "a", is "a" and second missing, is missing'
    assert decide(made, event({"thing": "a"}))["A"].detail == said
    trigger = made.triggers["it"]
    assert trigger.explain(Scope(event({"thing": "b"}))) == 'not: thing equals "a", is "b"'


def test_exception_is_named_and_explained() -> None:
    """Which exception, and which of its conditions."""
    decision = decide(container(BOTH), event({"event": "purchase", "thing": 200}))["two exceptions"]
    assert (decision.decision, decision.reason) == ("skip", "exception")
    assert decision.detail == "big: thing greater_than 100, is 200"
