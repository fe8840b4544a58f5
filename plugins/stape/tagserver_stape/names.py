"""What Stape's client reads under which names, and in which order; of several the first that says something counts.
Source: the published code of its Data Tag and its Data Client, and what the tag sent in a browser."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EVENT_NAMES = ("event_name", "eventName", "event", "e_n")
DEFAULT_NAME = "Data"
"""Of an event that nobody has named."""
OF_THE_APP = "_stape"
"""How the names end that Stape's apps for shops push beside those of the shop."""

CLIENT_IDS = ("client_id", "data_client_id", "_dcid")
CLIENT_COOKIE = "_dcid"
"""Where Stape's client has kept a client id; we set no such cookie."""
TEMPORARY_ID = "_dcid_temp"
"""A client id that the tag has made for as long as the page is open."""

RESPELLED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "event_id": ("eventId", "eventID"),
        "page_location": ("pageLocation", "url", "href"),
        "page_referrer": ("pageReferrer", "referrer", "urlref"),
        "page_title": ("pageTitle",),
        "user_id": ("userId",),
        "value": ("e_v",),
    }
)
"""Field of an event → other names, of which one counts where the field is missing."""
OF_SERVERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"ip_override": ("ip", "ipOverride"), "user_agent": ("userAgent",)}
)
"""The same of the visitor's address and agent, which a server alone may name."""

PERSON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "email": ("userEmail", "email_address", "email", "mail"),
        "phone_number": ("userPhoneNumber", "phone_number", "phoneNumber", "phone"),
        "first_name": ("userFirstName", "first_name", "firstName"),
        "last_name": ("userLastName", "last_name", "lastName", "surname", "family_name", "familyName"),
    }
)
"""Field of a person → its names at the top of an event."""
ONLY_STAPES = frozenset(
    {
        *("userEmail", "mail", "userPhoneNumber", "userFirstName"),
        *("userLastName", "surname", "family_name", "familyName"),
    }
)
"""Those that no other door knows."""
BESIDE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "first_name": ("name",),
        "street": ("street",),
        "city": ("city",),
        "region": ("region", "state"),
        "postal_code": ("postal_code", "postalCode", "zip"),
        "country": ("country",),
    }
)
"""The same, under names that may as well be the shop's or a product's: they are the person's where one is named."""
OF_ADDRESS = frozenset({"first_name", "last_name", *BESIDE})

NOT_OF_EVENTS = frozenset({"v", "richsstsse", "dtdc", "dtcd", "unique_event_id", "common_cookie"})
"""What the tag says to Stape's client alone, and what is read here."""
