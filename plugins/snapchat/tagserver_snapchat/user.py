"""`user_data`: who it was, hashed where Snap wants hashes. Source: Snap, Conversions API, Parameters.

Snap's rules for names, e-mail and phone are those of the kit (accents stay); places are only trimmed and lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Kind
from tagserver.plugin.identity import (
    BIRTH_DATE,
    COUNTRY,
    EMAIL,
    EXTERNAL_ID,
    FIRST_NAME,
    GENDER,
    LAST_NAME,
    PHONE,
    lower_text,
    rule,
    state_text,
)
from tagserver.plugin.table import HASHES, Field, Part
from tagserver.plugin.values import BROWSER_ID, IP, click_id, identifier, is_text

LONGEST_ID, LONGEST_AGENT = 500, 1024


def _id(value: Any) -> str | None:
    text = identifier(value)
    return text if text is not None and len(text) <= LONGEST_ID else None


def _agent(value: Any) -> str | None:
    sound = isinstance(value, str) and is_text(value) and not value.isspace()
    return value[:LONGEST_AGENT] if sound else None


_ID = Kind(_id, "is not a short text")


def _american(text: str) -> str:
    code = state_text(text, "us")
    return code if len(code) == 2 else lower_text(text)


def region(text: str, country: str | None) -> str:
    """A state of the US as its two letters, everything else in lower case."""
    return _american(text) if country in (None, "us") else lower_text(text)


USER_DATA = Part(
    "user_data",
    Field("em", EMAIL, HASHES),
    Field("ph", PHONE, HASHES),
    Field("fn", FIRST_NAME, HASHES),
    Field("ln", LAST_NAME, HASHES),
    Field("ge", GENDER, HASHES),
    Field("db", BIRTH_DATE, HASHES),
    Field("ct", rule("city", lower_text, "is no city", common=True), HASHES),
    Field("st", rule("region", region, "is no region", in_country=True, common=True), HASHES),
    Field("zp", rule("postal_code", lower_text, "is no postal code", common=True), HASHES),
    Field("country", COUNTRY, HASHES),
    Field("external_id", EXTERNAL_ID, HASHES),
    Field("sc_click_id", ("click.sccid", "user_data.sc_click_id"), click_id("sccid"), clear=True, first=True),
    Field("sc_cookie1", ("cookie._scid", "user_data.sc_cookie1"), BROWSER_ID, clear=True, first=True),
    *(Field(key, f"user_data.{key}", _ID, clear=True) for key in ("madid", "idfv", "lead_id", "subscription_id")),
    Field("client_ip_address", "ip", IP, clear=True),
    Field("client_user_agent", "user_agent", Kind(_agent, "is not text"), clear=True),
    others="is no key that Snap knows",
)


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """Whether Snap can match: an e-mail, a phone, an advertising id, or address and agent of the browser."""
    if "em" in user or "ph" in user or "madid" in user:
        return True
    return "client_ip_address" in user and "client_user_agent" in user
