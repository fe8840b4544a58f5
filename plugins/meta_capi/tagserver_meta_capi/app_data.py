"""What Meta needs of an event from an app, or from a conversation, and refuses a whole request without. Source: Meta's
pages on app events (`extinfo` is a list of exactly sixteen texts in a fixed order) and on business messaging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Event, Given, Group, Kind, Omitted, Skip
from tagserver.plugin.values import DATA, TEXT, is_text

EXTINFO = 16
NEEDED = ("advertiser_tracking_enabled", "application_tracking_enabled", "extinfo")
"""Without these Meta refuses a whole request. Some apps write them beside `app_data`."""


def _flag(value: Any) -> int | None:
    """0 or 1: Meta has refused true and false. 1 is somebody's permission, so no other word is taken for it."""
    if type(value) is str:
        return {"1": 1, "true": 1, "0": 0, "false": 0}.get(value.strip().lower())
    return int(value) if type(value) in (int, bool, float) and value in (0, 1) else None


def _extinfo(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) != EXTINFO:
        return None
    texts = ["" if one is None else str(one) if _is_short(one) else None for one in value]
    if None in texts or texts[0] not in ("a2", "i2") or not texts[4]:
        return None
    return [text for text in texts if text is not None]


def _is_short(value: Any) -> bool:
    if type(value) is str:
        return is_text(value)
    return isinstance(value, int | float) and abs(value) < 1e15


_FLAG = Kind(_flag, "is neither 0 nor 1")
FLAGS: Mapping[str, Kind] = {
    **dict.fromkeys(("advertiser_tracking_enabled", "application_tracking_enabled", "consider_views"), _FLAG),
    **dict.fromkeys(("include_dwell_data", "include_video_data"), _FLAG),
}
KINDS: Mapping[str, Kind] = {
    **FLAGS,
    "extinfo": Kind(_extinfo, "is not a list of sixteen texts that begins with a2 or i2"),
    **dict.fromkeys(("install_referrer", "installer_package", "vendor_id", "windows_attribution_id"), TEXT),
    **dict.fromkeys(("campaign_ids", "receipt_data", "url_schemes"), DATA),
}
"""All that Meta knows. It refuses a whole request for a key that it does not."""
_UNKNOWN = Kind(lambda value: None, "is no key that Meta knows here")


def build_app_data(event: Event, given: Given, omitted: list[Omitted]) -> dict[str, Any]:
    """The group for one event: what the tag says, else what the event does. Skips an event without what Meta needs."""
    made = Group("app_data", omitted)
    said = event.data.get("app_data")
    beside = {key: event.data[key] for key in NEEDED if key in event.data}
    for key, value in {**beside, **(said if isinstance(said, dict) else {}), **given.group("app_data")}.items():
        made.put(key, value, KINDS.get(key, _UNKNOWN))
    if missing := [f"app_data.{key}" for key in NEEDED if key not in made]:
        raise Skip("missing_required", f"an event of an app needs {' and '.join(missing)}", omitted)
    return made


_ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    "ctwa_clid": ("whatsapp_business_account_id", "page_id"),
    "page_scoped_user_id": ("page_id",),
    "ig_sid": ("ig_account_id", "instagram_business_account_id"),
}
"""Who it was in a conversation, and the account of the shop, one of which Meta needs to know whom that means."""


def check_messaging(body: Mapping[str, Any], omitted: list[Omitted]) -> None:
    """Skips an event without what Meta needs of a conversation: it would refuse a whole request for it."""
    user_data = body["user_data"]
    missing = [] if "messaging_channel" in body else ["messaging_channel"]
    for key, accounts in _ACCOUNTS.items():
        if key in user_data and not any(account in user_data for account in accounts):
            missing.append(f"user_data.{accounts[0]} beside {key}")
    if missing:
        raise Skip("missing_required", f"an event of a conversation needs {' and '.join(missing)}", omitted)
