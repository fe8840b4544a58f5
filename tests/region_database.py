"""Writes small databases of regions, as MaxMind's specification of the format (version 2.0) has it."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from typing import Any

_MARK = b"\xab\xcd\xefMaxMind.com"


def _encoded(value: Any) -> bytes:
    """One value of the data section: a control byte with type and size, then the value."""
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(_encoded(key) + _encoded(held) for key, held in value.items())
    if isinstance(value, str):
        text = value.encode()
        return bytes([2 << 5 | len(text)]) + text
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(_encoded, value))
    return _number(value, 6, ">I")


def _number(value: int, kind: int, form: str) -> bytes:
    """A whole number; kinds from 8 on stand in a byte of their own."""
    packed = struct.pack(form, value)
    control = bytes([kind << 5 | len(packed)]) if kind < 8 else bytes([len(packed), kind - 7])
    return control + packed


def region_database(records: Mapping[str, Any]) -> bytes:
    """A database in which each network (`81.2.69.0/24`, all of IPv4) has its record."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    leaves: dict[tuple[int, int], int] = {}
    for network_text, record in records.items():
        network = ipaddress.ip_network(network_text)
        bits = [int(network.network_address) >> 31 - place & 1 for place in range(network.prefixlen)]
        node = 0
        for bit in bits[:-1]:
            following = nodes[node][bit]
            if following is None:
                following = nodes[node][bit] = len(nodes)
                nodes.append([None, None])
            node = following
        leaves[node, bits[-1]] = len(data)
        data += _encoded(record)
    count = len(nodes)
    tree = b""
    for number, node_pair in enumerate(nodes):
        for bit, following in enumerate(node_pair):
            offset = leaves.get((number, bit))
            found = count + 16 + offset if offset is not None else count if following is None else following
            tree += found.to_bytes(3, "big")
    numbers = [
        ("binary_format_major_version", 2, 5, ">H"),
        ("binary_format_minor_version", 0, 5, ">H"),
        ("build_epoch", 1_790_000_000, 9, ">Q"),
        ("ip_version", 4, 5, ">H"),
        ("node_count", count, 6, ">I"),
        ("record_size", 24, 5, ">H"),
    ]
    texts: dict[str, Any] = {"database_type": "Test", "languages": ["en"], "description": {"en": "for tests"}}
    about = bytes([7 << 5 | len(numbers) + len(texts)])
    about += b"".join(_encoded(name) + _number(value, kind, form) for name, value, kind, form in numbers)
    about += b"".join(_encoded(name) + _encoded(value) for name, value in texts.items())
    return tree + bytes(16) + data + _MARK + about
