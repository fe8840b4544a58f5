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


def networks_of(text: str) -> tuple[str, ...]:
    """The networks that a text may mean in any spelling: `203.0.113.128/25`, `10.0.0.0/255.0.0.0`,
    `10.0.0.1-10.0.0.9`, `192.168.*`; none for anything else, a single address too."""
    text = text.strip()
    try:
        if "/" in text:
            return (str(ip_network(text, strict=False)),)
        if (found := _WILDCARD.match(text)) is not None:
            numbers = found[1].strip(".").split(".")
            filled = ".".join([*numbers, *["0"] * (4 - len(numbers))])
            return (str(ip_network(f"{filled}/{8 * len(numbers)}")),)
        first, dash, last = (one.strip() for one in text.partition("-"))
        if not dash:
            return ()
        if last.isdecimal():  # 10.0.0.1-9
            last = f"{first.rpartition('.')[0]}.{last}"
        return tuple(map(str, summarize_address_range(ip_address(first), ip_address(last))))
    except (ValueError, TypeError):  # TypeError: one end is IPv4, the other IPv6
        return ()


def _misread(text: str) -> BadNetwork:
    """Why a text is no network: ranges and wildcards have another spelling, everything else is none."""
    if meant := networks_of(text):
        more = ["…"] if len(meant) > _MOST_SHOWN else []
        return BadNetwork(f'"{text}" is no network', f"write {', '.join([*meant[:_MOST_SHOWN], *more])}")
    like = any(map(str.isdigit, text)) and any(sign in text for sign in ".:")
    hint = "write 198.51.100.0/24, 2001:db8::/48, or one address"
    return BadNetwork(f'"{text}" is no network and no IP address', hint, like=like)


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
