"""Pinterest's documented rules of a request to its Conversions API v5, written from its description of the API and
apart from the plugin. It says of each event what became of it."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Request
from tests.kit.stand_in import hollow

TOKEN = "a-pinterest-token-that-must-not-leak"
PATH = re.compile(r".*/v5/ad_accounts/549755885175/events(\?test=true)?")
NAMES = """
    add_payment_info add_to_cart add_to_wishlist app_install checkout custom initiate_checkout lead page_visit search
    signup subscribe view_category view_content watch_video
    app_open contact customize_product find_location schedule start_trial submit_application
"""
EVENT = """
    event_name action_source event_time event_id event_source_url opt_out partner_name user_data custom_data app_id
    app_name app_version device_brand device_carrier device_model device_type os_version wifi language app_info
    device_info
"""
HASHED = "em ph ge db ln fn ct st zp country external_id hashed_maids"
CLEAR = "client_ip_address client_user_agent click_id partner_id"
CUSTOM = {
    **dict.fromkeys(
        ("currency", "order_id", "search_string", "content_name", "content_category", "content_brand"), str
    ),
    **dict.fromkeys(("value", "predicted_ltv", "opt_out_type", "np"), str),
    **dict.fromkeys(("content_ids", "contents"), list),
    "num_items": int,
}
CONTENT = {"id": str, "item_name": str, "item_category": str, "item_brand": str, "item_price": str, "quantity": int}
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def answer(request: Request, now: float) -> tuple[int, Any]:
    """What Pinterest says."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("authorization") != f"Bearer {TOKEN}":
        return 401, {"code": 2, "message": "Authentication failed."}
    if request.method != "POST" or not PATH.fullmatch(request.url):
        return 404, {"code": 50, "message": "Ad account not found."}
    body = json.loads(request.content)
    if body.keys() != {"data"} or not 1 <= len(body["data"]) <= 1000:
        return 400, {"code": 4196, "message": "data holds 1 to 1000 events, and nothing stands beside it"}
    faults = [refuse(event, now) for event in body["data"]]
    return 200, {
        "num_events_received": len(faults),
        "num_events_processed": faults.count(None),
        "events": [{"status": "failed", "error_message": why} if why else {"status": "processed"} for why in faults],
    }


def refuse(event: Mapping[str, Any], now: float) -> str | None:
    """Why Pinterest would refuse an event at `now` (seconds), or None."""
    if event.keys() - set(EVENT.split()):
        return "unknown fields"
    if (place := hollow(event)) is not None:
        return f"{place} is empty"
    if event.get("event_name") not in NAMES.split():
        return "event_name"
    if event.get("action_source") not in ("web", "app_ios", "app_android", "offline"):
        return "action_source"
    time = event.get("event_time")
    if type(time) is not int or not now - 7 * 86400 <= time <= now:
        return "event_time is in seconds, of the last seven days"
    if not isinstance(event.get("event_id"), str) or type(event.get("opt_out", False)) is not bool:
        return "event_id or opt_out"
    if not re.match(r"https?://[^/]", event.get("event_source_url", "https://a.example")):
        return "event_source_url"
    return _user(event.get("user_data", {})) or _custom(event.get("custom_data", {}))


def _user(user: Mapping[str, Any]) -> str | None:
    if user.keys() - {*HASHED.split(), *CLEAR.split()}:
        return "unknown fields of user_data"
    for key in user.keys() & set(HASHED.split()):
        values = user[key] if isinstance(user[key], list) else [None]
        if not all(isinstance(one, str) and re.fullmatch("[0-9a-f]{64}", one) and one != NOTHING for one in values):
            return f"user_data.{key} is no list of hashes"
    if not all(isinstance(user[key], str) for key in user.keys() & set(CLEAR.split())):
        return "user_data holds something that is no text"
    if "client_ip_address" in user:
        ipaddress.ip_address(user["client_ip_address"])
    if not user.keys() & {"em", "hashed_maids"} and not {"client_ip_address", "client_user_agent"} <= user.keys():
        return "user_data needs em, hashed_maids, or address and agent"
    return None


def _custom(custom: Mapping[str, Any]) -> str | None:
    if wrong := [key for key, value in custom.items() if type(value) is not CUSTOM.get(key)]:
        return f"custom_data.{wrong[0]}"
    if not all(DECIMAL.fullmatch(custom.get(key, "0")) for key in ("value", "predicted_ltv")):
        return "custom_data.value is a decimal text"
    if not re.fullmatch("[A-Z]{3}", custom.get("currency", "EUR")):
        return "custom_data.currency"
    if not all(isinstance(one, str) for one in custom.get("content_ids", [])):
        return "custom_data.content_ids"
    for content in custom.get("contents", []):
        if wrong := [key for key, value in content.items() if type(value) is not CONTENT.get(key)]:
            return f"contents.{wrong[0]}"
        if not DECIMAL.fullmatch(content.get("item_price", "0")):
            return "contents.item_price is a decimal text"
    return None
