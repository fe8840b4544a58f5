"""`user_data` as the settings want it: hashed, in the clear, or not at all. The spelling is the event's own, so that
what is hashed here can be read by every system that knows Google's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tagserver.plugin import Event, Found, Identity, Omitted, country_code, email_text, lower_text
from tagserver_file.plain import plain

UserData = Literal["hash", "plain", "leave_out"]


def build_user_data(
    event: Event,
    given: Any,
    how: UserData,
    default_country: str | None,
    omitted: list[Omitted],
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag sets under `user_data`; it wins, and goes by the same rules."""
    said: Mapping[str, Any] = {**event.user_data, **given} if isinstance(given, Mapping) else event.user_data
    if not said:
        return {}
    if how == "leave_out":
        omitted.append(Omitted("user_data", "the setting user_data leaves it out"))
        return {}
    if how == "plain":
        return plain(said) or {}
    return _hashed(
        said, event.identity if said is event.user_data else Identity({"user_data": said}), default_country, omitted
    )


def _hashed(
    said: Mapping[str, Any], identity: Identity, default_country: str | None, omitted: list[Omitted]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    _put(made, "sha256_email_address", identity.hashed("email", email_text), omitted)
    _put(made, "sha256_phone_number", identity.phone_plus(default_country), omitted)
    address: dict[str, Any] = {}
    for field in ("first_name", "last_name", "street"):
        _put(address, f"sha256_{field}", identity.hashed(field, lower_text), omitted)
    for field in ("city", "region", "postal_code"):
        if (text := identity.plain(field)) is not None:
            address[field] = text
    if (country := identity.plain("country", country_code)) is not None:
        address["country"] = country.upper()
    if address:
        made["address"] = address
    if (ids := plain(said.get("external_id"))) is not None and not isinstance(ids, dict):
        made["external_id"] = ids
    omitted.extend(
        Omitted(f"user_data.{key}", "a hash would not hide it; set user_data: plain to send it")
        for key in ("date_of_birth", "gender")
        if said.get(key)
    )
    return made


def _put(made: dict[str, Any], key: str, found: Found, omitted: list[Omitted]) -> None:
    hashes, faults = found
    if hashes:
        # The first 64 characters: a hash that Meta's parameter builder made has an appendix behind them.
        made[key] = list(dict.fromkeys(one[:64] for one in hashes))
    omitted.extend(Omitted(f"user_data.{key}", why) for why in faults)
