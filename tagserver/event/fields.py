"""The fields that are known below the groups of an event: what is there to be read, and what a misspelt path is told
from. Everything else below them is the site's own.

Source: Google's parameters of e-commerce events and of their items; the tables of `spelling` for people; and what the
server makes of the page's address.
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
