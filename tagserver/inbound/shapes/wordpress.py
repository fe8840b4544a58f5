"""What GTM4WP, the Tag Manager plugin of WordPress, pushes beside an event of WooCommerce: who orders, at the top and
in `orderData`. All that it says of a person goes into `user_data`; the key of an order goes nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.event import Note
from tagserver.event.spelling import Path
from tagserver.inbound.person import is_said
from tagserver.inbound.shapes.shape import Shaped, part, person_of, without

_BILLING: Mapping[str, Path] = {
    "FirstName": ("address", "first_name"),
    "LastName": ("address", "last_name"),
    "Address1": ("address", "street"),
    "City": ("address", "city"),
    "State": ("address", "region"),
    "Postcode": ("address", "postal_code"),
    "Country": ("address", "country"),
    "Email": ("email",),
    "Phone": ("phone_number",),
}
_HASH: Path = ("sha256_email_address",)
_FLAT: Mapping[str, Path] = {
    **{f"customerBilling{name}": place for name, place in _BILLING.items()},
    "customerBillingEmailHash": _HASH,
    "customerFirstName": ("address", "first_name"),
    "customerLastName": ("address", "last_name"),
    "visitorEmail": ("email",),
    "visitorEmailHash": _HASH,
}
_PARCEL: Mapping[str, Path] = {f"customerShipping{name}": place for name, place in _BILLING.items()}
"""Who gets the parcel may be somebody else: it counts only where nothing is said of who pays."""
_OTHERS = (
    *("customerBillingCompany", "customerBillingAddress2", "customerShippingCompany", "customerShippingAddress2"),
    *("visitorUsername", "visitorIP"),
)
"""What is said of a person besides: it stays, where people's data stands."""
_NESTED: Mapping[str, Path] = {
    "first_name": ("address", "first_name"),
    "last_name": ("address", "last_name"),
    "address_1": ("address", "street"),
    "city": ("address", "city"),
    "state": ("address", "region"),
    "postcode": ("address", "postal_code"),
    "country": ("address", "country"),
    "email": ("email",),
    "emailhash": _HASH,
    "email_hash": _HASH,
    "phone": ("phone_number",),
}
KEYS = frozenset({*_FLAT, *_PARCEL, "orderData"} - {"customerFirstName", "customerLastName"})
"""By which it is known; the others have names that a site may have given."""


def read_customer(raw: Mapping[str, Any], notes: list[Note]) -> Shaped | None:
    """The person of a push of GTM4WP; what happened is told by what stands beside it. None where nothing is said."""
    given: dict[str, Any] = {}
    rest, path = dict(raw), ""
    if not KEYS.isdisjoint(raw.keys() - {"orderData"}) and (flat := person_of(raw, _FLAT) or person_of(raw, _PARCEL)):
        others = {name: raw[name] for name in _OTHERS if is_said(raw.get(name))}
        given["user_data"] = {**others, **flat}
        rest = without(raw, *_FLAT, *_PARCEL, *_OTHERS)
        path = next(key for key in raw if key in KEYS and key != "orderData")
    order = part(raw, "orderData")
    customer, attributes = part(order, "customer"), part(order, "attributes")
    people = [one for one in (part(customer, "billing"), part(customer, "shipping")) if one]
    if people or "order_key" in attributes:
        path = "orderData"
        rest["orderData"] = {**without(order, "customer"), "attributes": without(attributes, "order_key")}
        if people:
            given["user_data"] = person_of(people[0], _NESTED)  # as a whole: an account's holder may be another
        if is_said(customer.get("id")) and customer["id"] not in (0, "0"):
            given["user_id"] = customer["id"]
    return Shaped(f"GTM4WP's customer ({path})", path, None, given, rest) if path else None
