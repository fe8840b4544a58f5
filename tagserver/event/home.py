"""Where people live. Many live at one place, so that what became of it is worked out once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.event.hashing import SHORTEST_HASH, Found
from tagserver.event.places import country_code

FIELDS = ("city", "region", "postal_code", "country")
"""The fields of an address that say where, and not who."""
MOST = 4096
LONGEST = 512
"""Characters of a country that are believed."""


class Home:
    """What these fields of an address say. `country`: ISO 3166-1 alpha-2 in lower case, when it is there in the clear;
    `found`: hashes of the fields under some rules."""

    __slots__ = ("country", "found")

    def __init__(self, country: Any) -> None:
        if type(country) is list:
            country = next((one for one in country if type(one) is str), None)
        self.country = country_code(country) if type(country) is str and len(country) <= LONGEST else None
        self.found: dict[Any, Found] = {}


_homes: dict[tuple[Any, ...], Home] = {}
"""By their four fields, short texts or None: nothing that is neither equals one of those."""


def home_of(address: Mapping[str, Any]) -> Home:
    """The one that all addresses with the same short texts in these fields share; one of its own for any other."""
    said = (*map(address.get, FIELDS),)
    try:
        home = _homes.get(said)
    except TypeError:  # a list or an object is no key
        return Home(said[-1])
    if home is None:
        home = Home(said[-1])
        if all(one is None or (type(one) is str and len(one) < SHORTEST_HASH) for one in said):
            if len(_homes) >= MOST:
                _homes.clear()
            _homes[said] = home
    return home
