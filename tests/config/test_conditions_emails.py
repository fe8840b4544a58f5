"""E-mail addresses in conditions, on the form in which they are hashed; and `user_data.email_domain`."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import yaml

from tagserver.config.model import Container
from tagserver.config.privacy_lock import lock_of
from tagserver.config.triggers import CompiledTrigger
from tagserver.event.spelling import PERSON_SPELLINGS
from tagserver.expressions.scope import Scope
from tagserver.outgoing.field_filter import Reads
from tagserver.pipeline.route import Decision

from ..events import event
from .world import container, decide

HASH = hashlib.sha256(b"team@shop.example").hexdigest()
TEAM = " Team@Shop.Example\n"
OTHERS = [f"user_data.{name}" for name, place in PERSON_SPELLINGS.items() if place == ("email",)]


def trigger(left: str, condition: str, variables: str = "{}") -> CompiledTrigger:
    """A trigger with one condition, through the whole compiler."""
    made = container(
        f"destinations: {{box: {{type: box}}}}\nvariables: {variables}\n"
        f"triggers: {{it: {{when: {{{left}: {condition}}}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    ).triggers["it"]
    assert isinstance(made, CompiledTrigger)
    return made


HOLD = [
    "team@shop.example",
    "TEAM@shop.EXAMPLE",
    '" team@shop.example "',
    "[Other@shop.example, Team@shop.example]",
    "{one_of: ['{{ crm }}', x]}",
    "{equals: '{{ crm }}'}",
    "{contains: '@Shop'}",
    '{starts_with: " Team"}',
    '{ends_with: "@SHOP.example"}',
    '{matches: "^Team@shop[.]Example$"}',
    "{matches: '{{ pattern }}'}",
    "{not_equals: other@shop.example}",
    '{not_contains: "@other"}',
    '{not_matches: "^Other"}',
    "{ends_with: shop.example, ignore_case: true}",
    "{ends_with: shop.example, ignore_case: false}",
    "{exists: true}",
]
FAIL = [
    "team@shop.exampl",
    "[other@shop.example]",
    "{one_of: ['{{ nothing }}', x]}",
    "{equals: ''}",
    '{starts_with: "eam"}',
    '{ends_with: "@shop"}',
    '{matches: "^team$"}',
    "{not_equals: Team@shop.example}",
    '{not_contains: "@shop"}',
    '{not_matches: "TEAM"}',
    "{missing: true}",
    "{greater_than: 1}",
]


@pytest.mark.parametrize(("condition", "holds"), [*((one, True) for one in HOLD), *((one, False) for one in FAIL)])
@pytest.mark.parametrize("left", ["user_data.email", "user_data.em", "mail"])
def test_a_condition_compares_the_form_that_is_hashed(left: str, condition: str, holds: bool) -> None:
    """By each operator, on both sides; by the path in any spelling and by a variable that is this path."""
    made = trigger(left, condition, "{mail: {path: user_data.email_address}}")
    beside = {"crm": " TEAM@Shop.example", "pattern": "^TEAM@"}
    scope = Scope(event({"user_data": {"email": TEAM}, **beside}))
    assert made.holds(scope) is holds
    met, of = made.met(scope)
    assert (met == of) is holds
    assert "team" not in made.explain(scope).rpartition("is ")[2].lower()


@pytest.mark.parametrize("left", ["user_data.email", "email", *OTHERS])
@pytest.mark.parametrize("sent", [{"user_data": {"email": TEAM}}, {"user_data": {"em": TEAM}}, {"email": TEAM}])
def test_all_spellings(left: str, sent: dict[str, Any]) -> None:
    assert trigger(left, '"TEAM@shop.example"').holds(Scope(event(sent)))


@pytest.mark.parametrize(
    ("emails", "condition", "holds"),
    [
        (["a@b.example", TEAM], "team@shop.example", True),
        (["a@b.example", TEAM], "{not_equals: team@shop.example}", False),
        (["a@b.example", TEAM], "{not_equals: c@b.example}", True),
        (["a@b.example", TEAM], '{ends_with: "@b.example", starts_with: team}', True),
        (["a@b.example", TEAM], "{matches: ^Team}", True),
        (["a@b.example", TEAM], "[x, TEAM@shop.example]", True),
        (["a@b.example"], "{contains: shop}", False),
        (["a@b.example", 5, None, {}], "a@b.example", True),
        ([], "{contains: ''}", False),
        ([], "{not_contains: ''}", True),
        (None, "{not_equals: team@shop.example}", True),
        (HASH, HASH, True),
        (HASH.upper(), HASH, True),
        (HASH, "team@shop.example", False),
        ("no address", "No Address", True),
    ],
)
def test_several_addresses_hashes_and_what_is_none(emails: Any, condition: str, holds: bool) -> None:
    """One of several is enough. A hash is compared as it is: what was hashed nobody can tell."""
    made = trigger("user_data.email", condition)
    assert made.holds(Scope(event({"user_data": {"email": emails}}))) is holds


def test_one_of_several_by_its_number() -> None:
    scope = Scope(event({"user_data": {"email": ["a@b.example", TEAM]}}))
    assert trigger("user_data.email.1", "TEAM@shop.example").holds(scope)
    assert not trigger("user_data.email.0", "TEAM@shop.example").holds(scope)


def test_other_fields_are_compared_as_they_are_written() -> None:
    scope = Scope(event({"crm": {"email": "Team@shop.example"}, "user_data": {"external_id": "A-1"}}))
    assert not trigger("crm.email", "team@shop.example").holds(scope)
    assert not trigger("user_data.external_id", "a-1").holds(scope)


DOMAINS = [
    (TEAM, "shop.example"),
    ("a@B.example", "b.example"),
    (["a@b.example", TEAM], "b.example"),
    ([HASH, TEAM], "shop.example"),
    ([None, 5, "", TEAM], "shop.example"),
    (HASH, None),
    ("no address", None),
    ("a@b@c.example", None),
    ("undefined", None),
    ("a@" + "b" * 1000 + ".example", None),
    ([], None),
    (None, None),
    ({"a": 1}, None),
]


@pytest.mark.parametrize(("emails", "domain"), DOMAINS)
def test_the_domain_of_an_address(emails: Any, domain: str | None) -> None:
    """Of the first one in the clear."""
    assert event({"user_data": {"email": emails}}).get("user_data.email_domain") == domain


def test_conditions_variables_and_templates_read_it() -> None:
    variables = '{firm: {lookup: "{{ user_data.email_domain }}", table: {shop.example: own}, default: other}}'
    scope = Scope(event({"user_data": {"email": TEAM}}))
    assert trigger("user_data.email_domain", "shop.example").holds(scope)
    assert trigger("user_data.email_domain", "[a.example, shop.example]").holds(scope)
    assert trigger("firm", "own", variables).holds(scope)
    assert trigger("firm", "{equals: own}", variables).explain(scope) == (
        'firm equals "own", is a value of 3 characters'
    ), "what it is made of is personal"


def test_what_a_page_says_of_it_is_left_out_and_named() -> None:
    sent = event({"user_data": {"email": TEAM, "email_domain": "other.example"}})
    assert sent.get("user_data.email_domain") == "shop.example"
    assert sent.get("user_data") == {"email": TEAM.strip()}
    assert [(one.path, one.code) for one in sent.notes] == [("user_data.email_domain", "reserved")]


CONFIG: dict[str, Any] = {
    "destinations": {"box": {"type": "box"}, "ads": {"type": "ads"}},
    "tags": [
        {"name": name, "destination": name, "triggers": ["all"], "parameters": {"firm": "{{ user_data.email_domain }}"}}
        for name in ("box", "ads")
    ],
}


def made(**more: Any) -> Container:
    """Two tags that send the domain as a parameter."""
    return container(yaml.safe_dump(CONFIG | more))


def sent(decision: Decision) -> Any:
    """What is under the parameter."""
    assert decision.built is not None
    return decision.built.body.get("firm")


def test_it_leaves_under_the_consent_for_the_person_alone() -> None:
    pushed = {"user_data": {"email": TEAM}, "consent": dict.fromkeys(("ad_storage", "ad_user_data"), "granted")}
    assert [sent(one) for one in decide(made(), event(pushed)).values()] == ["shop.example"] * 2
    pushed["consent"] = {"ad_storage": "granted"}
    assert sent(decide(made(), event(pushed))["box"]) is None


@pytest.mark.parametrize("path", ["user_data", "user_data.email", "email"])
def test_it_is_gone_with_the_address(path: str) -> None:
    pushed = {"user_data": {"email": TEAM}, "consent": dict.fromkeys(("ad_storage", "ad_user_data"), "granted")}
    assert sent(decide(made(transformations={"t": {"exclude": [path]}}), event(pushed))["box"]) is None


def test_it_can_leave_without_the_address() -> None:
    change = {"exclude": ["user_data.email"], "set": {"firm": "{{ user_data.email_domain }}"}}
    pushed = {"user_data": {"email": TEAM}, "consent": dict.fromkeys(("ad_storage", "ad_user_data"), "granted")}
    tags = [{**CONFIG["tags"][0], "parameters": {"firm": "{{ firm }}", "mail": "{{ user_data.email }}"}}]
    built = decide(made(transformations={"t": change}, tags=tags), event(pushed))["box"].built
    assert built is not None
    assert built.body == {"event_id": "e-1", "firm": "shop.example"}


def test_the_privacy_lock_lists_it() -> None:
    """It is personal, and more than the hash of an address: it leaves in the clear."""
    only = made(destinations={"hook": {"type": "ads"}}, tags=[CONFIG["tags"][1] | {"destination": "hook"}])
    personal = only.tags[0].personal
    assert personal == {"user_data.email_domain"}
    assert any("*" in way.fields or "user_data.email_domain" in way.fields for way in lock_of(only).ways)


@pytest.mark.parametrize(
    ("reads", "domain", "data"),
    [
        (["user_data.email_domain"], "shop.example", {}),
        (["user_data.email"], "shop.example", {"email": TEAM.strip()}),
        (["user_data"], "shop.example", {"email": TEAM.strip()}),
        (["*"], "shop.example", {"email": TEAM.strip()}),
        (["user_data.phone_number"], None, {}),
        (["page"], None, None),
    ],
)
def test_a_destination_gets_it_by_asking_for_it_or_for_the_address(reads: list[str], domain: Any, data: Any) -> None:
    """It is in nobody's data: a sink that writes down what it sees writes no more than before."""
    view = Reads(reads).view(event({"user_data": {"email": TEAM}}))
    assert view.get("user_data.email_domain") == domain
    assert view.data.get("user_data") == data
