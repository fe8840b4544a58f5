"""What may leave, and where to: addresses as a plugin writes them, and what names lead to."""

from __future__ import annotations

import pytest

from tagserver.system.egress import address_refusal, literal_refusal, refusal

DECLARED = ("graph.example", "api.example")
ALLOWED = ("127.0.0.0/8", "10.1.0.0/16", "fd00::/8", "localhost", "proxy.internal", "192.0.2.7")


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.example/v1?x=1#y",
        "https://GRAPH.example/",
        "https://graph.example:8443/",
        "http://127.0.0.1:9000/x",
        "http://127.9.9.9/",
        "https://10.1.255.255/",
        "http://[fd00::1]:80/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:8080",
        "http://proxy.internal/",
        "http://192.0.2.7/",
    ],
)
def test_allowed(url: str) -> None:
    assert refusal(url, DECLARED, ALLOWED) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://graph.example/", "https only"),
        ("https://evil.example/", "not among the hosts"),
        ("https://sub.graph.example/", "not among the hosts"),
        ("https://graph.example.evil.example/", "not among the hosts"),
        ("https://graph.example./", "not among the hosts"),
        ("https://user@graph.example/", "user name or password"),
        ("https://:pass@graph.example/", "user name or password"),
        ("https://@graph.example/", "user name or password"),
        ("https://graph.example@evil.example/", "user name or password"),
        ("https://graph.example\\@evil.example/", "user name or password"),
        ("ftp://graph.example/", "no http address"),
        ("file:///etc/passwd", "no http address"),
        ("//graph.example/", "no http address"),
        ("graph.example", "no http address"),
        ("https:///x", "no http address"),
        ("", "no http address"),
        ("https://graph.example:99999/", "no address"),
        ("https://graph.example:x/", "no address"),
        ("https://[::1/", "no address"),
        ("http://10.2.0.1/", "not among the hosts"),
        ("http://2130706433/", "not among the hosts"),
        ("http://0x7f.1/", "not among the hosts"),
        ("http://[::1]/", "not among the hosts"),
        ("http://169.254.169.254/latest", "not among the hosts"),
        ("http://192.0.2.8/", "not among the hosts"),
    ],
)
def test_refused(url: str, why: str) -> None:
    """Look-alikes, other schemes, credentials, addresses in other spellings."""
    assert why in (refusal(url, DECLARED, ALLOWED) or "it may leave")


def test_without_hosts_nothing_may_leave() -> None:
    assert (
        refusal("https://graph.example/", (), ()) == "graph.example is not among the hosts of this destination (none)"
    )


@pytest.mark.parametrize(
    ("host", "address", "may"),
    [
        ("graph.example", "157.240.1.1", True),
        ("graph.example", "2a03:2880::1", True),
        ("graph.example", "127.0.0.1", True),  # the network is allowed
        ("graph.example", "10.1.2.3", True),
        ("graph.example", "10.2.2.3", False),
        ("graph.example", "192.168.0.1", False),
        ("graph.example", "172.16.0.1", False),
        ("graph.example", "169.254.169.254", False),
        ("graph.example", "100.64.0.1", False),
        ("graph.example", "0.0.0.0", False),
        ("graph.example", "224.0.0.1", False),
        ("graph.example", "255.255.255.255", False),
        ("graph.example", "::1", False),
        ("graph.example", "::", False),
        ("graph.example", "fe80::1%eth0", False),
        ("graph.example", "fc00::1", False),
        ("graph.example", "fd00::1", True),
        ("graph.example", "ff02::1", False),
        ("graph.example", "::ffff:192.168.0.1", False),
        ("graph.example", "::ffff:157.240.1.1", True),
        ("graph.example", "::ffff:127.0.0.1", True),
        ("graph.example", "64:ff9b::a9fe:a9fe", False),
        ("graph.example", "64:ff9b::9df0:101", True),
        ("graph.example", "64:ff9b:1::1", False),
        ("graph.example", "2002:c0a8:1::1", False),
        ("graph.example", "nonsense", False),
        ("proxy.internal", "192.168.0.1", True),
    ],
)
def test_what_a_name_leads_to(host: str, address: str, may: bool) -> None:
    """A public name may point at the inside (DNS rebinding, the metadata service); a name that operations allow may."""
    assert (address_refusal(host, address, ALLOWED) is None) == may


@pytest.mark.parametrize("last", ["8.8.8.8", "127.0.0.1", "10.0.0.1", "169.254.169.254"])
@pytest.mark.parametrize("front", ["::", "::ffff:0:", "2002::", "fe80::5efe:", "100::", "4000::", "::1:"])
def test_ipv4_in_ipv6_that_is_none_is_not_public(front: str, last: str) -> None:
    """Some systems take `::127.0.0.1` for 127.0.0.1; all of the public network lies in 2000::/3."""
    address = "2002:7f00:1::" if front == "2002::" else front + last
    assert address_refusal("vendor.example", address, ()) is not None
    assert address_refusal("vendor.example", address, ("vendor.example",)) is None


@pytest.mark.parametrize(
    ("url", "never"),
    [
        ("https://10.0.0.5/in", True),
        ("https://127.0.0.1:8443/", True),
        ("https://127.1/", True),
        ("https://2130706433/", True),
        ("https://0x7f.1/", True),
        ("https://169.254.169.254/latest", True),
        ("https://[::1]/", True),
        ("https://[::127.0.0.1]/", True),
        ("https://[fd00::1]/", True),
        ("https://localhost/", True),
        ("https://api.localhost/", True),
        ("https://8.8.8.8/", False),
        ("https://[2a03:2880::1]/", False),
        ("https://api.example/", False),
        ("https://10.example/", False),
        ("https://localhost.example/", False),
    ],
)
def test_a_number_that_is_not_public_is_known_before_it_is_called(url: str, never: bool) -> None:
    assert (literal_refusal(url, ()) is not None) == never
    assert literal_refusal(url, ("0.0.0.0/0", "::/0", "localhost", "api.localhost")) is None
