"""`user`: who it was. Source: LinkedIn, Conversions API, user identifiers.

LinkedIn wants the e-mail hashed, and nothing else; names, country and the shop's id go in the clear. It takes no
telephone number and no user agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group, Omitted
from tagserver.plugin.identity import EMAIL as EMAIL_RULE
from tagserver.plugin.identity import Who, in_clear
from tagserver.plugin.table import HASHES, Clear, Code, Field, Part
from tagserver.plugin.values import ID, IDS, IP, TEXT, click_id
from tagserver_linkedin.settings import LinkedInSettings

EMAIL, COOKIE, ADDRESS = "SHA256_EMAIL", "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "PLAINTEXT_IP_ADDRESS"
OTHER_IDS = ("ACXIOM_ID", "ORACLE_MOAT_ID", "GOOGLE_AID")
"""Sent only where a tag has them."""


def _path(kind: str) -> str:
    return f"userIds[idType={kind}].idValue"


def _put_address(made: Group, event: Event, given: Mapping[str, Any], settings: LinkedInSettings) -> None:
    if settings.send_ip or ADDRESS in given:
        made.put(ADDRESS, given.get(ADDRESS, event.facts.ip), IP)
        if ":" in made.get(ADDRESS, ""):
            del made[ADDRESS]
            made.omit(ADDRESS, "is an IPv6 address, and LinkedIn takes IPv4 alone")


def _put_ids(made: Group, event: Event, given: Mapping[str, Any], settings: LinkedInSettings) -> None:
    who = Who(event, given, {"externalIds": "external_id"}).of("externalIds")
    for fault in who.external_id_faults:
        made.omit("externalIds", fault)
    if ids := who.external_ids:
        made.put("externalIds", [ids[0]], IDS)
        if len(ids) > 1:
            made.omit("externalIds", "LinkedIn takes one; the others are left out")


USER_IDS = Part(
    "user",
    Field(EMAIL, EMAIL_RULE, HASHES, path=_path(EMAIL)),
    Field(COOKIE, "click.li_fat_id", click_id("li_fat_id"), clear=True, first=True, path=_path(COOKIE)),
    Code((ADDRESS,), _put_address, reads=("ip",), clear=(_path(ADDRESS),), free=False),
    *(Field(kind, None, ID, clear=True, path=_path(kind)) for kind in OTHER_IDS),
)
"""LinkedIn's list of identifiers, each under its kind."""
USER_INFO = Part(
    "user",
    Field("firstName", in_clear("first_name"), TEXT, clear=True, path="userInfo.firstName"),
    Field("lastName", in_clear("last_name"), TEXT, clear=True, path="userInfo.lastName"),
    Field("title", None, TEXT, clear=True, path="userInfo.title"),
    Field("companyName", None, TEXT, clear=True, path="userInfo.companyName"),
    Field(
        "countryCode",
        Clear("address.country", lambda who: who.country.upper() if who.country else None),
        TEXT,
        clear=True,
        path="userInfo.countryCode",
    ),
)
USER = Part(
    "user",
    Code(("externalIds",), _put_ids, reads=("user_data", "user_id"), clear=("externalIds",)),
    Field("lead", None, TEXT, clear=True),
    others="is no key that LinkedIn knows",
)


def build_user(
    event: Event, given: Mapping[str, Any], settings: LinkedInSettings, omitted: list[Omitted]
) -> dict[str, Any]:
    """The group for one event. `given`: what the tag's parameters set under `user`, by LinkedIn's names; they win."""
    ids = USER_IDS.fill(event, _among(given, USER_IDS), settings, omitted)
    emails = ids.pop(EMAIL, [])
    made: dict[str, Any] = {
        # It must be there, also when it is empty.
        "userIds": [{"idType": EMAIL, "idValue": one} for one in emails]
        + [{"idType": kind, "idValue": value} for kind, value in ids.items()]
    }
    info = USER_INFO.fill(event, _among(given, USER_INFO), settings, omitted)
    if {"firstName", "lastName"} <= info.keys():
        made["userInfo"] = info
    elif info.keys() - {"countryCode"}:
        omitted.append(Omitted("user.userInfo", "LinkedIn wants first and last name, both in the clear, or none of it"))
    others = {key: given[key] for key in given if key not in USER_IDS.names and key not in USER_INFO.names}
    return made | USER.fill(event, others, settings, omitted)


def _among(given: Mapping[str, Any], part: Part) -> dict[str, Any]:
    return {key: given[key] for key in given if key in part.names}


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """What LinkedIn requires: one of its identifiers, or a first and a last name."""
    return bool(user["userIds"]) or "userInfo" in user
