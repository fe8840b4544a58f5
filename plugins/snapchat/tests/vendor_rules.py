"""What Snap documents about one event of its Conversions API v3, as a check that knows nothing of the plugin."""

from __future__ import annotations

import re
from typing import Any

EVENTS = re.compile(
    r"PURCHASE|SAVE|START_CHECKOUT|ADD_CART|VIEW_CONTENT|ADD_BILLING|SIGN_UP|SEARCH|PAGE_VIEW|SUBSCRIBE|"
    r"AD_CLICK|AD_VIEW|COMPLETE_TUTORIAL|LEVEL_COMPLETE|INVITE|LOGIN|SHARE|RESERVE|ACHIEVEMENT_UNLOCKED|"
    r"ADD_TO_WISHLIST|SPENT_CREDITS|RATE|START_TRIAL|LIST_VIEW|APP_INSTALL|APP_OPEN"
    r"|CUSTOM_EVENT_[1-5]"
)
TOP = {
    *("event_name", "event_time", "event_id", "action_source", "event_source_url", "user_data", "custom_data"),
    *("app_data", "integration", "test_event_code", "data_processing_options"),
    *("data_processing_options_country", "data_processing_options_state"),
}
HASHED = ["em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id"]
PLAIN = ["client_ip_address", "client_user_agent", "sc_click_id", "sc_cookie1", "madid", "idfv", "lead_id"]
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def refuse(event: dict[str, Any], now: float) -> str | None:
    """Why Snap would refuse this event at `now` (seconds), or None."""
    if unknown := event.keys() - TOP:
        return f"unknown fields {unknown}"
    if not EVENTS.fullmatch(event.get("event_name", "")):
        return "event_name"
    time = event.get("event_time")
    if type(time) is not int or not now - 37 * 86400 <= time <= now:
        return "event_time"
    if event.get("action_source") not in ("WEB", "MOBILE_APP", "OFFLINE"):
        return "action_source"
    if not isinstance(event.get("event_id"), str) or not event["event_id"]:
        return "event_id"
    user = event.get("user_data", {})
    for key, value in user.items():
        if key in HASHED:
            if not value or not all(re.fullmatch(r"[0-9a-f]{64}", one) and one != NOTHING for one in value):
                return f"user_data.{key} is not hashed"
        elif key not in [*PLAIN, "subscription_id"] or type(value) is not str or not value:
            return f"user_data.{key}"
    if not user.keys() & {"em", "ph", "madid"} and not {"client_ip_address", "client_user_agent"} <= user.keys():
        return "insufficient PII"
    return _custom(event) or _limited(event)


def _custom(event: dict[str, Any]) -> str | None:
    custom = event.get("custom_data", {})
    if "custom_data" in event and not custom:
        return "empty custom_data"
    if event["event_name"] == "PURCHASE" and not {"value", "currency"} <= custom.keys():
        return "price or currency missing"
    if "currency" in custom and not re.fullmatch(r"[A-Z]{3}", custom["currency"]):
        return "currency"
    if "value" in custom and type(custom["value"]) not in (int, float):
        return "value"
    if not all(type(one) is str and one for one in custom.get("content_ids", [])):
        return "content_ids"
    return None


def _limited(event: dict[str, Any]) -> str | None:
    if "data_processing_options" not in event:
        return None
    if event["data_processing_options"] not in (["LDU"], ["LMU"]):
        return "data_processing_options"
    place = (event["data_processing_options_country"], event["data_processing_options_state"])
    return None if all(type(one) is int for one in place) else "place of data_processing_options"
