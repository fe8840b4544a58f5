"""Addresses of pages, as a destination gets them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.plugin.fields import web_address
from tagserver.privacy.urls import clean_address

from .anything import any_json, any_text


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example/p?x=1&E-Mail=e%40x&y=%20a+b#c", "https://a.example/p?x=1&y=%20a+b#c"),
        ("https://a.example/?%65mail=a%40b", "https://a.example/"),
        ("https://a.example/?+email+=a%40b&x", "https://a.example/?x"),
        ("https://a.example/#token=1&x=2", "https://a.example/#x=2"),
        ("https://a.example/#/?token=1", "https://a.example/"),
        ("https://a.example/?key=wc_order_1&name=Nora&session_id=2&order=3", "https://a.example/?order=3"),
        (" https://a.example/ ", "https://a.example/"),
        ("https://u:p@a.example:8443/p", "https://a.example:8443/p"),
        ("https://a@b@c.example/", "https://c.example/"),
        ("https://a.example\\@b.example/", "https://a.example\\@b.example/"),
        ("HTTPS://a.example/?a=b", "HTTPS://a.example/?a=b"),
        ("https://a.example/?fbclid=AbC&ttclid=E.C.P.x", "https://a.example/?fbclid=AbC&ttclid=E.C.P.x"),
        ("https://bücher.example/", "https://bücher.example/"),
        ("https://xn--bcher-kva.example./", "https://xn--bcher-kva.example./"),
        ("https://localhost:3000/", "https://localhost:3000/"),
        ("https://a_b.example/", "https://a_b.example/"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/"),
        ("/relative", None),
        ("https://", None),
        ("https://:80/", None),
        ("https://u:p@/", None),
        ("ftp://a.example/", None),
        ("javascript:alert(1)", None),
        ("https://a.example/\ud800", None),
        (7, None),
        (None, None),
    ],
)
def test_addresses(sent: object, clean: str | None) -> None:
    """Byte for byte but for credentials; what is no web address is None."""
    assert clean_address(sent) == clean


@pytest.mark.parametrize(
    "host",
    [
        *("<your-shop.example>", "$SHOP", "${SHOP}", "[shop]", "%SHOP%", "{{host}}", "{{ host }}", "shop..example"),
        *(".shop.example", "your shop.example", "undefined", "null", "[object Object]", "a" * 64 + ".example", "a:b"),
    ],
)
def test_a_host_that_nobody_filled_in_is_none(host: str) -> None:
    """A template's text is no page where anything happened."""
    assert clean_address(f"https://{host}/sorten?x=1") is None
    assert web_address().read(f"https://{host}") is None


def test_the_keys_are_the_settings_own() -> None:
    """As people write them, in any case and encoding, behind the # too."""
    strip = [" Order ", "EMAIL"]
    assert clean_address("https://a.example/?order=1&E%6Dail=2&name=3", strip) == "https://a.example/?name=3"
    assert clean_address("https://a.example/?+email+=a%40b&x", strip) == "https://a.example/?x"
    assert clean_address("https://a.example/#email=1&x=2", strip) == "https://a.example/#x=2"
    assert clean_address("https://a.example/#/?email=1", strip) == "https://a.example/"
    assert clean_address("https://a.example/?email=2", []) == "https://a.example/?email=2"


KEYS = ["email", "token"]
pairs = st.lists(st.tuples(st.sampled_from([*KEYS, "E%6Dail", "x", "+token"]), st.sampled_from(["", "1", "a=b"])))


@given(pairs, pairs)
def test_no_key_is_left(query: list[tuple[str, str]], fragment: list[tuple[str, str]]) -> None:
    """Neither in the query nor behind the #."""
    parts = ["&".join(f"{key}={value}" for key, value in part) for part in (query, fragment)]
    made = clean_address(f"https://a.example/?{parts[0]}#{parts[1]}")
    assert made is not None
    left = urlsplit(made)
    for text in (left.query, left.fragment):
        assert not {key.strip().lower() for key, _ in parse_qsl(text, keep_blank_values=True)} & set(KEYS)


@given(
    any_json | any_text.map(lambda text: f"https://{text}") | any_text.map(lambda text: f"https://a.example/?{text}")
)
def test_no_value_raises(value: Any) -> None:
    """And what is clean stays as it is."""
    made = clean_address(value)
    assert made is None or clean_address(made) == made
