"""The visitor's address, or nobody's."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.ip_address import public_ip

from .anything import any_json


@pytest.mark.parametrize(
    ("sent", "made"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 8.8.8.8 ", "8.8.8.8"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("10.0.0.1", None),
        ("172.16.5.4", None),
        ("192.168.1.1", None),
        ("100.64.0.1", None),
        ("127.0.0.1", None),
        ("169.254.1.1", None),
        ("0.0.0.0", None),
        ("224.0.0.1", None),
        ("240.0.0.1", None),
        ("::1", None),
        ("fe80::1", None),
        ("fd00::1", None),
        ("::ffff:10.0.0.1", None),
        ("8.8.8.8:80", None),
        ("a.example", None),
        ("", None),
        ("8" * 100, None),
        (8, None),
    ],
)
def test_addresses(sent: Any, made: str | None) -> None:
    """In their short form; those of private networks, and what is none, are None."""
    assert public_ip(sent) == made


@given(any_json | st.ip_addresses().map(str))
def test_no_value_raises(value: Any) -> None:
    """And what comes out is an address that goes in again unchanged."""
    made = public_ip(value)
    if made is not None:
        assert str(ipaddress.ip_address(made)) == made == public_ip(made)
