"""Who a call is about: the traits in it, and only those. Nothing is remembered of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tagserver_segment.values import filled, first_said, group, is_said

FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "email": ("email", "email_address", "emailAddress"),
        "phone_number": ("phone", "phone_number", "phoneNumber"),
        "first_name": ("firstName", "first_name", "firstname"),
        "last_name": ("lastName", "last_name", "lastname"),
    }
)
"""Field of `user_data` → its names in traits, and among the properties of a call."""
_TRAITS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"date_of_birth": ("birthday", "date_of_birth", "dateOfBirth"), "gender": ("gender",)}
)
_ADDRESS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "street": ("street",),
        "city": ("city",),
        "region": ("state", "region"),
        "postal_code": ("postalCode", "postal_code", "zip"),
        "country": ("country",),
    }
)
"""Fields that only traits have: a city among properties may be the shop's."""
OF_PROPERTIES = frozenset(name for names in FIELDS.values() for name in names)
"""Properties that are a person's, and are in `user_data` or nowhere."""


def person(traits: Sequence[Mapping[str, Any]], properties: Mapping[str, Any]) -> dict[str, Any]:
    """`user_data`. `traits`: the best first; properties come after them."""
    places = (*traits, properties)
    made = {ours: _first(places, names) for ours, names in FIELDS.items()}
    made |= {ours: _first(traits, names) for ours, names in _TRAITS.items()}
    if isinstance(birth := made["date_of_birth"], str) and birth[10:11] == "T":
        made["date_of_birth"] = birth[:10]  # JavaScript's dates have a time of the day
    if made["first_name"] is None and made["last_name"] is None:
        made |= _name(_first(traits, ("name",)))
    addresses = [group(one.get("address")) for one in traits]
    name = {field: made.pop(field) for field in ("first_name", "last_name")}
    made["address"] = filled(
        {**name, **{ours: _first((*addresses, *traits), names) for ours, names in _ADDRESS.items()}}
    )
    return filled(made)


def _first(places: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Any:
    return next((found for one in places if is_said(found := first_said(one, names))), None)


def _name(whole: Any) -> dict[str, Any]:
    """A name of two words is a first and a last name; of more words nobody knows where the one ends."""
    words = whole.split() if isinstance(whole, str) and len(whole) < 200 else []
    return dict(zip(("first_name", "last_name"), words, strict=True)) if len(words) == 2 else {}
