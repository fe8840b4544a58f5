"""Reddit's documented rules of a request to its Conversions API v3, written from its documentation and apart from the
plugin. One bad event has the whole request refused, and Reddit does not say which."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Request
from tests.kit.stand_in import hollow

TOKEN = "a-reddit-token-that-must-not-leak"
PATH = "/api/v3/pixels/a2_abc123/conversion_events"
TYPES = "PAGE_VISIT VIEW_CONTENT SEARCH ADD_TO_CART ADD_TO_WISHLIST PURCHASE LEAD SIGN_UP CUSTOM"
EVENT = {"event_at", "action_source", "type", "click_id", "event_source_url", "user", "metadata"}
HASHED = {"email", "external_id", "phone_number", "idfa", "aaid"}
CLEAR = {"ip_address", "user_agent", "uuid"}
NUMBERS = (int, float)
METADATA = {"conversion_id": (str,), "currency": (str,), "value": NUMBERS, "item_count": (int,), "products": (list,)}
PRODUCT = {"id": (str,), "name": (str,), "category": (str,), "item_price": NUMBERS, "quantity": (int,)}
DAY_MS = 86_400_000
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def answer(request: Request, now: float) -> tuple[int, Any]:
    """What Reddit says."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("authorization") != f"Bearer {TOKEN}":
        return 401, {"error": {"code": 401, "reason": "UNAUTHORIZED", "message": "Authorization Required"}}
    if request.method != "POST" or not request.url.endswith(PATH):
        return 404, {"error": {"code": 404, "reason": "NOT_FOUND"}}
    body = json.loads(request.content)
    if body.keys() != {"data"} or body["data"].keys() - {"test_id", "partner", "events"}:
        return 400, {"error": {"code": 400, "reason": "INVALID_REQUEST", "message": "unknown fields of the envelope"}}
    events = body["data"]["events"]
    faults = [why for event in events if (why := refuse(event, now * 1000))]
    if faults or not 1 <= len(events) <= 1000:
        return 400, {"error": {"code": 400, "reason": "INVALID_REQUEST", "message": "; ".join(faults)}}
    return 200, {"data": {"message": f"Successfully processed {len(events)} conversion events."}}


def refuse(event: Mapping[str, Any], now: float) -> str | None:
    """Why Reddit would refuse an event at `now` (milliseconds), or None."""
    if event.keys() - EVENT:
        return "unknown fields"
    if (place := hollow(event)) is not None:
        return f"{place} is empty"
    at = event.get("event_at")
    if type(at) is not int or not now - 7 * DAY_MS <= at <= now + 300_000:
        return "event_at is in milliseconds, of the last seven days"
    if event.get("action_source") not in ("WEBSITE", "APP", "PHYSICAL_STORE", "OTHER"):
        return "action_source"
    kind = event.get("type", {})
    if kind.get("tracking_type") not in TYPES.split():
        return "tracking_type"
    if ("custom_event_name" in kind) != (kind["tracking_type"] == "CUSTOM"):
        return "custom_event_name"
    if not re.match(r"https?://[^/]", event.get("event_source_url", "https://a.example")):
        return "event_source_url"
    if not isinstance(event.get("click_id", ""), str):
        return "click_id"
    return _user(event.get("user", {})) or _metadata(event.get("metadata", {}))


def _user(user: Mapping[str, Any]) -> str | None:
    if user.keys() - HASHED - CLEAR - {"screen_dimensions", "data_processing_options"}:
        return "unknown fields of user"
    for key in HASHED & user.keys():
        if not isinstance(user[key], str) or not re.fullmatch("[0-9a-f]{64}", user[key]) or user[key] == NOTHING:
            return f"user.{key} is no hash"
    if not all(isinstance(user[key], str) for key in CLEAR & user.keys()):
        return "user holds something that is no text"
    if "ip_address" in user:
        ipaddress.ip_address(user["ip_address"])
    if not all(type(size) is int for size in user.get("screen_dimensions", {}).values()):
        return "user.screen_dimensions"
    options = user.get("data_processing_options", {"modes": ["LDU"]})
    if options.keys() - {"modes", "country", "region"} or options["modes"] != ["LDU"]:
        return "user.data_processing_options"
    return None if all(isinstance(options.get(key, ""), str) for key in ("country", "region")) else "place of LDU"


def _metadata(shop: Mapping[str, Any]) -> str | None:
    if not isinstance(shop.get("conversion_id"), str):
        return "metadata.conversion_id"
    if wrong := [key for key, value in shop.items() if type(value) not in METADATA.get(key, ())]:
        return f"metadata.{wrong[0]}"
    if not re.fullmatch("[A-Z]{3}", shop.get("currency", "EUR")):
        return "metadata.currency"
    for product in shop.get("products", []):
        if wrong := [key for key, value in product.items() if type(value) not in PRODUCT.get(key, ())]:
            return f"products.{wrong[0]}"
    return None
