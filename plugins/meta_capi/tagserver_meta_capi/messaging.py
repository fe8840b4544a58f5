"""Events from a conversation. Source: Meta's page on conversions for business messaging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagserver.plugin import Omitted, Skip

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
