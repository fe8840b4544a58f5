"""TikTok's documented rules of a request to the Events API 2.0 (v1.3), written from its documentation and apart from
the plugin. TikTok says what is wrong by a code in the body; the status is 200."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Request
from tests.kit.stand_in import hollow

TOKEN = "a-tiktok-token-that-must-not-leak"
PATH = "/open_api/v1.3/event/track/"
EVENT = {"event", "event_time", "event_id", "user", "page", "properties", "limited_data_use", "lead"}
HASHED = {"email", "phone", "external_id", "first_name", "last_name", "zip_code"}
CLEAR = {"city", "state", "country", "ttclid", "ttp", "ip", "user_agent", "locale"}
CONTENT = {"content_id", "content_name", "content_category", "brand"}
TEXTS = ("order_id", "shop_id", "query", "search_string", "description")
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def answer(request: Request, now: float) -> tuple[int, Any]:
    """What TikTok says."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not request.url.endswith(PATH) or request.method != "POST":
        return 404, None
    if headers.get("access-token") != TOKEN or "authorization" in headers:
        return 200, _said(40105, "Access token is incorrect or has been revoked.")
    body = json.loads(request.content)
    if (why := refuse(body, now)) is not None:
        return 200, _said(40002, why)
    return 200, _said(0, "OK")


def _said(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "request_id": "20260921141320ABCDEF", "data": {}}


def refuse(body: Mapping[str, Any], now: float) -> str | None:
    """Why TikTok would refuse a request at `now` (seconds), or None."""
    if body.keys() - {"event_source", "event_source_id", "test_event_code", "partner_name", "data"}:
        return "unknown fields of the envelope"
    if body.get("event_source") not in ("web", "app", "offline", "crm") or not isinstance(body["event_source_id"], str):
        return "event_source"
    if not 1 <= len(body["data"]) <= 1000:
        return "data holds 1 to 1000 events"
    if (place := hollow(body)) is not None:
        return f"{place} is empty"
    return next((why for event in body["data"] if (why := _event(event, now))), None)


def _event(event: Mapping[str, Any], now: float) -> str | None:
    if event.keys() - EVENT:
        return "unknown fields of an event"
    if not all(isinstance(event.get(key), str) for key in ("event", "event_id")):
        return "event and event_id are text"
    time = event.get("event_time")
    if type(time) is not int or not now - 28 * 86400 <= time <= now:
        return "event_time is in seconds, of the last 28 days"
    if type(event.get("limited_data_use", False)) is not bool:
        return "limited_data_use"
    for key, address in event.get("page", {}).items():
        if key not in ("url", "referrer") or not re.match(r"https?://[^/]", address):
            return f"page.{key}"
    return _user(event.get("user", {})) or _properties(event.get("properties", {}))


def _user(user: Mapping[str, Any]) -> str | None:
    if user.keys() - HASHED - CLEAR:
        return "unknown fields of user"
    for key in HASHED & user.keys():
        values = user[key] if isinstance(user[key], list) and key in ("email", "phone", "external_id") else [user[key]]
        if not all(re.fullmatch("[0-9a-f]{64}", one) and one != NOTHING for one in values):
            return f"user.{key} is not hashed"
    if not all(isinstance(user[key], str) for key in CLEAR & user.keys()):
        return "user holds something that is no text"
    if any(user.get(key, "").lower() != user.get(key, "") for key in ("city", "state", "country")):
        return "places are in lower case"
    if not re.fullmatch("[a-z]{2}", user.get("country", "de")):
        return "user.country"
    if "ip" in user:
        ipaddress.ip_address(user["ip"])
    return None


def _properties(shop: Mapping[str, Any]) -> str | None:
    if type(shop.get("value", 0)) not in (int, float):
        return "properties.value is a number"
    if not re.fullmatch("[A-Z]{3}", shop.get("currency", "EUR")):
        return "properties.currency"
    if shop.get("content_type", "product") not in ("product", "product_group"):
        return "properties.content_type"
    if not all(isinstance(shop.get(key, ""), str) for key in TEXTS):
        return "properties holds something that is no text"
    for content in shop.get("contents", []):
        if content.keys() - CONTENT - {"price", "quantity"}:
            return "unknown fields of contents"
        if not all(isinstance(content.get(key, ""), str) for key in CONTENT):
            return "contents holds something that is no text"
        if type(content.get("price", 0)) not in (int, float) or type(content.get("quantity", 1)) is not int:
            return "price and quantity are numbers"
    return None
