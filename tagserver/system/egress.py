"""May a request leave? Only to the https hosts that a plugin declares, unless operations allow more by name or
network."""

from __future__ import annotations

import ipaddress
import socket
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


def literal_refusal(url: str, allowed: Collection[str]) -> str | None:
    """Why an address that names its host by number, or as this machine itself, will never be called, or None: also for
    names, of which that shows when they are looked up. In all the forms of numbers that systems take (`127.1`)."""
    host = urlsplit(url).hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if _is_allowed(host, allowed) or not (number := "127.0.0.1" if local else _number(host)):
        return None
    return f"{host} is not public" if address_refusal(host, number, allowed) is not None else None


def certain_refusal(url: str, declared: Collection[str], allowed: Collection[str]) -> str | None:
    """Why a request to `url` will never leave, as far as that shows before any name is looked up, or None."""
    return refusal(url, declared, allowed) or literal_refusal(url, allowed)


def _number(host: str) -> str:
    """The usual form of an address that is written as a number; empty for names."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return ""


_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is public today (RFC 4291, IANA): not `::a.b.c.d`, which some systems take for IPv4."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address not in _GLOBAL_UNICAST:
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
