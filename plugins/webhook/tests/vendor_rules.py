"""A receiver that keeps to the specification of Standard Webhooks, written apart from the plugin."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

TOLERANCE = 300


def faults(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> list[str]:
    """What a receiver finds wrong with a message."""
    found = []
    known = {name.lower(): value for name, value in headers.items()}
    message, stamp = known.get("webhook-id", ""), known.get("webhook-timestamp", "")
    if not message or "." in message or not message.isascii() or not message.isprintable() or " " in message:
        found.append("webhook-id")
    if not stamp.isdigit() or abs(int(stamp) - now) > TOLERANCE:
        found.append("webhook-timestamp")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(
        hmac.new(key, b".".join([message.encode(), stamp.encode(), body]), hashlib.sha256).digest()
    )
    signatures = [one.partition(",") for one in known.get("webhook-signature", "").split(" ")]
    if not any(version == "v1" and hmac.compare_digest(text.encode(), wanted) for version, _, text in signatures):
        found.append("webhook-signature")
    if known.get("content-type") != "application/json":
        found.append("content-type")
    return found + _body_faults(body)


def _body_faults(body: bytes) -> list[str]:
    found = []
    held = json.loads(body)
    if not set(held) <= {"type", "timestamp", "data", "restricted"} or not held.get("type"):
        found.append("envelope")
    try:
        if datetime.fromisoformat(held["timestamp"]).tzinfo is None:
            found.append("timestamp without zone")
    except (KeyError, ValueError):
        found.append("timestamp")
    if not isinstance(held.get("data"), dict) or not held["data"].get("event_id"):
        found.append("data")
    return found
