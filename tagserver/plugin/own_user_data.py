"""`user_data` for a destination of one's own: hashed, in the clear, or not at all. The spelling is the event's, so that
what is hashed here can be read by every system that knows Google's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tagserver.event.event import Event
from tagserver.event.hashing import id_texts
from tagserver.event.identity import Identity
from tagserver.event.identity_rules import EMAIL, phone_plus_rule, rule
from tagserver.event.normalise import lower_text
from tagserver.event.places import country_code
from tagserver.plugin.contract import Omitted
from tagserver.plugin.fields import Group, cut_hashes
from tagserver.plugin.plain import plain_data

UserData = Literal["hash", "plain", "leave_out"]
OWN_HASHED = (
    *("sha256_email_address", "sha256_phone_number"),
    *(f"address.sha256_{field}" for field in ("first_name", "last_name", "street")),
)
OWN_CLEAR = (*(f"address.{field}" for field in ("city", "region", "postal_code", "country")), "external_id")
"""What `own_user_data` makes under `hash`: fields that are hashes, and those that stay in the clear."""


def own_user_data(event: Event, given: Any, how: UserData, default_country: str | None, made: Group) -> None:
    """Fill `made` with who the event is about.

    `given`: what the tag sets under `user_data`; it wins, and goes by the same rules. `how`: `hash` makes SHA-256 of
    e-mail, telephone, names and street; `plain` keeps what came; `leave_out` keeps nothing. `default_country`: of
    telephone numbers that name none.
    """
    said: Mapping[str, Any] = {**event.user_data, **given} if isinstance(given, Mapping) else event.user_data
    if not said:
        return
    if how == "leave_out":
        made.omitted.append(Omitted(made.name, "the setting user_data leaves it out"))
    elif how == "plain":
        made.update(plain_data(said) or {})
    else:
        identity = event.identity if said is event.user_data else Identity({"user_data": said})
        _hashed(made, said, identity, default_country)


_OF_THE_ADDRESS = tuple(
    (f"sha256_{field}", rule(field, lower_text), cut_hashes) for field in ("first_name", "last_name", "street")
)


def _hashed(made: Group, said: Mapping[str, Any], identity: Identity, default_country: str | None) -> None:
    own = (
        ("sha256_email_address", EMAIL, cut_hashes),
        ("sha256_phone_number", phone_plus_rule(default_country), cut_hashes),
    )
    address = Group(made.name, made.omitted)
    for group, fields in ((made, own), (address, _OF_THE_ADDRESS)):
        for key, fault in identity.fill(group, fields):
            made.omit(key, fault)
    if identity.address:
        for field in ("city", "region", "postal_code"):
            if (text := identity.plain(field)) is not None:
                address[field] = text
        if (country := identity.plain("country", country_code)) is not None:
            address["country"] = country.upper()
    if address:
        made["address"] = address
    if said.get("external_id") is not None:
        ids, faults = id_texts(said["external_id"])
        if ids:
            made["external_id"] = list(ids) if isinstance(said["external_id"], list) else ids[0]
        for fault in faults:
            made.omit("external_id", fault)
    for key in ("date_of_birth", "gender"):
        if said.get(key):
            made.omit(key, "a hash would not hide it; set user_data: plain to send it")
