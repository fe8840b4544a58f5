"""IP addresses of visitors: their one form, cut to a network, whether a vendor may have one, and where it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from tagserver.event.event import MISSING

Region = tuple[str | None, str | None]
"""Country (ISO 3166-1) and subdivision (ISO 3166-2, `US-CA`); None: unknown."""
Locate = Callable[[str | None], Region]
UNKNOWN: Region = (None, None)


def nowhere(ip: str | None) -> Region:
    """Every address is unknown: for when there is no database."""
    return UNKNOWN


def open_database(path: str) -> Locate:
    """A function that finds the region of an address. Raises OSError and ValueError, whose texts say why, and
    ImportError without the library, which nobody needs who has no database."""
    import maxminddb

    if not Path(path).is_file():
        raise OSError("there is no such file")
    try:
        reader = maxminddb.open_database(path)
    except maxminddb.InvalidDatabaseError:
        raise ValueError("it is no database in MaxMind's format") from None

    def locate(ip: str | None) -> Region:
        if ip is None:
            return UNKNOWN
        try:
            return region_of_record(reader.get(ip))
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address; IPv6 in a database of IPv4; a damaged page
            return UNKNOWN

    return locate


def region_of_record(record: Any) -> Region:
    """What a record of a city or country database says: `country.iso_code`, and that of the first subdivision.

    Where a network is registered is not where its users are: `registered_country` is not read.
    """
    country = _code(_under(record, "country"), 2)
    if country is None or not country.isalpha():
        return UNKNOWN
    parts = _under(record, "subdivisions")
    part = _code(parts[0], 3) if isinstance(parts, list) and parts else None
    return country, None if part is None else f"{country}-{part}"


def _under(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _code(record: Any, longest: int) -> str | None:
    code = _under(record, "iso_code")
    sound = isinstance(code, str) and code.isascii() and code.isalnum() and len(code) <= longest
    return code.upper() if sound else None


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


def clean_ip(value: object) -> str | None:
    """An IP address in its short form, without brackets, port or IPv4 mapping; None when it is none."""
    if not isinstance(value, str) or not value or len(value) > 64:
        return None
    return _clean_ip(value)


@lru_cache(maxsize=4096)
def _clean_ip(value: str) -> str | None:
    text = value.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def truncated_ip(value: Any) -> Any:
    """An address without what tells one visitor from another: the last byte of IPv4, the last 80 bits of IPv6."""
    try:
        address = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        address = None
    if address is None:
        return MISSING
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)
