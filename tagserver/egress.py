"""May a request leave? Only to the https hosts that a plugin declares, unless operations allow more by name or
network."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


def refusal(url: str, declared: Collection[str], allowed: Collection[str]) -> str | None:
    """Why `url` may not be called, or None.

    `declared`: host names of the plugin, https only. `allowed`: host names and networks (`127.0.0.0/8`) of the
    operator, for literal addresses and names such as `localhost`; http is taken there too. Names are compared, not
    resolved.
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


def _is_allowed(host: str, allowed: Collection[str]) -> bool:
    if host in allowed:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any("/" in entry and (mapped or address) in ipaddress.ip_network(entry) for entry in allowed)
