"""Events as no page should push them, and parameters as no tag should have them: any value in the fields that
destinations read."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .anything import any_json

FITTING = ["purchase", "web", "website", "a@b.example", "+49301234567", "EUR", "1", 0, 12.5, "https://a.example/?x=1"]
any_value = any_json | st.sampled_from(FITTING)
"""Wrong values, and some that fit somewhere: a field that is always wrong hides what happens behind it."""


def objects(names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys and any values."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names.split(), any_value))


_person = st.builds(
    lambda who, where: {**who, "address": where},
    objects("email phone_number external_id madid gender date_of_birth sha256_email_address sha256_phone_number"),
    objects("first_name last_name street city region postal_code country sha256_first_name") | any_value,
)
_item = objects("item_id item_name item_brand item_category price quantity") | any_value
_shop = objects("value currency transaction_id items") | st.fixed_dictionaries({"items": st.lists(_item, max_size=3)})


def pushed_events(fields: str) -> st.SearchStrategy[dict[str, Any]]:
    """Events with wrong persons and shops, and any values in `fields` (names with blanks between)."""
    return st.builds(
        lambda name, top, who, sold: {**top, "event": name, "user_data": who, "ecommerce": sold, "event_id": "e-1"},
        st.sampled_from(["purchase", "page_view", "add_to_cart", "search", "login", "an event of the shop's own"]),
        objects(f"{fields} user_id timestamp page search_term action_source"),
        _person | any_value,
        _shop | any_value,
    )


def tag_parameters(fields: str, **groups: str) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters: any values in `fields`, groups with some of their keys, and names of nothing."""
    return st.builds(
        lambda top, inner, rest: {**rest, **top, **inner},
        objects(f"{fields} event_id event_name"),
        st.fixed_dictionaries({}, optional={name: objects(keys) | any_value for name, keys in groups.items()}),
        st.dictionaries(st.text(st.characters(codec=None), max_size=5), any_value, max_size=2),
    )
