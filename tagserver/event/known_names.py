"""Names of events and fields that are known everywhere: Google's, and ours. Pages push them, vendors' names are told
from them, and a misspelt name or path is held against them. Everything else is the site's own.

Sources: Google Analytics, recommended events, events of the enhanced measurement, parameters of e-commerce events and
of their items; the tables of `spelling` for people; and what the server makes of the page's address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from tagserver.event.click_ids import PARAMETERS
from tagserver.event.spelling import (
    ADDRESS_FIELDS,
    ADDRESS_SPELLINGS,
    DERIVED_PARTS,
    PERSON_FIELDS,
    PERSON_SPELLINGS,
    Path,
)

CONSENT_EVENT = "consent"
"""The name of an event that says what the visitor chose, and nothing else. `t.js` sends it."""

RECOMMENDED_EVENTS = frozenset(
    {
        "add_payment_info",
        "add_shipping_info",
        "add_to_cart",
        "add_to_wishlist",
        "begin_checkout",
        "close_convert_lead",
        "close_unconvert_lead",
        "disqualify_lead",
        "earn_virtual_currency",
        "generate_lead",
        "join_group",
        "level_end",
        "level_start",
        "level_up",
        "login",
        "page_view",
        "post_score",
        "purchase",
        "qualify_lead",
        "refund",
        "remove_from_cart",
        "search",
        "select_content",
        "select_item",
        "select_promotion",
        "share",
        "sign_up",
        "spend_virtual_currency",
        "tutorial_begin",
        "tutorial_complete",
        "unlock_achievement",
        "view_cart",
        "view_item",
        "view_item_list",
        "view_promotion",
        "working_lead",
    }
)
"""Google's recommended events, and `page_view`."""

GOOGLE_EVENTS = RECOMMENDED_EVENTS | {
    *("click", "exception", "file_download", "form_start", "form_submit", "scroll", "video_complete", "video_progress"),
    *("video_start", "view_search_results"),
}
"""And those that Google's own script measures by itself, under the names that a page would push."""

KNOWN_EVENTS = GOOGLE_EVENTS | {CONSENT_EVENT}

PAGE_TEXTS = ("location", "referrer", "title")
"""What a page says of itself."""
SHOP_FIELDS = (
    *("transaction_id", "value", "currency", "tax", "shipping", "coupon", "discount", "affiliation", "items"),
    *("item_list_id", "item_list_name", "location_id", "creative_name", "creative_slot", "promotion_id"),
    *("promotion_name", "payment_type", "shipping_tier"),
)
ITEM_FIELDS = (
    *("item_id", "item_name", "item_brand", "item_category", "item_category2", "item_category3", "item_category4"),
    *("item_category5", "item_variant", "price", "quantity", "index", "discount", "coupon", "affiliation", "currency"),
    *("item_list_id", "item_list_name", "location_id", "creative_name", "creative_slot", "promotion_id"),
    "promotion_name",
)


def _parts_of(group: str) -> Iterator[str]:
    return (path[1] for path in DERIVED_PARTS if path[0] == group)


FIELDS: Mapping[Path, tuple[str, ...]] = MappingProxyType(
    {
        ("page",): (*PAGE_TEXTS, *_parts_of("page")),
        ("ecommerce",): SHOP_FIELDS,
        ("ecommerce", "items"): ITEM_FIELDS,
        ("user_data",): (*PERSON_FIELDS, *_parts_of("user_data"), "address", *PERSON_SPELLINGS),
        ("user_data", "address"): (*ADDRESS_FIELDS, *ADDRESS_SPELLINGS),
        ("click",): tuple(PARAMETERS),
        ("geo",): ("country", "region"),
    }
)
"""The group, without the numbers of items → the names below it, in any of their spellings, ours first."""
