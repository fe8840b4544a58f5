"""`in`: which address is in which network, what is no network, and that many of them cost no more than one."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.triggers import CompiledTrigger
from tagserver.expressions.networks import BadNetwork, Networks, parse_network
from tagserver.expressions.scope import Scope

from ..events import event
from .world import container, decide, load

GRANTED = {"ad_storage": "granted", "ad_user_data": "granted"}
ADDRESSES = st.ip_addresses().map(str)
NETWORKS = st.builds(
    lambda address, bits: ipaddress.ip_network((address, min(bits, address.max_prefixlen)), strict=False),
    st.ip_addresses(),
    st.integers(0, 128),
)


def trigger(when: str, variables: str = "{}") -> CompiledTrigger:
    """A trigger with one `when`, through the whole compiler."""
    made = container(
        f"destinations: {{box: {{type: box}}}}\nvariables: {variables}\ntriggers: {{it: {{when: {when}}}}}\n"
        "tags: [{name: A, destination: box, triggers: [it]}]\n"
    ).triggers["it"]
    assert isinstance(made, CompiledTrigger)
    return made


OFFICE = '{ip: {in: [198.51.100.0/24, "2001:db8::/48", 203.0.113.7]}}'


@pytest.mark.parametrize(
    ("when", "ip", "holds"),
    [
        (OFFICE, "198.51.100.0", True),
        (OFFICE, "198.51.100.255", True),
        (OFFICE, "198.51.101.0", False),
        (OFFICE, "198.51.99.255", False),
        (OFFICE, "2001:db8::1", True),
        (OFFICE, "2001:DB8:0:ffff:ffff:ffff:ffff:ffff", True),
        (OFFICE, "2001:db8:1::", False),
        (OFFICE, "203.0.113.7", True),
        (OFFICE, "203.0.113.70", False),
        (OFFICE, None, False),
        ("{ip: {in: 203.0.113.7}}", "203.0.113.7", True),
        ("{ip: {in: 203.0.113.7}}", "203.0.113.8", False),
        ("{ip: {in: 2001:db8::/48}}", "2001:db8::9", True),
        ("{ip: {in: [0.0.0.0/0]}}", "9.9.9.9", True),
        ("{ip: {in: [0.0.0.0/0]}}", "::1", False),
        ('{ip: {in: ["::/0"]}}', "::1", True),
        ('{ip: {in: ["::/0"]}}', "9.9.9.9", False),
        ('{ip: {in: ["::ffff:198.51.100.0/120"]}}', "198.51.100.9", True),
        ('{ip: {in: ["::ffff:198.51.100.9"]}}', "198.51.100.9", True),
        ("{not: {ip: {in: 203.0.113.7}}}", "203.0.113.7", False),
        ("{not: {ip: {in: 203.0.113.7}}}", "203.0.113.8", True),
        ("{not: {ip: {in: 203.0.113.7}}}", None, True),
    ],
)
def test_which_address_is_in_it(when: str, ip: str | None, holds: bool) -> None:
    made, scope = trigger(when), Scope(event(ip=ip))
    assert made.holds(scope) is holds
    met, of = made.met(scope)
    assert (met == of) is holds


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ("198.51.100.7", True),
        (" 198.51.100.7\n", True),
        ("::ffff:198.51.100.7", True),
        ("::ffff:c633:6407", True),
        ("198.51.100.7:443", False),
        ("198.51.100.7, 203.0.113.1", False),
        ("198.051.100.007", False),
        ("fe80::1%eth0", False),
        ("office", False),
        ("", False),
        (None, False),
        (True, False),
        (3325256711, False),
        (["198.51.100.7"], False),
        ({"a": 1}, False),
        ("1" * 100_000, False),
    ],
)
def test_a_value_that_is_no_address_is_in_none(value: Any, holds: bool) -> None:
    """A variable, a header or a field of one's own may be asked, too."""
    networks = "{in: [198.51.100.0/24, 'fe80::/16']}"
    variables = "{where: {path: crm.address}}"
    for left in ("where", "crm.address"):
        assert trigger(f"{{{left}: {networks}}}", variables).holds(Scope(event({"crm": {"address": value}}))) is holds


def test_a_header_may_hold_an_address() -> None:
    made = trigger("{header.X-Real-IP: {in: [198.51.100.0/24]}}")
    assert made.holds(Scope(event(headers={"x-real-ip": "198.51.100.7"})))
    assert not made.holds(Scope(event(headers={"x-real-ip": "198.51.101.7"})))


@pytest.mark.parametrize(
    "variables",
    [
        "{office: {constant: [198.51.100.0/24, 203.0.113.7]}}",
        "{office: {constant: 198.51.100.0/24}}",
        '{kind: {choose: [{when: {ip: {in: "{{ office }}"}}, value: own}]}, office: {constant: [198.51.100.0/24]}}',
    ],
)
@pytest.mark.parametrize("operand", ['"{{ office }}"', '["{{ office }}", 192.0.2.1]'])
def test_networks_may_stand_in_a_variable_that_is_constant(variables: str, operand: str) -> None:
    """Wherever it is declared."""
    made = trigger(f"{{ip: {{in: {operand}}}}}", variables)
    assert made.holds(Scope(event(ip="198.51.100.200")))
    assert not made.holds(Scope(event(ip="198.51.101.1")))


def test_in_works_wherever_conditions_do() -> None:
    """In triggers, in `choose`, and in transformations."""
    made = container(
        yaml.safe_dump(
            {
                "destinations": {"box": {"type": "box"}},
                "variables": {"who": {"choose": [{"when": {"ip": {"in": "192.0.2.0/24"}}, "value": "us"}]}},
                "transformations": {"t": {"set": {"x": 1}, "when": {"ip": {"in": ["192.0.2.0/24"]}}}},
                "tags": [
                    {
                        "name": "T",
                        "destination": "box",
                        "triggers": ["all"],
                        "parameters": {"who": "{{ who }}", "x": "{{ x }}"},
                    }
                ],
            }
        )
    )
    for ip, sent in (("192.0.2.9", {"who": "us", "x": 1}), ("192.0.3.9", {})):
        built = decide(made, event({"consent": GRANTED}, ip=ip))["T"].built
        assert built is not None
        assert built.body == {"event_id": "e-1", **sent}


def test_what_is_shown_of_it() -> None:
    """Never the visitor's address; of many networks a few."""
    made = trigger("{ip: {in: [198.51.100.0/24, 203.0.113.7]}}")
    assert made.explain(Scope(event(ip="192.0.2.77"))) == (
        "ip in 198.51.100.0/24, 203.0.113.7, is a value of 10 characters"
    )
    many = ", ".join(f"10.0.{number}.0/24" for number in range(9))
    assert trigger(f"{{ip: {{in: [{many}]}}}}").explain(Scope(event(ip="192.0.2.77"))) == (
        "ip in 10.0.0.0/24, 10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24 and 5 more, is a value of 10 characters"
    )


@pytest.mark.parametrize(
    ("when", "said", "hint"),
    [
        ("{ip: {in: 198.51.100.7/24}}", "is an address in a network", "198.51.100.0/24"),
        ("{ip: {in: [198.51.100.0/33]}}", '"198.51.100.0/33"', "one address"),
        ("{ip: {in: [198.51.100]}}", '"198.51.100"', "one address"),
        ("{ip: {in: [198.51.100.*]}}", '"198.51.100.*"', "write 198.51.100.0/24"),
        ("{ip: {in: ['198.51.*.*']}}", '"198.51.*.*"', "write 198.51.0.0/16"),
        ("{ip: {in: [198.51.100.8-198.51.100.11]}}", "198.51.100.8-", "write 198.51.100.8/30"),
        ("{ip: {in: [198.51.100.1-198.51.100.254]}}", "198.51.100.1-", "198.51.100.1/32, 198.51.100.2/31"),
        ("{ip: {in: [198.51.100.0/255.255.255.0]}}", "198.51.100.0/255", "198.51.100.0/24"),
        ("{ip: {in: ['fe80::1%eth0']}}", "fe80::1%eth0", "one address"),
        ("{ip: {in: ['2001:db8::/200']}}", "2001:db8::/200", "one address"),
        ("{ip: {in: [2001:db8:: ]}}", "should be a network", "needs quotes"),
        ("{ip: {in: [office]}}", '"office"', "for texts write one_of"),
        ("{ip: {in: []}}", "is an empty list", ""),
        ("{ip: {in: [[10.0.0.0/8]]}}", "should be a network", ""),
        ("{ip: {in: null}}", "should be a network", ""),
        ('{ip: {in: "{{ geo.country }}"}}', "the same for every event", "a variable that is constant"),
        ('{ip: {in: "{{ nothing here }}"}}', 'nothing is named "nothing here"', ""),
        ('{ip: {in: "{{ page type }}"}}', '"home"', "one_of"),
        ("{page.path: {in: [/a, /b]}}", "page.path is none", "for texts write one_of"),
        ("{ecommerce.currency: {in: [EUR]}}", "ecommerce.currency is none", "for texts write one_of"),
        ("{cookie.a: {in: 10.0.0.0/8}}", "cookie.a is none", "one_of"),
        ("{page type: {in: [home, cart]}}", '"home"', "one_of"),
    ],
)
def test_what_is_wrong_is_said(when: str, said: str, hint: str) -> None:
    text = (
        "destinations: {box: {type: box}}\nvariables: {page type: {constant: home}}\n"
        f"triggers: {{it: {{when: {when}}}}}\ntags: [{{name: A, destination: box, triggers: [it]}}]\n"
    )
    found = [one for one in load({"container.yaml": text}).problems if one.severity == "error"]
    assert [said in one.message and hint in one.hint for one in found].count(True) >= 1, found
    assert all(one.place.line == 3 for one in found)


@given(NETWORKS, st.lists(NETWORKS, max_size=20), ADDRESSES)
def test_a_look_up_agrees_with_asking_each(first: Any, more: list[Any], address: str) -> None:
    networks = [first, *more]
    inside = str(first[0]) if address < str(first[0]) else address
    for asked in (address, inside, str(first[-1])):
        each = any(ipaddress.ip_address(asked) in one for one in networks)
        plain = getattr(ipaddress.ip_address(asked), "ipv4_mapped", None) is None
        if plain and all(getattr(one.network_address, "ipv4_mapped", None) is None for one in networks):
            assert Networks(map(parse_network, map(str, networks))).hold(asked) is each


@given(st.text(max_size=80) | st.text("0123456789abcdef.:/*-%", max_size=50))
def test_any_text_is_a_network_or_is_said_to_be_none(text: str) -> None:
    """What is taken holds its own address."""
    try:
        network = parse_network(text)
    except BadNetwork:
        return
    assert Networks([network]).hold(str(network.network_address))
