"""What stands around the events of a request: who, with which properties and which consent. Events share a request
only when all of it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Mode, Omitted, Skip
from tagserver_ga4.names import property_fault
from tagserver_ga4.settings import Ga4Settings
from tagserver_ga4.user import build_user_data
from tagserver_ga4.values import identifier, is_text, missing, scalar
from tagserver_ga4.visit import LONGEST_CLIENT, client_id

GROUPS = ("user_properties", "user_data", "consent", "user_location", "device", "params")
FIELDS = frozenset(
    [
        "event_name",
        "event_id",
        "client_id",
        "user_id",
        "timestamp_micros",
        "non_personalized_ads",
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


def build_envelope(
    event: Event, given: Mapping[str, Any], settings: Ga4Settings, mode: Mode, omitted: list[Omitted]
) -> dict[str, Any]:
    """The envelope for one event. `given`: what the tag sets of it. Skips an event without a client id."""
    made: dict[str, Any] = {"client_id": _client(event, given, omitted)}
    if (user := _user(event, given, settings, omitted)) is not None:
        made["user_id"] = user
    if properties := _properties(_group(given, "user_properties", omitted), omitted):
        made["user_properties"] = properties
    said = _group(given, "user_data", omitted)
    if settings.send_user_data and mode == "send":
        if user_data := build_user_data(event, said, settings, omitted):
            made["user_data"] = user_data
    elif settings.send_user_data or said:
        why = "consent restricts" if settings.send_user_data else "send_user_data is off"
        omitted.append(Omitted("user_data", why))
    if consent := _consent(_group(given, "consent", omitted), mode, omitted):
        made["consent"] = consent
    if mode == "restrict" or given.get("non_personalized_ads") is True:
        made["non_personalized_ads"] = True
    for key, known in _PLACES.items():
        if place := _texts(key, _group(given, key, omitted), known, omitted):
            made[key] = place
    address = given.get("ip_override", event.facts.ip if settings.send_ip else None)
    if isinstance(address, str) and address and is_text(address) and len(address) <= 45:
        made["ip_override"] = address
    behavior = given.get("validation_behavior")
    if behavior in ("RELAXED", "ENFORCE_RECOMMENDATIONS"):
        made["validation_behavior"] = behavior
    return made


def _client(event: Event, given: Mapping[str, Any], omitted: list[Omitted]) -> str:
    found = identifier(given.get("client_id")) or identifier(client_id(event))
    if found is None or len(found) > LONGEST_CLIENT:
        raise Skip("no_identity", "there is no client_id and no _ga cookie; Google counts nobody without", omitted)
    return found


def _user(event: Event, given: Mapping[str, Any], settings: Ga4Settings, omitted: list[Omitted]) -> str | None:
    said = given.get("user_id", event.data.get("user_id") if settings.send_user_id else None)
    if missing(said):
        return None
    text = identifier(said)
    if text is None or len(text) > LONGEST_USER_ID:
        omitted.append(Omitted("user_id", f"is no id of at most {LONGEST_USER_ID} characters"))
    elif "@" in text:
        omitted.append(Omitted("user_id", "looks like an e-mail address, which Google forbids here"))
    else:
        return text
    return None


def _properties(said: Mapping[Any, Any], omitted: list[Omitted]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in said.items():
        if isinstance(value, Mapping):
            value = value.get("value")
        if missing(value):
            continue
        if not isinstance(key, str) or not is_text(key):
            omitted.append(Omitted("user_properties", "a name that is no text"))
            continue
        kept = scalar(value)
        fault = property_fault(key)
        if fault is None and kept is None:
            fault = "is neither text nor number"
        if fault is None and len(made) == MOST_PROPERTIES:
            fault = f"is one more than {MOST_PROPERTIES}"
        if fault is not None:
            omitted.append(Omitted(f"user_properties.{key[:40]}", fault))
            continue
        if isinstance(kept, str) and len(kept) > LONGEST_PROPERTY_VALUE:
            omitted.append(Omitted(f"user_properties.{key}", f"is cut to {LONGEST_PROPERTY_VALUE} characters"))
            kept = kept[:LONGEST_PROPERTY_VALUE]
        made[key] = {"value": kept}
    return made


def _consent(said: Mapping[Any, Any], mode: Mode, omitted: list[Omitted]) -> dict[str, str]:
    """Google's two switches. Where consent restricts, both are denied, whatever a tag says."""
    if mode == "restrict":
        return dict.fromkeys(CONSENT, "DENIED")
    made: dict[str, str] = {}
    for key in CONSENT:
        value = said.get(key)
        if missing(value):
            continue
        word = (
            value.strip().upper()
            if isinstance(value, str)
            else {True: "GRANTED", False: "DENIED"}.get(value)
            if isinstance(value, bool)
            else None
        )
        if word in ("GRANTED", "DENIED"):
            made[key] = word
        else:
            omitted.append(Omitted(f"consent.{key}", "is neither granted nor denied"))
    return made


def _texts(group: str, said: Mapping[Any, Any], known: frozenset[str], omitted: list[Omitted]) -> dict[str, str]:
    made: dict[str, str] = {}
    for key, value in said.items():
        if missing(value):
            continue
        text = identifier(value)
        if key in known and text is not None and len(text) <= 100:
            made[key] = text
        else:
            shown = key[:40] if isinstance(key, str) and is_text(key) else "?"
            omitted.append(Omitted(f"{group}.{shown}", "is no field that Google knows, or no short text"))
    return made


def _group(given: Mapping[str, Any], key: str, omitted: list[Omitted]) -> Mapping[Any, Any]:
    value = given.get(key)
    if missing(value):
        return {}
    if isinstance(value, Mapping):
        return value
    omitted.append(Omitted(key, "is not a map"))
    return {}
