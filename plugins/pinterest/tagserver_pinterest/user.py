"""`user_data`: who it was. Source: Pinterest's description of its API, `ConversionEventsUserData`.

Everything is hashed, as lists, but for the visitor's address and agent, the click id and a partner's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Group
from tagserver.plugin.identity import (
    BIRTH_DATE,
    CITY,
    COUNTRY,
    EMAIL,
    EXTERNAL_ID,
    PHONE,
    REGION,
    digits_text,
    gender_text,
    hash_values,
    lower_text,
    rule,
)
from tagserver.plugin.table import HASHES, Code, Field, Part
from tagserver.plugin.values import ID, IP, TEXT, click_id
from tagserver_pinterest.settings import PinterestSettings

DEVICES = "hashed_maids"


def gender(text: str) -> str:
    """`f`, `m`, or `n` for non-binary, which Pinterest alone knows."""
    return "n" if lower_text(text).replace("-", "") in ("n", "nonbinary") else gender_text(text)


def _put_devices(made: Group, event: Event, given: Mapping[str, Any], settings: PinterestSettings) -> None:
    devices = given.get(DEVICES, event.user_data.get("madid"))
    values = devices if isinstance(devices, list) else [devices]
    made.put_hashes(DEVICES, hash_values(values, lower_text, "is no id", md5=False))


USER_DATA = Part(
    "user_data",
    Field("em", EMAIL, HASHES),
    Field("ph", PHONE, HASHES),
    Field("ge", rule("gender", gender), HASHES),
    Field("db", BIRTH_DATE, HASHES),
    Field("fn", rule("first_name", lower_text), HASHES),
    Field("ln", rule("last_name", lower_text), HASHES),
    Field("ct", CITY, HASHES),
    Field("st", REGION, HASHES),
    Field("zp", rule("postal_code", digits_text, "holds no digits, and Pinterest wants no more", common=True), HASHES),
    Field("country", COUNTRY, HASHES),
    Field("external_id", EXTERNAL_ID, HASHES),
    Code((DEVICES,), _put_devices, reads=("user_data",), hashed=(DEVICES,), free=False),
    Field("client_ip_address", "ip", IP, clear=True),
    Field("client_user_agent", "user_agent", TEXT, clear=True),
    Field("click_id", "click.epik", click_id("epik"), clear=True, first=True),
    Field("partner_id", None, ID, clear=True),
    others="is no key that Pinterest knows",
)


def finds_somebody(user: Mapping[str, Any]) -> bool:
    """What Pinterest requires: an e-mail, an advertising id, or address and agent of the browser."""
    return "em" in user or DEVICES in user or {"client_ip_address", "client_user_agent"} <= user.keys()
