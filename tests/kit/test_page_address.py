"""Addresses of pages, without credentials and personal keys."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.kit.page_address import PERSONAL_KEYS, clean_address

from .anything import any_json, any_text


@pytest.mark.parametrize(
    ("sent", "clean"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example/p?x=1&E-Mail=e%40x&y=%20a+b", "https://a.example/p?x=1&y=%20a+b"),
        ("https://a.example/?%65mail=a%40b", "https://a.example/"),
        ("https://a.example/?+email+=a%40b&x", "https://a.example/?x"),
        ("https://u:p@a.example:8443/p", "https://a.example:8443/p"),
        ("https://a@b@c.example/", "https://c.example/"),
        ("https://a.example/#token=1&x=2", "https://a.example/#x=2"),
        ("https://a.example/#/?token=1", "https://a.example/"),
        ("https://a.example\\@b.example/", "https://a.example\\@b.example/"),
        ("HTTPS://a.example/?a=b", "HTTPS://a.example/?a=b"),
        ("https://a.example/?fbclid=AbC&ttclid=E.C.P.x", "https://a.example/?fbclid=AbC&ttclid=E.C.P.x"),
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
    """Byte for byte but for what is taken out; what is no web address is None."""
    assert clean_address(sent) == clean


def test_the_keys_are_the_settings_own() -> None:
    """As people write them."""
    strip = [" Order ", "EMAIL"]
    assert clean_address("https://a.example/?order=1&Email=2&name=3", strip) == "https://a.example/?name=3"
    assert clean_address("https://a.example/?email=2", []) == "https://a.example/?email=2"


pairs = st.lists(
    st.tuples(st.sampled_from(["email", "E%6Dail", "x", "To+ken", "token"]), st.sampled_from(["", "1", "a=b"]))
)


@given(pairs, pairs)
def test_no_personal_key_is_left(query: list[tuple[str, str]], fragment: list[tuple[str, str]]) -> None:
    """Neither in the query nor behind the #."""
    parts = ["&".join(f"{key}={value}" for key, value in part) for part in (query, fragment)]
    made = clean_address(f"https://a.example/?{parts[0]}#{parts[1]}")
    assert made is not None
    left = urlsplit(made)
    for text in (left.query, left.fragment):
        assert not {key.strip().lower() for key, _ in parse_qsl(text, keep_blank_values=True)} & set(PERSONAL_KEYS)


@given(
    any_json | any_text.map(lambda text: f"https://{text}") | any_text.map(lambda text: f"https://a.example/?{text}")
)
def test_no_value_raises(value: Any) -> None:
    """And what is clean stays as it is."""
    made = clean_address(value)
    assert made is None or clean_address(made) == made
