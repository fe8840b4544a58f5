"""Who has bought, as a platform's order tells it: e-mail, telephone, name, address and the id of an account. Whether
the customer takes a newsletter is no consent to anything else, and is not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tagserver_webhooks.reading import Part, filled

_ADDRESS: Mapping[str, tuple[str, ...]] = {
    "street": ("address1", "address_1"),
    "city": ("city",),
    "region": ("province_code", "province", "state"),
    "postal_code": ("zip", "postcode"),
    "country": ("country_code", "country"),
}
"""Field of an event's address → what Shopify and WooCommerce call it; of two the first that is there."""


def person(order: Part, customer: Part, addresses: Iterable[Part]) -> dict[str, Any]:
    """`user_data`. `addresses`: the one to which the bill goes first; the first that holds anything is the person's.
    An order says itself what its account may say otherwise."""
    given = next((one for one in addresses if any(one.held.values())), Part({}, order.notes))
    address: dict[str, Any] = {
        "first_name": customer.text("first_name") or given.text("first_name"),
        "last_name": customer.text("last_name") or given.text("last_name"),
    }
    for field, names in _ADDRESS.items():
        address[field] = next((text for name in names if (text := given.text(name)) is not None), None)
    return filled(
        {
            "email": _first("email", order, customer, given),
            "phone_number": _first("phone", order, customer, given),
            "address": filled(address),
        }
    )


def _first(name: str, *places: Part) -> str | None:
    return next((text for one in places if (text := one.text(name)) is not None), None)
