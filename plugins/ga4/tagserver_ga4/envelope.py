"""What stands around the events of a request: who, with which properties and which consent. Events share a request
only when all of it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Given, Group, Kind, Mode, Omitted, Skip
from tagserver.plugin.values import ID, identifier, is_missing, is_text, read_wish, wish_kind
from tagserver_ga4.names import property_fault
from tagserver_ga4.settings import Ga4Settings
from tagserver_ga4.user import build_user_data
from tagserver_ga4.values import SCALAR, cut, short
from tagserver_ga4.visit import LONGEST_CLIENT, client_ids

GROUPS = ("user_properties", "user_data", "consent", "user_location", "device", "params")
NO_PERSONAL_ADS = "non_personalized_ads"
_FAULT = "is neither true nor false, and is taken as true"
FIELDS = frozenset(
    [
        "event_name",
        "client_id",
        "user_id",
        "timestamp_micros",
        NO_PERSONAL_ADS,
        "ip_override",
        "validation_behavior",
        *GROUPS,
    ]
)
"""Parameters of a tag that are no event parameters."""
MOST_PROPERTIES = 25
LONGEST_USER_ID = 256
LONGEST_PROPERTY_VALUE = 36
CONSENT = ("ad_user_data", "ad_personalization")
_PLACES = {
    "user_location": frozenset({"city", "region_id", "country_id", "subcontinent_id", "continent_id"}),
    "device": frozenset(
        [
            *("category", "language", "screen_resolution", "operating_system", "operating_system_version"),
            *("model", "brand", "browser", "browser_version"),
        ]
    ),
}


def _user(value: Any) -> str | None:
    text = identifier(value)
    return None if text is None or len(text) > LONGEST_USER_ID or "@" in text else text


def _switch(value: Any) -> str | None:
    """Google's word; what a flag's `no` says is a denial."""
    word = value.strip().upper() if isinstance(value, str) else ""
    if word in ("GRANTED", "DENIED"):
        return word
    said = read_wish(value)
    return None if said.limits is None or not said.clear else "GRANTED" if said.limits else "DENIED"


_USER = Kind(
    _user, f"is no id of at most {LONGEST_USER_ID} characters, or an e-mail address, which Google forbids here"
)
_SWITCH = Kind(_switch, "is neither granted nor denied, and is taken as denied")
_CLIENT = short(ID, LONGEST_CLIENT)
_PLACE = short(ID, 100)
KINDS: dict[str, Kind] = {NO_PERSONAL_ADS: wish_kind(_FAULT), **{f"consent.{key}": _SWITCH for key in CONSENT}}
"""Of a tag's parameters, for constants in the configuration."""
_UNKNOWN = Kind(lambda value: None, "is no field that Google knows")
_ADDRESS = short(ID, 45)
_BEHAVIOR = Kind(
    lambda value: value if value in ("RELAXED", "ENFORCE_RECOMMENDATIONS") else None,
    "is neither RELAXED nor ENFORCE_RECOMMENDATIONS",
)


def build_envelope(
    event: Event, given: Given, settings: Ga4Settings, mode: Mode, omitted: list[Omitted]
) -> dict[str, Any]:
    """The envelope for one event. `given`: what the tag sets of it. Skips an event without a client id."""
    fields = given.fields
    made = Group("", omitted)
    made["client_id"] = _client(event, fields, omitted)
    made.put("user_id", fields.get("user_id", event.data.get("user_id") if settings.send_user_id else None), _USER)
    if properties := _properties(given.group("user_properties"), omitted):
        made["user_properties"] = properties
    said = given.group("user_data")
    if settings.send_user_data and mode == "send":
        if user_data := build_user_data(event, said, settings, omitted):
            made["user_data"] = user_data
    elif settings.send_user_data or said:
        made.omit("user_data", "consent restricts" if settings.send_user_data else "send_user_data is off")
    if consent := _consent(given.group("consent"), event, mode, omitted):
        made["consent"] = consent
    wish = read_wish(fields.get(NO_PERSONAL_ADS))
    if not wish.clear:
        made.omit(NO_PERSONAL_ADS, _FAULT)
    if mode == "restrict" or wish.limits:
        made[NO_PERSONAL_ADS] = True
    for key, known in _PLACES.items():
        place = Group(key, omitted)
        for name, value in given.group(key).items():
            place.put(name, value, _PLACE if name in known else _UNKNOWN)
        if place:
            made[key] = place
    made.put("ip_override", fields.get("ip_override", event.facts.ip if settings.send_ip else None), _ADDRESS)
    made.put("validation_behavior", fields.get("validation_behavior"), _BEHAVIOR)
    return made


def _client(event: Event, fields: Mapping[str, Any], omitted: list[Omitted]) -> str:
    made = Group("", omitted)
    made.put_first("client_id", (fields.get("client_id"), *client_ids(event)), _CLIENT)
    if "client_id" not in made:
        raise Skip("no_identity", "there is no client_id and no _ga cookie; Google counts nobody without", omitted)
    found: str = made["client_id"]
    return found


def _properties(said: Mapping[Any, Any], omitted: list[Omitted]) -> dict[str, Any]:
    made = Group("user_properties", omitted)
    for key, value in said.items():
        value = value.get("value") if isinstance(value, Mapping) else value
        if is_missing(value):
            continue
        fault = property_fault(key) if isinstance(key, str) and is_text(key) else "is no text"
        if fault is not None:
            made.omit(key, f"its name {fault}")
        elif len(made) == MOST_PROPERTIES:
            made.omit(key, f"is one more than {MOST_PROPERTIES}")
        else:
            made.put(key, value, cut(SCALAR, LONGEST_PROPERTY_VALUE))
    return {key: {"value": value} for key, value in made.items()}


def _consent(said: Mapping[Any, Any], event: Event, mode: Mode, omitted: list[Omitted]) -> dict[str, Any]:
    """Google's two switches. What is not granted is denied, and where consent restricts both are, whatever a tag
    says."""
    made = Group("consent", omitted)
    for key in CONSENT:
        if mode == "restrict" or key not in event.granted:
            made[key] = "DENIED"
        else:
            made.put(key, said.get(key), _SWITCH)
            if key in said and key not in made:
                made[key] = "DENIED"
    return made
