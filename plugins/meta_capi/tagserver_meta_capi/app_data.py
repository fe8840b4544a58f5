"""`app_data` of events from an app. Source: Meta's page on app events; extinfo is a list of exactly sixteen
texts in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Omitted, is_text, sendable

_FLAGS = frozenset(
    [
        "advertiser_tracking_enabled",
        "application_tracking_enabled",
        "consider_views",
        "include_dwell_data",
        "include_video_data",
    ]
)
EXTINFO = 16


def build_app_data(given: Mapping[str, Any], omitted: list[Omitted]) -> dict[str, Any]:
    """The group. Flags become 0 or 1: Meta has refused true and false."""
    made: dict[str, Any] = {}
    for key, value in given.items():
        if value is None or value == "":
            continue
        if key in _FLAGS:
            if value in (True, "1", "true"):
                made[key] = 1
            elif value in (False, "0", "false"):
                made[key] = 0
            else:
                omitted.append(Omitted(f"app_data.{key}", "is neither 0 nor 1"))
        elif key == "extinfo":
            texts = _extinfo(value)
            if texts is None:
                omitted.append(Omitted("app_data.extinfo", "is not a list of sixteen texts that begins with a2 or i2"))
            else:
                made[key] = texts
        elif isinstance(key, str) and is_text(key) and sendable(value):
            made[key] = value
        else:
            omitted.append(Omitted(f"app_data.{str(key)[:60]}", "holds something that JSON cannot"))
    return made


def _is_short(value: Any) -> bool:
    if type(value) is str:
        return is_text(value)
    return isinstance(value, int | float) and abs(value) < 1e15


def _extinfo(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) != EXTINFO:
        return None
    texts = ["" if one is None else str(one) if _is_short(one) else None for one in value]
    if None in texts or texts[0] not in ("a2", "i2") or not texts[4]:
        return None
    return [text for text in texts if text is not None]
