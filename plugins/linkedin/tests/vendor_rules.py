"""LinkedIn's documented rules of a batch to its Conversions API, written from its documentation and apart from the
plugin. One bad conversion has the whole batch refused; the message names each by a line `Index: n, ERROR :: why`."""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Request
from tests.kit.stand_in import hollow

TOKEN = "a-linkedin-token-that-must-not-leak"
RULES = ("104012", "7")
ID_TYPES = (
    "SHA256_EMAIL LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID ACXIOM_ID ORACLE_MOAT_ID PLAINTEXT_IP_ADDRESS GOOGLE_AID"
)
DAY = 86_400


def answer(request: Request, now: float) -> tuple[int, Any]:
    """What LinkedIn says."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    version = headers.get("linkedin-version", "")
    if not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])", version) or version < _a_year_before(now):
        return 426, {"status": 426, "code": "NONEXISTENT_VERSION", "message": "Requested version is not active"}
    if headers.get("authorization") != f"Bearer {TOKEN}":
        return 401, {"status": 401, "code": "REVOKED_ACCESS_TOKEN", "message": "The token was revoked by the user"}
    if headers.get("x-restli-protocol-version") != "2.0.0" or headers.get("x-restli-method") != "BATCH_CREATE":
        return 400, {"status": 400, "message": "a batch needs its headers"}
    if request.method != "POST" or not request.url.endswith("/rest/conversionEvents"):
        return 404, {"status": 404, "message": "No such resource"}
    body = json.loads(request.content)
    if body.keys() != {"elements"} or not 1 <= len(body["elements"]) <= 5000:
        return 400, {"status": 400, "message": "elements holds 1 to 5000 conversions"}
    if any(one["conversion"].rpartition(":")[2] not in RULES for one in body["elements"]):
        return 404, {"status": 404, "message": "Could not find the conversion"}
    faults = [(index, why) for index, one in enumerate(body["elements"]) if (why := refuse(one, now))]
    if faults:
        lines = "".join(f"Index: {index}, ERROR :: {why}\n" for index, why in faults)
        return 422, {"status": 422, "message": lines}
    return 200, {"elements": [{"status": 201}] * len(body["elements"])}


def _a_year_before(now: float) -> str:
    return time.strftime("%Y%m", time.gmtime(now - 366 * DAY))


def refuse(event: Mapping[str, Any], now: float) -> str | None:
    """Why LinkedIn would refuse a conversion at `now` (seconds), or None."""
    if event.keys() - {"conversion", "conversionHappenedAt", "conversionValue", "eventId", "user"}:
        return "unknown fields"
    happened, value = event.get("conversionHappenedAt"), event.get("conversionValue")
    if type(happened) is not int or not (now - 90 * DAY) * 1000 <= happened <= now * 1000:
        return "conversionHappenedAt is in milliseconds, of the last 90 days"
    if not isinstance(event.get("eventId"), str) or not event["eventId"]:
        return "eventId"
    if value is not None and (
        value.keys() != {"currencyCode", "amount"}
        or not re.fullmatch("[A-Z]{3}", value["currencyCode"])
        or not isinstance(value["amount"], str)
        or not re.fullmatch(r"-?\d+(\.\d+)?", value["amount"])
    ):
        return "conversionValue is a currency and a decimal text"
    return _user(event["user"])


def _user(user: Mapping[str, Any]) -> str | None:
    if user.keys() - {"userIds", "userInfo", "externalIds", "lead"}:
        return "unknown fields of user"
    if not isinstance(user.get("userIds"), list):
        return "userIds is required"
    for one in user["userIds"]:
        if one.keys() != {"idType", "idValue"} or one["idType"] not in ID_TYPES.split() or not one["idValue"]:
            return "userIds"
        if one["idType"] == "SHA256_EMAIL" and not re.fullmatch("[0-9a-f]{64}", one["idValue"]):
            return "SHA256_EMAIL is no hash"
        if one["idType"] == "PLAINTEXT_IP_ADDRESS":
            ipaddress.IPv4Address(one["idValue"])
    info = user.get("userInfo", {"firstName": "a", "lastName": "b"})
    if info.keys() - {"firstName", "lastName", "title", "companyName", "countryCode"} or hollow(info):
        return "userInfo"
    if not {"firstName", "lastName"} <= info.keys() or not all(isinstance(one, str) for one in info.values()):
        return "userInfo needs firstName and lastName"
    if not re.fullmatch("[A-Z]{2}", info.get("countryCode", "DE")):
        return "countryCode"
    ids = user.get("externalIds", ["a"])
    if len(ids) != 1 or not isinstance(ids[0], str) or not ids[0]:
        return "externalIds takes one text"
    return None if user["userIds"] or "userInfo" in user else "nobody"
