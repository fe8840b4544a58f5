"""Didomi's `didomi_token`: base64 of JSON, `{vendors: {enabled, disabled}, purposes: {enabled, disabled}}`. Grammar as
seen in cookies of public code. Its binary form, `didomi_dcs`, speaks of vendors by numbers of the maker's own: it is
not read, and counts as a refusal where it stands alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from tagserver.consent.cookies.choice import of_vendors, unreadable
from tagserver.consent.cookies.decoding import json_object, plain_text
from tagserver.consent.needs import ConsentPolicy
from tagserver.consent.state import Reading


def read(cookies: Mapping[str, str], policy: ConsentPolicy) -> list[Reading]:
    """The reading of Didomi's cookie, if there is one. Vendors and purposes have the site's ids:
    `consent.cmp_vendors`."""
    if not (raw := cookies.get("didomi_token")):
        return [unreadable("didomi", "didomi_dcs")] if cookies.get("didomi_dcs") else []
    value = json_object(_unpacked(plain_text(raw) or ""))
    if value is None:
        return [unreadable("didomi", "not_base64_json")]
    said: dict[str, bool] = {}
    purposes = value.get("purposes")
    # A vendor has consent only together with its purposes: who has refused them all has accepted nobody.
    refused = isinstance(purposes, dict) and bool(purposes.get("disabled")) and not purposes.get("enabled")
    for group in ("vendors", "purposes"):
        for list_name, granted in (("enabled", True), ("disabled", False)):
            names = _names(value.get(group), list_name)
            if names is None:
                return [unreadable("didomi", group)]
            # What stands in both lists is refused.
            said |= {name: granted and not refused and said.get(name, True) for name in names}
    return [of_vendors("didomi", said, policy.cmp_vendors)] if said else []


def _unpacked(text: str) -> str | None:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True).decode()
    except ValueError:  # no base64, or no UTF-8 in it
        return None


def _names(group: Any, list_name: str) -> list[str] | None:
    """The texts of a list, none where it is missing; None when it is something else."""
    if group is None:
        return []
    names = group.get(list_name, []) if isinstance(group, dict) else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None
