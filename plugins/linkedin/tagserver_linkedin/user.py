"""`user`: who it was. Source: LinkedIn, Conversions API, user identifiers.

LinkedIn wants the e-mail hashed, and nothing else; names, country and the shop's id go in the clear. It takes no
telephone number and no user agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import ID, IDS, IP, TEXT, Event, Group, Omitted, Who, click_id
from tagserver_linkedin.settings import LinkedInSettings

EMAIL, COOKIE, ADDRESS = "SHA256_EMAIL", "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "PLAINTEXT_IP_ADDRESS"
OTHER_IDS = ("ACXIOM_ID", "ORACLE_MOAT_ID", "GOOGLE_AID")
"""Sent only where a tag has them."""
PLACES: Mapping[str, str] = {
    EMAIL: "email",
    "firstName": "address.first_name",
    "lastName": "address.last_name",
    "countryCode": "address.country",
    "externalIds": "external_id",
}
"""LinkedIn's names, and where an event's `user_data` holds the same."""
HASHED = (f"user.userIds[idType={EMAIL}].idValue",)
CLEAR = (
    *(f"user.userIds[idType={kind}].idValue" for kind in (COOKIE, ADDRESS, *OTHER_IDS)),
    *(f"user.userInfo.{key}" for key in ("firstName", "lastName", "title", "companyName", "countryCode")),
    *("user.externalIds", "user.lead"),
)
_KNOWN = frozenset({*PLACES, COOKIE, ADDRESS, *OTHER_IDS, "title", "companyName", "lead"})


def build_user(
    event: Event, given: Mapping[str, Any], settings: LinkedInSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user`, by LinkedIn's names; they win."""
    made = Group("user", omitted)
    who = Who(event, given, PLACES)
    made["userIds"] = _ids(event, given, who, settings, omitted)
    info = _info(given, who, omitted)
    if {"firstName", "lastName"} <= info.keys():
        made["userInfo"] = info
    elif info.keys() - {"countryCode"}:
        made.omit("userInfo", "LinkedIn wants first and last name, both in the clear, or none of it")
    for fault in who.of("externalIds").external_id_faults:
        made.omit("externalIds", fault)
    if ids := who.of("externalIds").external_ids:
        made.put("externalIds", [ids[0]], IDS)
        if len(ids) > 1:
            made.omit("externalIds", "LinkedIn takes one; the others are left out")
    made.put("lead", given.get("lead"), TEXT)
    for key in [key for key in given if key not in _KNOWN]:
        made.omit(key, "is no key that LinkedIn knows")
    return made


def _ids(
    event: Event, given: Mapping[str, Any], who: Who, settings: LinkedInSettings, omitted: list[Omitted]
) -> list[dict[str, str]]:
    """LinkedIn's list of identifiers: it must be there, also when it is empty."""
    found = Group("user", omitted)
    found.put_hashes(EMAIL, who.of(EMAIL).email)
    found.put_first(COOKIE, (given.get(COOKIE), event.clicks.get("li_fat_id")), click_id("li_fat_id"))
    if settings.send_ip or ADDRESS in given:
        found.put(ADDRESS, given.get(ADDRESS, event.facts.ip), IP)
        if ":" in found.get(ADDRESS, ""):
            del found[ADDRESS]
            found.omit(ADDRESS, "is an IPv6 address, and LinkedIn takes IPv4 alone")
    for key in OTHER_IDS:
        found.put(key, given.get(key), ID)
    emails = found.pop(EMAIL, [])
    return [{"idType": EMAIL, "idValue": one} for one in emails] + [
        {"idType": key, "idValue": value} for key, value in found.items()
    ]


def _info(given: Mapping[str, Any], who: Who, omitted: list[Omitted]) -> Group:
    made = Group("user", omitted)
    made.put("firstName", who.of("firstName").plain("first_name"), TEXT)
    made.put("lastName", who.of("lastName").plain("last_name"), TEXT)
    made.put("title", given.get("title"), TEXT)
    made.put("companyName", given.get("companyName"), TEXT)
    country = who.of("countryCode").country
    made.put("countryCode", country.upper() if country else None, TEXT)
    return made


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """What LinkedIn requires: one of its identifiers, or a first and a last name."""
    return bool(user["userIds"]) or "userInfo" in user
