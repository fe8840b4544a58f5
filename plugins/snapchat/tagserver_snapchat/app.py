"""`app_data` of events from an app. Source: Snap, Using the API: flags are 0 or 1, extinfo has sixteen texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Kind
from tagserver.plugin.table import Field, Part
from tagserver.plugin.values import DATA, is_text

EXTINFO = 16


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


FLAGS: Mapping[str, Kind] = dict.fromkeys(
    ("advertiser_tracking_enabled", "application_tracking_enabled"), Kind(_flag, "is neither 0 nor 1", free=False)
)
APP_DATA = Part(
    "app_data",
    *(Field(key, None, kind) for key, kind in FLAGS.items()),
    Field("extinfo", None, Kind(_extinfo, "is not a list of sixteen texts that begins with a2 or i2")),
    tag="over",
    others=DATA,
)
