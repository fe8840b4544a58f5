"""The visitor's IP address as a vendor may have it: one of a private network is nobody's."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

_PRIVATE = [
    ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]
LONGEST = 64


def public_ip(value: Any) -> str | None:
    """A visitor's address in its short form, IPv4 unmapped; None for what is none or belongs to a private network.

    Documentation ranges count as public: they are what examples and tests are written with.
    """
    return _public(value) if type(value) is str and len(value) <= LONGEST else None


@lru_cache(maxsize=4096)
def _public(text: str) -> str | None:
    try:
        found = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified:
        return None
    private = any(found.version == net.version and found in net for net in _PRIVATE)
    return None if private or found.is_reserved else str(found)
