"""The spellings of one field: what GA4, server containers, ad vendors and our own page call the same thing.

Ingest writes every event in one spelling, and a path in the configuration is read through the same table, so that
`page_location`, `page.location` and their kind always mean one value. So whatever is said of a person stands in
`user_data`, in whatever spelling it came: what consent keeps back, what is hashed, and by what somebody is found again
need to know one place.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Path = tuple[str, ...]

_PERSON: Mapping[Path, tuple[str, ...]] = {
    ("email",): ("email_address", "emailAddress", "emails", "em"),
    ("sha256_email_address",): ("sha256_email",),
    ("phone_number",): ("phone", "phoneNumber", "phones", "phone_numbers", "ph"),
    ("external_id",): ("externalId",),
    ("gender",): ("ge",),
    ("date_of_birth",): ("dateOfBirth", "birth_date", "birthday", "dob", "db"),
}
"""Field of `user_data` → its other names there: flat ones of other tools, and those of Meta's `user_data`, which other
ad vendors have too."""
_ADDRESS: Mapping[str, tuple[str, ...]] = {
    "first_name": ("firstName", "fn"),
    "last_name": ("lastName", "ln"),
    "street": (),
    "city": ("ct",),
    "region": ("state", "st"),
    "postal_code": ("postalCode", "postcode", "zip", "zip_code", "zipCode", "zp"),
    "country": (),
    "sha256_first_name": (),
    "sha256_last_name": (),
    "sha256_street": (),
}
"""Field of `user_data.address` → its other names there. All of them are read in `user_data` itself, too."""
_FLAT = (
    *("email", "email_address", "emailAddress", "sha256_email_address", "sha256_phone_number"),
    *("phone", "phone_number", "phoneNumber", "first_name", "firstName", "last_name", "lastName", "external_id"),
)
"""Names of `user_data` that mean the same at the top of an event. A city or a country there may be the shop's."""
_OF_META = ("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id", "subscription_id")
"""What Meta's tag for server containers reads as `x-fb-ud-…`."""

PERSON_FIELDS = (*(path[0] for path in _PERSON), "sha256_phone_number", "sha256_phone_digits")
"""The names that `user_data` holds, but for its `address`."""
ADDRESS_FIELDS = tuple(_ADDRESS)
"""And those of its `address`."""
PERSON_SPELLINGS: Mapping[str, Path] = MappingProxyType(
    {name: place for place, names in _PERSON.items() for name in names}
    | {name: ("address", place) for place, names in _ADDRESS.items() for name in (place, *names)}
)
"""Other name in `user_data` → where it holds that field."""
ADDRESS_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {name: place for place, names in _ADDRESS.items() for name in names}
)
"""Other name in `user_data.address` → the name that it holds."""
FLAT_PERSON: Mapping[str, Path] = MappingProxyType(
    {name: PERSON_SPELLINGS.get(name, (name,)) for name in _FLAT}
    | {f"x-fb-ud-{name}": PERSON_SPELLINGS.get(name, (name,)) for name in _OF_META}
)
"""Name at the top of an event → where `user_data` holds that field."""

ROOT_SPELLINGS: Mapping[str, Path] = MappingProxyType(
    {
        "event_name": ("event",),
        "page_location": ("page", "location"),
        "page_referrer": ("page", "referrer"),
        "page_title": ("page", "title"),
        "value": ("ecommerce", "value"),
        "currency": ("ecommerce", "currency"),
        "items": ("ecommerce", "items"),
        "transaction_id": ("ecommerce", "transaction_id"),
    }
)
"""Other name at the top of an event → the path that an Event holds."""

UNREAD: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "em": (str, "is Meta's name of an e-mail address, and is read within user_data alone"),
        "ph": (str, "is Meta's name of a telephone number, and is read within user_data alone"),
        "custom_data": (dict, "is Meta's group, and is not read: write its fields at the top of the event"),
    }
)
"""Names of a vendor's at the top of an event that we do not read, with the type by which they are known, and what is
said to who writes them."""

DERIVED_ROOTS = frozenset({"client", "click", "cookie", "geo", "header", "ip", "source"})
"""Roots that the server fills in; what a sender writes there is not taken as it stands."""

KNOWN_ROOTS = frozenset(
    {"action_source", "client_id", "consent", "ecommerce", "event", "event_id", "page", "session_id"}
    | {"timestamp", "user_agent", "user_data", "user_id"}
    | DERIVED_ROOTS
    | set(ROOT_SPELLINGS)
)
"""Names that a variable may not take. (It may be called `email`, as many are: a variable comes before a path.)"""


LONGEST_NAME = 64
"""Characters of a name that is brought into another form. To do so takes the square of the marks behind one letter, and
a stranger may write many."""


def nfc(name: str) -> str:
    """A name in the one form in which names are compared (Unicode's NFC): `ö` may be one sign or two, and means one
    thing. A longer one than names are is compared as it stands."""
    return name if name.isascii() or len(name) > LONGEST_NAME else unicodedata.normalize("NFC", name)


def key_of(group: Mapping[str, Any], name: str) -> str:
    """The key under which a map holds a name (in NFC), however its sender writes it; the name itself where it does
    not."""
    if name in group or name.isascii():
        return name
    return next((key for key in group if nfc(key) == name), name)


DERIVED_PARTS: Mapping[Path, str] = MappingProxyType(
    {
        **{("page", part): "page.location" for part in ("host", "path", "query", "hash")},
        ("user_data", "email_domain"): "user_data.email",
    }
)
"""What is read from another field, and is gone when that is; what a sender writes there is not taken."""


def part_of(path: Path) -> str | None:
    """The field that this one, in the spelling of an Event, is a part of."""
    return DERIVED_PARTS.get(path[:2])


def canonical(path: str) -> Path:
    """The parts of a dotted path in the spelling that an Event holds: `value` → `("ecommerce", "value")`, `email` →
    `("user_data", "email")`."""
    parts = tuple(nfc(path).split("."))
    root = parts[0]
    if (target := ROOT_SPELLINGS.get(root)) is not None:
        return target + parts[1:]
    if (place := FLAT_PERSON.get(root)) is not None:
        return ("user_data", *place, *parts[1:])
    if root != "user_data" or len(parts) == 1:
        return parts
    if (place := PERSON_SPELLINGS.get(parts[1])) is not None:
        return ("user_data", *place, *parts[2:])
    if parts[1] == "address" and len(parts) > 2:
        return ("user_data", "address", ADDRESS_SPELLINGS.get(parts[2], parts[2]), *parts[3:])
    return parts


def is_email(path: str) -> bool:
    """Whether a path leads to the e-mail addresses of an event: `email`, `user_data.em`, `user_data.email.0`."""
    root, *rest = canonical(path)
    return root == "user_data" and rest[:1] == ["email"] and all(part.isdecimal() for part in rest[1:])


def path_root(path: str) -> str:
    """The first part of a path in the spelling that an Event holds: `email` and `user_data.em` → `user_data`."""
    return canonical(path)[0]
