"""What a tag sees instead of the event: allowed, excluded, renamed, set, cleaned; for whom and when."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.model import Container
from tagserver.event.event import Event
from tagserver.expressions.scope import Scope

from ..events import event
from ..inbound.test_datalayer import JSON
from .world import codes, decide, load

FIRST, LAST = {"item_id": "1", "price": 5}, {"item_id": "2"}
PUSHED: dict[str, Any] = {
    "page": {
        "location": "https://shop.example/a?email=x%40y&q=1&E-Mail=z#top",
        "referrer": "https://o.example/?email=x",
    },
    "user_data": {"email": "a@b.example", "address": {"city": "Berlin", "postal_code": "10115"}},
    "ecommerce": {"value": 5, "items": [FIRST, 7, LAST]},
    "loyalty": {"level": 3},
    "tiers": ["a", "b"],
}


def container(transformations: dict[str, Any], tags: list[str] | None = None) -> Container:
    """Two tags at two destinations that see their events through these."""
    named = [{"name": one, "destination": one, "triggers": ["all"]} for one in tags or ["box", "other"]]
    parts = {
        "destinations": {"box": {"type": "box"}, "other": {"type": "box"}},
        "transformations": transformations,
        "variables": {"double": {"template": "{{ loyalty.level }}{{ loyalty.level }}"}},
        "triggers": {"unused": {"when": {"double": "x"}}},
        "tags": named,
    }
    loaded = load({"container.yaml": yaml.safe_dump(parts, sort_keys=False)})
    assert loaded.container is not None, loaded.problems
    return loaded.container


def seen(transformation: dict[str, Any], tag: str = "box", pushed: dict[str, Any] | None = None) -> Event:
    """The event as a tag sees it."""
    made = container({"t": transformation}).tag(tag)
    assert made is not None
    scope = Scope(event(PUSHED if pushed is None else pushed, ip="198.51.100.77"))
    for one in made.transformations:
        scope = one.apply(scope)
    return scope.event


@pytest.mark.parametrize(
    ("transformation", "path", "value"),
    [
        ({"allow": ["loyalty"]}, "loyalty.level", 3),
        ({"allow": ["loyalty"]}, "user_data.email", None),
        ({"allow": ["value"]}, "ecommerce.value", 5),
        ({"allow": ["value"]}, "ecommerce.items", None),
        ({"exclude": ["user_data.address"]}, "user_data.address", None),
        ({"exclude": ["user_data.address"]}, "user_data.email", "a@b.example"),
        ({"exclude": ["items.price"]}, "ecommerce.items.0", {"item_id": "1"}),
        ({"exclude": ["nothing.there"]}, "loyalty.level", 3),
        ({"rename": {"loyalty.level": "tier"}}, "tier", 3),
        ({"rename": {"loyalty.level": "tier"}}, "loyalty.level", None),
        ({"set": {"tier.name": "gold", "value": "{{ loyalty.level }}"}}, "tier.name", "gold"),
        ({"set": {"tier.name": "gold", "value": "{{ loyalty.level }}"}}, "ecommerce.value", 3),
        ({"set": {"tier": "{{ double }}"}}, "tier", "33"),
        ({"set": {"tier": "{{ nothing }}"}}, "tier", None),
        ({"set": {"loyalty.level.deep": 1}}, "loyalty.level.deep", 1),
        ({"set": {"items.0.item_id": "tee_{{ items.0.item_id }}"}}, "items", [{"item_id": "tee_1", "price": 5}, LAST]),
        ({"set": {"ecommerce.items.1.item_name": "mug"}}, "items", [FIRST, LAST | {"item_name": "mug"}]),
        ({"set": {"items.1.size.eu": 42}}, "items", [FIRST, LAST | {"size": {"eu": 42}}]),
        ({"set": {"items.1": "{{ loyalty }}"}}, "items", [FIRST, {"level": 3}]),
        ({"set": {"items.2.item_name": "mug"}}, "items", [FIRST, LAST]),
        ({"set": {"items.99999999999.price": 1}}, "items", [FIRST, LAST]),
        ({"set": {"items.currency": "EUR"}}, "items", [FIRST | {"currency": "EUR"}, LAST | {"currency": "EUR"}]),
        ({"set": {"tiers.1.name": "gold"}}, "tiers", ["a", {"name": "gold"}]),
        ({"set": {"levels.2": "gold"}}, "levels", {"2": "gold"}),
        ({"rename": {"items.0.item_id": "first"}}, "first", "1"),
        ({"rename": {"items.0.item_id": "items.0.sku"}}, "items", [{"price": 5, "sku": "1"}, LAST]),
        ({"rename": {"items.0": "first"}}, "items", [LAST]),
        ({"rename": {"loyalty.level": "items.1.level"}}, "items", [FIRST, LAST | {"level": 3}]),
        ({"exclude": ["items.0.price"]}, "items", [{"item_id": "1"}, LAST]),
        ({"exclude": ["items.1"]}, "items", [FIRST]),
        ({"exclude": ["items.2", "items.7.price"]}, "items", [FIRST, LAST]),
        ({"exclude": ["items.item_id"]}, "items", [{"price": 5}, {}]),
        ({"exclude": ["tiers.1"]}, "tiers", ["a"]),
        ({"allow": ["items.item_id"]}, "items", [{"item_id": "1"}, {"item_id": "2"}]),
        ({"allow": ["items.item_id"]}, "ecommerce.value", None),
        ({"allow": ["items.item_id", "value"]}, "ecommerce.value", 5),
        ({"allow": ["items.price"]}, "items", [{"price": 5}]),
        ({"allow": ["items.price", "items.item_id"]}, "items", [FIRST, LAST]),
        ({"allow": ["items.1"]}, "items", [LAST]),
        ({"allow": ["items.0.price", "items.item_id"]}, "items", [FIRST, LAST]),
        ({"allow": ["items.0.price"]}, "items", [{"price": 5}]),
        ({"allow": ["items.0", "items.0.price"]}, "items", [FIRST]),
        ({"allow": ["items.7", "items.colour"]}, "items", None),
        ({"allow": ["tiers.1"]}, "tiers", ["b"]),
        ({"allow": ["tiers.name", "loyalty.level.deep"]}, "tiers", None),
        ({"rename": {"items.item_id": "items.sku"}}, "items", [{"price": 5, "sku": "1"}, {"sku": "2"}]),
        ({"rename": {"items.price": "items.cost.net"}}, "items", [{"item_id": "1", "cost": {"net": 5}}, LAST]),
        ({"rename": {"items.price": "items.item_id"}}, "items", [{"item_id": 5}, LAST]),
        ({"rename": {"loyalty.level": "items.level"}}, "items", [FIRST | {"level": 3}, LAST | {"level": 3}]),
        ({"rename": {"tiers.0.a": "tiers.0.b"}}, "tiers", ["a", "b"]),
        ({"strip_query": ["email", "e-mail"]}, "page.location", "https://shop.example/a?q=1#top"),
        ({"strip_query": ["email"]}, "page.referrer", "https://o.example/"),
        ({"truncate_ip": True}, "ip", "198.51.100.0"),
        ({"exclude": ["loyalty"], "set": {"loyalty": "new"}}, "loyalty", "new"),
        ({"items": {"fields": {"sku": "item_id", "none": "x"}}}, "ecommerce.items", [{"sku": "1"}, {"sku": "2"}]),
        ({"items": {"where": {"item_id": ["3", "4"]}}}, "ecommerce.items", []),
        ({"items": {"where": {"price": 5}}}, "items", [{"item_id": "1", "price": 5}]),
        ({"rename": {"loyalty": "items"}, "items": {"fields": {"a": "b"}}}, "ecommerce.items", {"level": 3}),
        ({"redact": True}, "page.location", "https://shop.example/a?q=1"),
        ({"redact": True}, "user_data.email", "a@b.example"),
        ({"redact": False}, "page.referrer", "https://o.example/?email=x"),
    ],
)
def test_one_step(transformation: dict[str, Any], path: str, value: Any) -> None:
    assert seen(transformation).get(path) == value


@pytest.mark.parametrize(
    ("transformation", "left"),
    [
        ({"rename": {"o.lines.sku": "o.lines.id"}}, [{"lines": [{"id": 1}, {"id": 2}]}, {"lines": "none"}]),
        (
            {"rename": {"o.0.lines.sku": "o.0.lines.id"}},
            [{"lines": [{"id": 1}, {"id": 2}]}, {"lines": "none"}],
        ),
        (
            {"rename": {"o.lines.1": "o.last"}},
            [{"lines": [{"sku": 1}], "last": {"sku": 2}}, {"lines": "none"}],
        ),
        ({"set": {"o.lines.sku": 7}}, [{"lines": [{"sku": 7}, {"sku": 7}]}, {"lines": {"sku": 7}}]),
        ({"exclude": ["o.lines.sku"]}, [{"lines": [{}, {}]}, {"lines": "none"}]),
        ({"allow": ["o.lines.0"]}, [{"lines": [{"sku": 1}]}]),
    ],
)
def test_lists_within_lists(transformation: dict[str, Any], left: Any) -> None:
    """A name means each element at every depth."""
    pushed = {"o": [{"lines": [{"sku": 1}, {"sku": 2}]}, {"lines": "none"}]}
    assert seen(transformation, pushed=pushed).get("o") == left


@pytest.mark.parametrize("items", [None, "none", {"a": 1}])
@pytest.mark.parametrize(
    "change", [{"set": {"items.0.item_id": "x"}}, {"rename": {"loyalty.level": "items.0.item_id"}}]
)
def test_an_item_that_is_not_there_is_not_made(items: Any, change: dict[str, Any]) -> None:
    """A map in the place of the list would be no items; what was to be moved stays."""
    pushed = {"loyalty": {"level": 3}, "ecommerce": {"value": 5, "items": items}}
    assert seen(change, pushed=pushed).data == event(pushed).data


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to erika.muster+x@mail.b.example, please", "write to [e-mail], please"),
        ("erika%40b.example", "[e-mail]"),
        ("call +49 (30) 123-4567 now", "call [phone] now"),
        ("0049301234567", "[phone]"),
        ("%2B49301234567", "[phone]"),
        ("order 2026-11-27, 4006381333931, 59.90 EUR, 1+1", "order 2026-11-27, 4006381333931, 59.90 EUR, 1+1"),
        ("@home me@ 3@4", "@home me@ 3@4"),
        ("", ""),
    ],
)
def test_a_redaction_takes_out_what_leads_to_people(text: str, left: str) -> None:
    """Wherever a text stands, also in lists and the names of items; numbers of orders and products stay."""
    pushed = {"search": text, "deep": {"list": [text, 5, None]}, "ecommerce": {"items": [{"item_name": text}]}}
    found = seen({"redact": True}, pushed=pushed)
    assert found.get("search") == left
    assert found.get("deep.list") == [left, 5, None]
    assert found.get("items.0.item_name") == left


def test_a_redaction_cleans_addresses() -> None:
    pushed = {"page": {"location": "https://a.example/x@b.example/?Email=q&ok=1", "referrer": "no address x@b.example"}}
    found = seen({"redact": True}, pushed=pushed)
    assert found.get("page.location") == "https://a.example/%5Bredacted:email%5D/?ok=1"
    assert found.get("page.referrer") == "no address [e-mail]"


DUPLICATES = {"t": {"block_duplicates": "30d", "when": {"ecommerce.value": {"greater_than": 0}}, "tags": ["box"]}}


@pytest.mark.parametrize(
    ("pushed", "key"),
    [
        ({"transaction_id": "T-1", "value": 5}, "purchase\0T-1"),
        ({"event": "refund", "transaction_id": "T-1", "value": 5}, "refund\0T-1"),
        ({"transaction_id": 17, "value": 5}, "purchase\x0017"),
        ({"transaction_id": "T-1", "value": 0}, None),
        ({"transaction_id": "", "value": 5}, None),
        ({"value": 5}, None),
    ],
)
def test_duplicate_transactions_are_known_by_name_and_id(pushed: dict[str, Any], key: str | None) -> None:
    box, other = container(DUPLICATES).tags
    assert other.limits.once is None
    once = box.limits.once
    assert once is not None
    assert once.within == 30 * 86400.0
    assert once.text(Scope(event(pushed))) == key


def test_a_tags_own_once_per_goes_first() -> None:
    text = """
destinations: {box: {type: box}}
transformations: {t: {block_duplicates: 1d}}
tags: [{name: T, destination: box, triggers: [all], once_per: {key: "{{ client_id }}", within: 2h}}]
"""
    loaded = load({"container.yaml": text})
    assert loaded.container is not None, loaded.problems
    once = loaded.container.tags[0].limits.once
    assert once is not None
    assert once.within == 7200.0


def test_all_tags_but_some() -> None:
    made = container({"t": {"exclude": ["loyalty"], "except_tags": ["box"]}})
    assert [len(tag.transformations) for tag in made.tags] == [0, 1]


FACTS: dict[str, Any] = {
    "ip": "198.51.100.77",
    "user_agent": "agent",
    "cookies": {"_fbp": "fb", "other.one": "o"},
    "headers": {"x-a": "1", "referer": "r"},
    "country": "DE",
    "region": "DE-BE",
}


def test_they_run_in_the_order_of_the_file() -> None:
    made = container({"one": {"rename": {"loyalty": "a"}}, "two": {"rename": {"a": "b"}}}).tag("box")
    assert made is not None
    scope = Scope(event(PUSHED))
    for one in made.transformations:
        scope = one.apply(scope)
    assert scope.event.get("b.level") == 3


def test_parameters_see_what_the_tag_sees_and_triggers_do_not() -> None:
    text = """
destinations: {box: {type: box}}
transformations: {t: {set: {loyalty: gold}}}
triggers: {silver: {when: {loyalty: silver}}}
tags: [{name: T, destination: box, triggers: [silver], parameters: {tier: "{{ loyalty }}"}}]
"""
    loaded = load({"container.yaml": text})
    assert loaded.container is not None, loaded.problems
    built = decide(loaded.container, event({"loyalty": "silver"}))["T"].built
    assert built is not None
    assert built.body["tier"] == "gold"


@pytest.mark.parametrize(
    ("transformation", "code"),
    [
        ("{}", "E113"),
        ("{tags: [box]}", "E113"),
        ("{exclud: [a]}", "E110"),
        ("{exclude: {a: 1}}", "E111"),
        ("{exclude: [event_id]}", "E123"),
        ("{set: {event: x}}", "E123"),
        ("{rename: {timestamp: t}}", "E123"),
        ("{rename: {t: event_id}}", "E123"),
        ("{exclude: [a], tags: [bocks]}", "E112"),
        ("{exclude: [a], destinations: [bocks]}", "E112"),
        ("{exclude: [a], when: {}}", "E113"),
        ("{truncate_ip: maybe}", "E111"),
        ("{redact: maybe}", "E111"),
        ("{items: {}}", "E113"),
        ("{items: {pluck: a}}", "E110"),
        ("{items: [a]}", "E111"),
        ("{items: {fields: {a: [1]}}}", "E111"),
        ("{block_duplicates: soon}", "E115"),
        ("{set: {ip: 1.2.3.4}}", "E123"),
        ("{rename: {cookie._ga: ga}}", "E123"),
        ("{rename: {a: header.x}}", "E123"),
        ("{exclude: [page.query.email]}", "E123"),
        ("{allow: [page.path]}", "E123"),
        ("{set: {page.host: x}}", "E123"),
        ("{set: {items.-1.item_name: mug}}", "E115"),
        ("{set: {'items.*.price': 1}}", "E115"),
        ("{exclude: ['items.*.price']}", "E115"),
        ("{exclude: ['items[0].price']}", "E115"),
        ("{allow: [a..b]}", "E115"),
        ("{rename: {a.: b}}", "E115"),
        ("{rename: {items.item_id: skus}}", "E115"),
        ("{rename: {items.item_id: items.0.sku}}", "E115"),
        ("{rename: {value: 'items[].value'}}", "E115"),
        ("{block_duplicates: 400d}", "E115"),
        ("{exclude: [a], except_tags: [bocks]}", "E112"),
    ],
)
def test_what_is_wrong_is_said(transformation: str, code: str) -> None:
    text = f"destinations: {{box: {{type: box}}}}\ntransformations:\n  t: {transformation}\n"
    assert code in codes(load({"container.yaml": text + "tags: [{name: box, destination: box, triggers: [all]}]\n"}))


EVERYTHING = container(
    {
        "one": {"exclude": ["user_data.address.city", "items.price"], "rename": {"loyalty.level": "items.x"}},
        "two": {
            "set": {"page.location": "{{ loyalty }}", "user_data.email": "x"},
            "strip_query": ["q"],
            "items": {"where": {"a": "b"}, "fields": {"x": "price"}},
            "redact": True,
            "truncate_ip": True,
        },
        "three": {"allow": ["page", "user_data", "ecommerce.items.price"]},
    }
)


@given(st.fixed_dictionaries({"page": JSON, "user_data": JSON, "ecommerce": JSON, "loyalty": JSON}))
def test_no_event_breaks_one(pushed: dict[str, Any]) -> None:
    scope = Scope(event(pushed, ip="198.51.100.7"))
    for one in EVERYTHING.tags[0].transformations:
        scope = one.apply(scope)
    assert scope.event.event_id == "e-1"
    scope.event.identity.identifiers()
