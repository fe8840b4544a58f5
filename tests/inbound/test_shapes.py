"""Events in the shape of another product: read as what they are, and nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.collect import CollectConfig
from tagserver.consent.merge import source_consent
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.event.event import Event
from tagserver.inbound.clients.datalayer import Context, Refused, read_event
from tagserver.inbound.shapes import adobe, shopify, tealium, walker
from tagserver.inbound.shapes.commands import VERBS
from tagserver.inbound.shapes.items import MOST, categories, each_price
from tagserver.inbound.shapes.table import BY_KEY, MARKS, SHOP_MARKS
from tagserver.inbound.shapes.universal import ACTIONS
from tagserver.ingest.body import split
from tagserver.plugin.inbound import SEGMENT_EVENTS
from tests.events import consent_of, facts
from tests.fast_yaml import safe_load

from .test_datalayer import JSON

TABLE = safe_load((Path(__file__).parent / "shapes.yaml").read_text("utf-8"))
SECRETS = ("SECRET", "wc_order_secret")
PERSON = "mia@"


def read(push: Any) -> Event:
    """The event that a push becomes; `minted` is the id that was made by chance."""
    return read_event(push, facts(), mint=lambda now: "minted")


def taken(push: Any) -> Event | None:
    """The event, or None where it is refused with a reason of its own."""
    try:
        return read(push)
    except Refused as refused:
        if refused.notes[0].code not in ("no_event", "not_an_object", "missing_event"):
            raise
    return None


def notes(event: Event) -> list[str]:
    """What its sender is told, but for ids that were minted."""
    return [f"{note.path}: {note.message}" for note in event.notes if note.code != "minted"]


def cases(part: str) -> Mapping[str, Any]:
    """The rows of a part of the table, by their names."""
    return {row["case"]: row for row in TABLE[part]}


def texts(value: Any, *way: str) -> Iterator[tuple[str, str]]:
    """Each text of a value and the path that leads to it."""
    if isinstance(value, str):
        yield ".".join(way), value
    for key, one in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from texts(one, *way, str(key))


@pytest.mark.parametrize("case", cases("rows"))
def test_a_shape_is_read_as_what_it_is(case: str) -> None:
    """The whole event, and what is said of it. Nothing that was pushed is changed."""
    row = cases("rows")[case]
    before = json.dumps(row["push"])
    event = read(row["push"])
    assert {key: value for key, value in event.data.items() if value != "minted"} == row["event"]
    assert notes(event) == row["notes"]
    assert event.client == "datalayer"
    assert json.dumps(row["push"]) == before


@pytest.mark.parametrize("case", cases("rows"))
def test_persons_stand_in_user_data_and_keys_to_an_order_nowhere(case: str) -> None:
    """Whatever shape they came in."""
    for path, text in texts(dict(read(cases("rows")[case]["push"]).data)):
        assert not any(secret in text for secret in SECRETS), path
        assert PERSON not in text or path.startswith("user_data."), path


@pytest.mark.parametrize("case", cases("none"))
def test_what_makes_no_event_says_so(case: str) -> None:
    """It is refused alone, with the reason."""
    row = cases("none")[case]
    with pytest.raises(Refused) as refused:
        read(row["push"])
    (note,) = refused.value.notes
    assert (note.code, note.message) == ("no_event", row["says"])


@pytest.mark.parametrize("case", cases("misses"))
def test_what_only_looks_like_a_shape_stays_as_it_is(case: str) -> None:
    """Field by field as it was pushed, under its own name."""
    push = cases("misses")[case]["push"]
    event = read(push)
    assert event.name == push["event"]
    kept = {key: value for key, value in event.data.items() if key != "event_id"}
    assert kept == push
    assert not any(note.code in ("shape", "left") for note in event.notes)


def _named() -> Iterator[tuple[str, Any, str]]:
    """For each name of each family: a small push of it, and GA4's name."""
    for said, rule in SEGMENT_EVENTS.items():
        yield f"Segment {said}", {"type": "track", "event": said, "properties": {}}, rule.name or said
    for said, name in tealium.NAMES.items():
        yield f"Tealium {said}", {"tealium_event": said}, name
    for said, name in adobe.NAMES.items():
        yield f"Adobe {said}", {"event": said, "eventInfo": {"a": 1}}, name
    for said, name in adobe.XDM_NAMES.items():
        yield f"XDM {said}", {"eventType": said}, name
    for said, name in shopify.NAMES.items():
        yield f"Shopify {said}", {"id": "sh-1", "name": said, "clientId": "c"}, name
    for said, name in walker.NAMES.items():
        entity, action = said.split()
        yield f"walkerOS {said}", {"name": said, "entity": entity, "action": action}, name
    for key, action in ACTIONS.items():
        rows = [{"id": "a"}]
        inner = {action.products: rows} if action.products else rows
        yield f"UA {key}", {"ecommerce": {key: inner}}, action.name


NAMED = {name: (push, ours) for name, push, ours in _named()}


@pytest.mark.parametrize("name", NAMED)
def test_each_name_has_its_name_at_ga4(name: str) -> None:
    """And the event is one of a known shape."""
    push, ours = NAMED[name]
    event = read(push)
    assert event.name == ours
    assert [note.code for note in event.notes].count("shape") == 1


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('["event", "purchase", {"transaction_id": "T1"}]', ["purchase"]),
        ('[["event", "login"], {"event": "sign_up"}, {"0": "event", "1": "search"}]', ["login", "sign_up", "search"]),
        ('{"events": [["event", "login"], ["consent", "update", {"ad_storage": "granted"}]]}', ["login", "consent"]),
        ('["trackPageView"]', ["page_view"]),
        ('{"0": "event", "1": "login"}', ["login"]),
        ('["event", {"event": "login"}]', [None, "login"]),
        ('["other", {"event": "login"}]', [None, "login"]),
        ('["event"]', [None]),
        ('["' + "event" * 20 + '", {"event": "login"}]', [None, "login"]),
    ],
    ids=[
        "a call",
        "calls among events",
        "in an envelope",
        "of Matomo",
        "arguments",
        "no name",
        "no verb",
        "bare",
        "long",
    ],
)
@pytest.mark.parametrize("small", [True, False], ids=["whole", "one by one"])
def test_a_body_may_be_a_call_or_hold_some(body: str, names: list[str | None], small: bool) -> None:
    """However it is decoded; a list that is none is a list of events, as ever."""
    limits = CollectConfig() if small else CollectConfig(max_event=len(body) - 1)
    if not small and names == ["purchase"]:
        limits = CollectConfig(max_event=len(body))
    found: list[str | None] = []
    for raw in split(body.encode(), limits)[0]:
        try:
            if isinstance(raw, Refused):
                raise raw
            found.append(read(raw).name)
        except Refused as refused:
            found.append(None if refused.notes[0].code == "not_an_object" else refused.notes[0].code)
    assert found == names or (not small and found == ["too_large"])


@pytest.mark.parametrize(
    "push",
    [
        ["consent"],
        ["consent", "updat", {"ad_storage": "granted"}],
        ["consent", "update", "granted"],
        ["consent", 7, {}],
    ],
    ids=["bare", "misspelt", "no words", "no verb"],
)
def test_a_choice_that_cannot_be_read_denies(push: list[Any]) -> None:
    assert not consent_of(read(push), ConsentPolicy()).granted
    readable = read(["consent", "update", {"ad_storage": "granted"}])
    assert consent_of(readable, ConsentPolicy()).granted == {"ad_storage"}


YES, NO = (dict.fromkeys(("ad_storage", "ad_user_data", "ad_personalization"), word) for word in ("granted", "denied"))
CONTRACT = source_consent("shop", YES, "terms")
SHOPIFYS: dict[str, Any] = {"id": "sh-1", "name": "page_viewed", "clientId": "c"}
WITH_WORDS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "Segment": lambda said: {"type": "track", "event": "a", "properties": {"consent": said}},
    "GA4": lambda said: {"name": "a", "params": {"consent": said}},
    "arguments": lambda said: {"0": "event", "1": "a", "2": {"consent": said}},
    "XDM": lambda said: {"xdm": {"eventType": "commerce.purchases", "consent": said}},
    "Shopify": lambda said: SHOPIFYS | {"customerPrivacy": {"marketingAllowed": said == YES}},
}


@pytest.mark.parametrize("shape", WITH_WORDS)
@pytest.mark.parametrize(
    ("inner", "outer", "granted"),
    [
        (NO, YES, False),
        (YES, NO, False),
        ("garbled", YES, False),
        ("", YES, False),
        (YES, YES, True),
        (NO, None, False),
    ],
)
def test_a_refusal_counts_within_a_shape_and_beside_it(shape: str, inner: Any, outer: Any, granted: bool) -> None:
    """Whichever of the two says it, and whatever a contract says; and where both grant they do."""
    made = read(WITH_WORDS[shape](inner) | ({} if outer is None else {"consent": outer}))
    assert bool(consent_of(made, ConsentPolicy(), CONTRACT).granted) is granted


@pytest.mark.parametrize(
    ("sale", "granted"), [(None, True), (True, True), (False, False), ("false", False), (0, False), (1, False)]
)
def test_of_a_sale_only_true_is_a_grant(sale: Any, granted: bool) -> None:
    """Or nothing, where nobody asks for it."""
    made = read(SHOPIFYS | {"customerPrivacy": {"marketingAllowed": True, "saleOfDataAllowed": sale}})
    assert ("ad_storage" in consent_of(made, ConsentPolicy()).granted) is granted


def test_each_word_of_a_call_counts() -> None:
    """Also of an opt-out of sale in two places."""
    assert not consent_of(read(["consent", "update", YES, NO]), ConsentPolicy()).granted
    made = read({"type": "track", "event": "a", "properties": {"us_privacy": "1YYN"}, "us_privacy": "1NNN", "gcd": "x"})
    assert not consent_of(made, ConsentPolicy(), CONTRACT).granted


@pytest.mark.parametrize("client", ["webhooks", "ga4"])
def test_events_of_other_doors_have_been_read_by_their_clients(client: str) -> None:
    """What a client gives is in our spelling, and its other fields are the sender's own."""
    push = {
        "event": "login",
        "properties": {"a": 1},
        "type": "track",
        "ecommerce": {"purchase": {"actionField": {"id": 1}}},
    }
    event = read_event(push, facts(), Context({}, client=client))
    assert (event.name, event.ecommerce) == ("login", push["ecommerce"])


OURS = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from(["login", "purchase", "order complete", "place-order", ""]) | JSON,
        "type": st.sampled_from(["track", "page", "identify"]) | JSON,
        "name": st.sampled_from(["purchase", "checkout_completed"]) | JSON,
        "id": st.sampled_from(["sh-1", "x"]) | JSON,
        "ecommerce": st.dictionaries(st.sampled_from([*SHOP_MARKS, "items", "currencyCode"]), JSON, max_size=4) | JSON,
        **dict.fromkeys(sorted(MARKS | {"data", "context", "user", "entity", "action", "commerce", "user_data"}), JSON),
        "1": st.sampled_from(["login", "update"]) | JSON,
        "0": st.sampled_from(sorted(VERBS)) | JSON,
    },
)
DEEPER = st.recursive(
    JSON,
    lambda inner: st.dictionaries(
        st.sampled_from(
            [
                "products",
                "promotions",
                "actionField",
                "checkout",
                "cartLine",
                "lineItems",
                "id",
                "orderContext",
                "order",
            ]
        ),
        inner,
        max_size=3,
    ),
    max_leaves=6,
)


@given(push=OURS, key=st.sampled_from(sorted(BY_KEY)), value=DEEPER)
def test_no_json_raises_and_no_event_that_has_a_name_is_lost(push: dict[str, Any], key: str, value: Any) -> None:
    """In any of the keys, of any type: refused with its reason, or an event."""
    push = {**push, key: value}
    named = isinstance(push.get("event"), str) and push["event"]
    event = taken(push)
    if event is None:
        assert not named
    else:
        assert event.name
        assert isinstance(event.ecommerce, dict)
        assert isinstance(event.user_data, dict)


@given(call=st.lists(JSON | st.sampled_from(sorted(VERBS)), max_size=6), verb=st.sampled_from(sorted(VERBS)))
def test_no_call_raises(call: list[Any], verb: str) -> None:
    for one in (call, [verb, *call]):
        event = taken(one)
        assert event is None or event.name


@given(own=st.dictionaries(st.sampled_from(["value", "currency", "transaction_id"]), st.sampled_from(["1", "EUR"])))
def test_our_own_spelling_wins_at_the_top_and_in_the_group(own: dict[str, str]) -> None:
    """And no two differ, for the shape's is not laid beside it."""
    shape = {"currencyCode": "USD", "purchase": {"actionField": {"id": "T1", "revenue": "9"}}}
    for push in ({**own, "ecommerce": shape}, {"ecommerce": {**own, **shape}}):
        event = read(push)
        expected = {"value": "9", "currency": "USD", "transaction_id": "T1"} | own
        assert {name: event.ecommerce[name] for name in expected} == expected
        assert not any(note.code == "conflict" for note in event.notes)


def test_a_persons_own_fields_win_in_any_spelling() -> None:
    """The shape's are not laid beside them."""
    push = {
        "event": "login",
        "email": "own@a.example",
        "user_data": {"ph": "+49301", "address": {"ct": "Ulm"}},
        "customerBillingEmail": "other@a.example",
        "customerBillingPhone": "+49302",
        "customerBillingCity": "Bonn",
        "customerBillingCountry": "DE",
    }
    event = read(push)
    address = {"city": "Ulm", "country": "DE"}
    assert event.user_data == {"email": "own@a.example", "phone_number": "+49301", "address": address}
    assert [note.code for note in event.notes] == ["shape", "minted"]


def test_more_products_than_an_event_holds_are_left_and_said() -> None:
    event = read({"ecommerce": {"add": {"products": [{"id": str(n)} for n in range(MOST + 1)]}}})
    assert len(event.ecommerce["items"]) == MOST
    assert [note.code for note in event.notes] == ["shape", "too_many", "minted"]


@pytest.mark.parametrize(
    ("total", "quantity", "price"),
    [
        (30, 3, 10),
        ("31.98", "2", 15.99),
        (10, 3, None),
        (0.3, 3, 0.1),
        (5, 0, None),
        (5, -1, None),
        ("5 EUR", 1, None),
        (True, 1, None),
        (1e15, 1e-9, None),
        (1, 0.3, None),
    ],
)
def test_the_price_of_a_piece_is_exact_or_none(total: Any, quantity: Any, price: Any) -> None:
    assert each_price(total, quantity) == price


@pytest.mark.parametrize(
    ("category", "levels"),
    [
        ("a/b", 2),
        ("a/b/c/d/e", 5),
        ("a/b/c/d/e/f", 1),
        ("a", 1),
        ("TV / Hi-Fi", 1),
        ("/a", 1),
        (7, 1),
        ("a/" * 600, 1),
        ("a/" + "b" * 498, 2),
    ],
)
def test_a_category_has_as_many_levels_as_ga4_has(category: Any, levels: int) -> None:
    found = categories(category)
    assert len(found) == levels
    assert levels > 1 or found == {"item_category": category}
