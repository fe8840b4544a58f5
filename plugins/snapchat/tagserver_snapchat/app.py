"""`app_data` of events from an app. Source: Snap, Using the API: flags are 0 or 1, extinfo has sixteen texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import MISSING, Omitted
from tagserver_snapchat.values import is_empty, is_text, sendable, shown

FLAGS = frozenset({"advertiser_tracking_enabled", "application_tracking_enabled"})
EXTINFO = 16


def build_app_data(given: Mapping[str, Any], omitted: list[Omitted]) -> dict[str, Any]:
    """The group, without what does not fit."""
    made: dict[str, Any] = {}
    for key, value in given.items():
        if value is MISSING or is_empty(value):
            continue
        if key in FLAGS:
            flag = _flag(value)
            if flag is None:
                omitted.append(Omitted(f"app_data.{key}", "is neither 0 nor 1"))
            else:
                made[key] = flag
        elif key == "extinfo":
            if (texts := _extinfo(value)) is None:
                omitted.append(Omitted("app_data.extinfo", "is not a list of sixteen texts that begins with a2 or i2"))
            else:
                made[key] = texts
        elif isinstance(key, str) and is_text(key) and sendable(value):
            made[key] = value
        else:
            omitted.append(Omitted(f"app_data.{shown(key)}", "holds something that JSON cannot"))
    return made


def _flag(value: Any) -> int | None:
    if type(value) is str:
        return {"1": 1, "true": 1, "0": 0, "false": 0}.get(value.strip().lower())
    return int(value) if type(value) in (int, bool, float) and value in (0, 1) else None


def _extinfo(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) != EXTINFO:
        return None
    texts = ["" if one is None else one if type(one) is str and is_text(one) else None for one in value]
    if texts[0] not in ("a2", "i2") or None in texts:
        return None
    return [text for text in texts if text is not None]
