"""IP networks: which addresses lie in them. Operand of `in`.

One address is a network of one. An IPv4 address that is written as IPv6 (`::ffff:198.51.100.7`, RFC 4291 section
2.5.5.2) is the IPv4 address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

Network = IPv4Network | IPv6Network

LONGEST = 64
"""Characters of an address or network; the longest IPv6 address has 45."""
_MAPPED_BITS = 96
_MOST_SHOWN = 4
_WRITTEN = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?\Z")
_WILDCARD = re.compile(r"((?:[0-9]{1,3}\.){1,3})\*(?:\.\*)*\Z")


class BadNetwork(ValueError):
    """A text that is no network; its text says what is wrong, and `hint` is the fix, or empty. `like` is whether it was
    meant as one."""

    def __init__(self, message: str, hint: str = "", *, like: bool = True) -> None:
        super().__init__(message)
        self.hint = hint
        self.like = like


def parse_network(text: str) -> Network:
    """`198.51.100.0/24`, `2001:db8::/48`, or one address. Raises BadNetwork, also for an address with more behind it
    than its network has: `198.51.100.7/24` may mean either."""
    text = text.strip()
    if len(text) > LONGEST or not _WRITTEN.match(text):
        raise _misread(text)
    alone = text.partition("/")[0]
    try:
        network, address = ip_network(text, strict=False), ip_address(alone)
    except ValueError:
        raise _misread(text) from None
    if network.network_address != address:
        said = f'"{text}" is an address in a network'
        raise BadNetwork(said, f"write {network} for the network, or {alone} for the address")
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        return network if mapped is None else IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def _misread(text: str) -> BadNetwork:
    """Why a text is no network: ranges and wildcards have another spelling, everything else is none."""
    if (found := _WILDCARD.match(text)) and (whole := _wildcard(found[1])):
        return BadNetwork(f'"{text}" is no network', f"write {whole}")
    first, dash, last = text.partition("-")
    if dash and (inside := _range(first, last)):
        return BadNetwork(f'"{text}" is no network', f"write {', '.join(inside)}")
    like = any(map(str.isdigit, text)) and any(sign in text for sign in ".:")
    hint = "write 198.51.100.0/24, 2001:db8::/48, or one address"
    return BadNetwork(f'"{text}" is no network and no IP address', hint, like=like)


def _wildcard(head: str) -> str:
    parts = head.strip(".").split(".")
    try:
        return str(ip_network(f"{'.'.join([*parts, *['0'] * (4 - len(parts))])}/{8 * len(parts)}"))
    except ValueError:
        return ""


def _range(first: str, last: str) -> list[str]:
    """The networks that make up a range, if there are few."""
    begin, end = _address(first), _address(last)
    try:
        if isinstance(begin, IPv4Address) and isinstance(end, IPv4Address):
            found: list[Network] = list(summarize_address_range(begin, end))
        elif isinstance(begin, IPv6Address) and isinstance(end, IPv6Address):
            found = list(summarize_address_range(begin, end))
        else:
            return []
    except ValueError:
        return []
    return [*map(str, found[:_MOST_SHOWN]), *(["…"] if len(found) > _MOST_SHOWN else [])]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, IPv4 in its own form; None for what is none, and for one that means something on one machine alone
    (`fe80::1%eth0`)."""
    text = text.strip()
    if not text or len(text) > LONGEST or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


class Networks:
    """Some networks. Whether an address lies in one of them takes one look for each length of prefix among them,
    however many they are."""

    __slots__ = ("_by_version", "_shown")

    def __init__(self, networks: Iterable[Network]) -> None:
        known: dict[int, dict[int, set[int]]] = {4: {}, 6: {}}
        shown = []
        for one in networks:
            shift = one.max_prefixlen - one.prefixlen
            known[one.version].setdefault(shift, set()).add(int(one.network_address) >> shift)
            shown.append(str(one if shift else one.network_address))
        self._by_version = {
            version: tuple((shift, frozenset(heads)) for shift, heads in found.items())
            for version, found in known.items()
        }
        self._shown = shown

    def hold(self, value: object) -> bool:
        """Whether a value is an address in one of them. What is no address is in none."""
        if type(value) is not str or (address := _address(value)) is None:
            return False
        number = int(address)
        for shift, heads in self._by_version[address.version]:  # noqa: SIM110 (a generator costs more than a look)
            if number >> shift in heads:
                return True
        return False

    def __str__(self) -> str:
        """A few of them, and how many more there are."""
        some = ", ".join(self._shown[:_MOST_SHOWN])
        more = len(self._shown) - _MOST_SHOWN
        return f"{some} and {more} more" if more > 0 else some
