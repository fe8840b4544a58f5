"""`user`: who it was. Source: TikTok, Events API 2.0, user parameters.

E-mail, telephone (with its plus sign), names, postal code and the shop's ids are hashed; places, TikTok's own ids,
address and agent go in the clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event
from tagserver.plugin.identity import (
    COUNTRY_CODE,
    EMAIL,
    EXTERNAL_ID,
    PHONE_PLUS,
    compact_text,
    in_clear,
    lower_text,
    rule,
)
from tagserver.plugin.table import HASH, HASHES, Field, From, Part
from tagserver.plugin.values import BROWSER_ID, IP, TEXT, click_id


def _locale(event: Event) -> str:
    return event.facts.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()


USER = Part(
    "user",
    Field("email", EMAIL, HASHES),
    Field("phone", PHONE_PLUS, HASHES),
    Field("external_id", EXTERNAL_ID, HASHES),
    Field("first_name", rule("first_name", compact_text), HASH),
    Field("last_name", rule("last_name", compact_text), HASH),
    Field("zip_code", rule("postal_code", compact_text, common=True), HASH),
    Field("city", in_clear("city", lower_text), TEXT, clear=True),
    Field("state", in_clear("region", lower_text), TEXT, clear=True),
    Field("country", COUNTRY_CODE, TEXT, clear=True),
    Field("ttclid", "click.ttclid", click_id("ttclid"), clear=True, first=True),
    Field("ttp", "cookie._ttp", BROWSER_ID, clear=True, first=True),
    Field("ip", "ip", IP, clear=True),
    Field("user_agent", "user_agent", TEXT, clear=True),
    Field("locale", From(_locale, ("header.accept-language",)), TEXT, clear=True),
    others="is no key that TikTok knows",
)
"""The click id in the page's address beats the cookie that keeps it."""


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """Whether TikTok can match: an identifier, a click, its cookie, or address and agent of the browser."""
    if user.keys() & {"email", "phone", "external_id", "ttclid", "ttp"}:
        return True
    return {"ip", "user_agent"} <= user.keys()
