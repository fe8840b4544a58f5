"""Addresses of pages as Meta may have them."""

from __future__ import annotations

import re

from tagserver.plugin import clean_address
from tagserver_meta_capi.settings import MetaSettings

_origin = re.compile(r"https?://[^/?#\\\s]+", re.IGNORECASE).match


def page_address(said: object, settings: MetaSettings) -> str | None:
    """Without credentials and personal keys, or, with `core_setup`, the origin alone; None for what is none."""
    address = clean_address(said, settings.strip_query)
    if address is None or not settings.core_setup:
        return address
    found = _origin(address)
    return f"{found[0]}/" if found else None
