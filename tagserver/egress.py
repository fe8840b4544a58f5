"""May a request leave? Only to the https hosts that a plugin declares, unless operations allow more by name or
network."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def refusal(url: str, declared: Collection[str], allowed: Collection[str]) -> str | None:
    """Why `url` may not be called, or None.

    `declared`: host names of the plugin, https only. `allowed`: host names and networks (`127.0.0.0/8`) of the
    operator, for literal addresses and names such as `localhost`; http is taken there too. Names are compared here;
    what they lead to is checked when the connection is made (`address_refusal`).
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        parts.port  # noqa: B018 (raises for a port that is none)
    except ValueError:
        return "it is no address"
    if not host or parts.scheme not in ("http", "https"):
        return "it is no http address"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password"
    if _is_allowed(host, allowed):
        return None
    if host not in declared:
        return f"{host} is not among the hosts of this destination ({', '.join(declared) or 'none'})"
    return None if parts.scheme == "https" else f"{host} is called by https only"


def address_refusal(host: str, address: str, allowed: Collection[str]) -> str | None:
    """Why `address`, to which `host` was resolved, may not be called, or None.

    Public addresses may; others only where operations allow the name or the network. Addresses that carry another one
    inside (IPv4 mapped into IPv6, 6to4, Teredo, NAT64) are judged by that one.
    """
    if host in allowed or _is_allowed(address, allowed):
        return None
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{host} has no address that can be read"
    return None if _is_public(found) else f"{host} leads to an address that is not public"


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address in _NAT64_LOCAL:
            return False
    return address.is_global and not address.is_multicast


def _is_allowed(host: str, allowed: Collection[str]) -> bool:
    if host in allowed:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any("/" in entry and (mapped or address) in ipaddress.ip_network(entry) for entry in allowed)
