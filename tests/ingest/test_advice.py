"""What a developer could mend is said in the answer; what is right, or the site's own, is not."""

from __future__ import annotations

from typing import Any

import pytest

from tagserver.event.known_names import KNOWN_EVENTS
from tagserver.ingest.advice import advise, meant
from tagserver.pipeline.route import route
from tests.config.world import container
from tests.consent.writers import head, tc_string
from tests.events import NOW, event

TAG = """
destinations: {box: {type: box}}
tags: [{name: every, destination: box, triggers: [all]}]
"""
SOUND = {"transaction_id": "T", "value": 59.9, "currency": "EUR"}


def told(pushed: dict[str, Any], text: str = "") -> list[tuple[str, str]]:
    """Path and code of each note on an event; `text`: the triggers of a configuration."""
    made = container(text + TAG)
    return [(note.path, note.code) for note in advise(made, route(made, event(pushed)))]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Purchase", "purchase"),
        ("PURCHASE", "purchase"),
        ("purchse", "purchase"),
        ("purhcase", "purchase"),
        ("purchasse", "purchase"),
        ("purchaze", "purchase"),
        ("AddToCart", "add_to_cart"),
        ("addToCart", "add_to_cart"),
        ("add-to-cart", "add_to_cart"),
        ("add to cart", "add_to_cart"),
        ("begin_chekout", "begin_checkout"),
        ("remov_from_cart", "remove_from_cart"),
        ("signup", "sign_up"),
        ("PageView", "page_view"),
        ("add_to_card", "add_to_cart"),
    ],
)
def test_a_name_that_is_nearly_one(name: str, wanted: str) -> None:
    assert meant(name) == wanted


@pytest.mark.parametrize(
    "name",
    [
        *(
            "newsletter_joined",
            "purchased",
            "purchases",
            "refunds",
            "repurchase",
            "purchase_2",
            "pre_purchase",
            "consent",
        ),
        *("view_card", "view_time", "view_items", "login_failed", "logout", "sign_in", "level_ups"),
        *("scroll", "click", "video_start", "form_submit", "file_download", "session_start", "first_visit", "checkout"),
        *("", "_", "x" * 40, "käufe", "購入"),
    ],
)
def test_a_name_of_the_sites_own_is_no_misspelling(name: str) -> None:
    assert meant(name) is None


@pytest.mark.parametrize("name", sorted(KNOWN_EVENTS))
def test_a_recommended_name_is_no_misspelling_of_another(name: str) -> None:
    assert meant(name) is None
    assert told({"event": name, "ecommerce": SOUND}) == []


def test_a_name_that_a_trigger_asks_for_is_meant() -> None:
    assert told({"event": "Purchase"}) == [("event", "like_another")]
    assert told({"event": "Purchase"}, "triggers: {theirs: {event: Purchase}}") == []
    assert told({"event": "Purchase"}, "triggers: {theirs: {event: /^Pur/}}") == []
    assert told({"event": "Purchase"}, "triggers: {some: {when: {page.path: /}}}") == [("event", "like_another")]


@pytest.mark.parametrize("wrong", [{"transaction_id": "undefined"}, {"value": True}])
def test_what_the_event_has_a_note_on_is_not_said_again(wrong: dict[str, Any]) -> None:
    assert event({"ecommerce": SOUND | wrong}).notes
    assert told({"ecommerce": SOUND | wrong}) == []


def test_a_name_that_is_long_costs_nothing() -> None:
    before = meant.cache_info().currsize
    assert told({"event": "Purchase" * 1000}) == []
    assert meant.cache_info().currsize == before


@pytest.mark.parametrize(
    ("name", "shop", "codes"),
    [
        ("purchase", SOUND, []),
        ("purchase", SOUND | {"value": "59.90", "currency": " eur "}, []),
        ("purchase", SOUND | {"value": 0}, []),
        ("purchase", SOUND | {"value": "59,90"}, ["bad_value"]),
        ("purchase", SOUND | {"value": "1.299,00 €"}, ["bad_value"]),
        ("purchase", SOUND | {"currency": "Euro"}, ["bad_currency"]),
        ("purchase", SOUND | {"currency": "€"}, ["bad_currency"]),
        ("purchase", {"transaction_id": "T"}, ["no_value", "no_currency"]),
        ("purchase", {"value": 5, "currency": "EUR"}, ["no_transaction_id"]),
        ("purchase", {"value": 5, "currency": "EUR", "order_id": "T"}, []),
        ("purchase", {"value": 5, "currency": "EUR", "transaction_id": ""}, ["no_transaction_id"]),
        ("add_to_cart", {"value": "viel", "currency": "EUR"}, ["bad_value"]),
        ("add_to_cart", {}, []),
        ("scroll_depth", {"value": 90}, []),
    ],
)
def test_money_and_orders(name: str, shop: dict[str, Any], codes: list[str]) -> None:
    assert [code for _, code in told({"event": name, "ecommerce": shop})] == codes


GRANTED = {"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted"}


@pytest.mark.parametrize("consent", [GRANTED, dict.fromkeys(GRANTED, "denied"), {"default": GRANTED}, None])
def test_what_is_chosen_is_never_told(consent: Any) -> None:
    """An answer is read by any script of the page."""
    assert told({"event": "page_view", "consent": consent}) == []


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ({"consent": "yes"}, ["consent"]),
        ({"consent": {"marketing": False}}, ["consent"]),
        ({"consent": GRANTED, "gcs": "G1X1"}, ["gcs"]),
        ({"consent": GRANTED, "tcf": "CPX"}, ["tcf"]),
        ({"consent": GRANTED, "gdpr": "maybe"}, ["gdpr"]),
        ({"consent": GRANTED, "cookie": {"euconsent-v2": "CPX"}}, []),
    ],
)
def test_consent_that_cannot_be_read(said: dict[str, Any], places: list[str]) -> None:
    """What the event says; a visitor's cookie is no fault of the page."""
    assert told({"event": "page_view", **said}) == [(place, "unreadable_consent") for place in places]


def test_a_string_that_is_too_old_is_the_visitors() -> None:
    old = tc_string(head(updated=NOW - 500 * 86_400_000))
    assert told({"event": "page_view", "tcf": old}) == []
