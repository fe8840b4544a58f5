"""Request facts: addresses behind proxies, cookies, regions, click ids."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.event.cookies import read_cookies
from tagserver.event.ip_address import clean_ip
from tagserver.inbound.enrich import read_facts, read_headers, visitor_ip, visitor_region
from tests.events import NOW, event


@pytest.mark.parametrize(
    ("connection", "forwarded", "proxies", "ip"),
    [
        ("127.0.0.1", "6.6.6.6", 0, "127.0.0.1"),
        ("198.51.100.7", "6.6.6.6, 203.0.113.9", 1, "203.0.113.9"),
        ("198.51.100.7", "6.6.6.6, 203.0.113.9, 10.0.0.1", 2, "203.0.113.9"),
        ("198.51.100.7", "203.0.113.9", 2, "198.51.100.7"),
        ("198.51.100.7", "", 1, "198.51.100.7"),
        ("198.51.100.7", "junk", 1, None),
        ("::ffff:203.0.113.9", "", 0, "203.0.113.9"),
        ("2001:db8::1", "", 0, "2001:db8::1"),
        (None, "", 0, None),
    ],
)
def test_the_visitors_address_is_counted_from_the_right(
    connection: str | None, forwarded: str, proxies: int, ip: str | None
) -> None:
    """Entries further left than our own proxies are a client's claim; without proxies the header is nothing at all."""
    assert visitor_ip(connection, {"x-forwarded-for": forwarded} if forwarded else {}, proxies) == ip


@pytest.mark.parametrize(
    ("text", "ip"),
    [
        ("1.2.3.4:443", "1.2.3.4"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        (' "1.2.3.4" ', "1.2.3.4"),
        ("fe80::1%eth0", "fe80::1"),
        ("1.2.3", None),
        ("", None),
        (7, None),
        ("x" * 100, None),
    ],
)
def test_clean_ip(text: Any, ip: str | None) -> None:
    """Ports, brackets and zones go; anything else is no address."""
    assert clean_ip(text) == ip


def test_of_two_cookies_with_one_name_the_first_stands() -> None:
    """Browsers send the closer path first."""
    assert read_cookies("a=1; b=x%20y; a=2; c") == {"a": "1", "b": "x y"}


def test_a_backends_connection_is_not_the_visitor() -> None:
    """Promise 7: a server's own address and agent are never passed off as the visitor's."""
    made = read_facts("crm", NOW, {"user-agent": "python"}, "198.51.100.7")
    assert (made.ip, made.user_agent) == (None, None)


@pytest.mark.parametrize(
    ("headers", "names", "place"),
    [
        ({"cf-ipcountry": "de"}, ["cf-ipcountry"], ("DE", None)),
        ({"cf-ipcountry": "US", "cf-region-code": "CA"}, ["cf-ipcountry", "cf-region-code"], ("US", "US-CA")),
        ({"cf-ipcountry": "XX"}, ["cf-ipcountry"], (None, None)),
        ({"cf-ipcountry": "T1"}, ["cf-ipcountry"], (None, None)),
        ({"x-geo": "USCA"}, ["x-geo"], ("US", "US-CA")),
        ({"x-geo": "US-CA"}, ["x-geo"], ("US", "US-CA")),
        ({"cf-ipcountry": "DE"}, [], (None, None)),
        ({"cf-ipcountry": "D€"}, ["cf-ipcountry"], (None, None)),
        (
            {"cloudfront-viewer-country": "US", "cloudfront-viewer-country-region": "TX"},
            ["cloudfront-viewer-country", "cloudfront-viewer-country-region"],
            ("US", "US-TX"),
        ),
        (
            {"x-vercel-ip-country": "GB", "x-vercel-ip-country-region": "ENG"},
            ["x-vercel-ip-country", "x-vercel-ip-country-region"],
            ("GB", "GB-ENG"),
        ),
        (
            {"x-appengine-country": "US", "x-appengine-region": "ca"},
            ["x-appengine-country", "x-appengine-region"],
            ("US", "US-CA"),
        ),
        ({"x-appengine-country": "ZZ", "x-appengine-region": "?"}, ["x-appengine-country"], (None, None)),
        ({"x-client": "US", "x-client-part": "USCA"}, ["x-client", "x-client-part"], ("US", "US-CA")),
        ({"fastly-country": "US", "fastly-region": "DE"}, ["fastly-country", "fastly-region"], ("US", "US-DE")),
        ({"fastly-country": "US", "fastly-region": "NO REGION"}, ["fastly-country", "fastly-region"], ("US", None)),
        ({"cf-ipcountry": "US", "x-country": "US"}, ["cf-ipcountry", "x-country"], ("US", None)),
        ({"x-geo": "ENG"}, ["x-geo"], (None, None)),
        ({"x-geo": "ZZCA"}, ["x-geo"], (None, None)),
        ({"x-geo": "XX-CA"}, ["x-geo"], (None, None)),
        ({"x-geo": "1-2"}, ["x-geo"], (None, None)),
        ({"x-geo": "US-"}, ["x-geo"], (None, None)),
        ({"cf-ipcountry": "US", "x-geo": "FR-IDF"}, ["cf-ipcountry", "x-geo"], ("US", None)),
        ({"cf-ipcountry": "XX", "cf-region-code": "CA"}, ["cf-ipcountry", "cf-region-code"], (None, None)),
        ({"cf-ipcountry": "DE, US"}, ["cf-ipcountry"], (None, None)),
    ],
)
def test_regions(headers: dict[str, str], names: list[str], place: tuple[str | None, str | None]) -> None:
    """Only configured headers tell where a visitor is; what they use for unknown stays unknown."""
    assert visitor_region(headers, names) == place


def test_a_geo_header_counts_for_nothing_without_a_trusted_proxy() -> None:
    """Anybody could send it."""
    made = read_facts("browser", NOW, {"cf-ipcountry": "US"}, "1.1.1.1", geo_headers=["cf-ipcountry"])
    assert made.country is None


@pytest.mark.parametrize(
    ("forwarded", "proxies", "country"),
    [
        (None, 1, None),
        ("", 1, None),
        (" , ", 1, None),
        ("1.1.1.1", 1, "US"),
        ("1.1.1.1", 2, None),
        ("1.1.1.1, 2.2.2.2", 2, "US"),
        ("9.9.9.9, 1.1.1.1", 1, "US"),
        ("1.1.1.1", 0, None),
    ],
)
def test_a_geo_header_counts_only_for_what_came_through_the_proxies(
    forwarded: str | None, proxies: int, country: str | None
) -> None:
    """Who comes past them says he is where nobody has to be asked."""
    headers = {"cf-ipcountry": "US"} | ({} if forwarded is None else {"x-forwarded-for": forwarded})
    made = read_facts("browser", NOW, headers, "7.7.7.7", trusted_proxies=proxies, geo_headers=["cf-ipcountry"])
    assert made.country == country


@pytest.mark.parametrize(
    ("location", "cookies", "pushed", "clicks"),
    [
        ("https://a.example/?fbclid=U", {"_fbc": "fb.1.2.C"}, {"fbclid": "E"}, {"fbclid": "U"}),
        ("https://a.example/", {"_fbc": "fb.1.2.C"}, {"fbclid": "E"}, {"fbclid": "C"}),
        ("https://a.example/", {}, {"fbclid": "E"}, {"fbclid": "E"}),
        ("https://a.example/", {"_fbc": "fb.1.2.C.AQ"}, {}, {"fbclid": "C"}),
        ("https://a.example/", {"_fbc": "junk"}, {}, {}),
        ("https://a.example/", {"_gcl_aw": "GCL.1700000000.Abc-_"}, {}, {"gclid": "Abc-_"}),
        ("https://a.example/", {"FPGCLAW": "2.1.kXyz$i1700000000"}, {}, {"gclid": "Xyz"}),
        ("https://a.example/", {"_uetmsclkid": "_uetabc"}, {}, {"msclkid": "abc"}),
        ("https://a.example/?ScCid=S", {}, {}, {"sccid": "S"}),
        ("https://a.example/", {"_twclid": '{"twclid": "t"}'}, {}, {"twclid": "t"}),
        ("https://a.example/?gclid=" + "x" * 3000, {}, {}, {}),
        ("https://a.example/?fbclid=undefined", {"_fbc": "fb.1.2.C"}, {"fbclid": "E"}, {"fbclid": "C"}),
        ("https://a.example/?fbclid=%7B%7Bfbclid%7D%7D&fbclid=Good", {}, {}, {"fbclid": "Good"}),
        ("https://a.example/?fbclid=C?utm_source=x", {"_fbc": "fb.1.x.C"}, {"fbclid": "E"}, {"fbclid": "E"}),
        ("https://a.example/?fbclid=C/", {"_fbc": "fb.1.2.null"}, {"click": {"fbclid": "E"}}, {"fbclid": "E"}),
        ("https://a.example/?ttclid=E.C.P.x-1", {}, {}, {"ttclid": "E.C.P.x-1"}),
        ("https://a.example/?epik=dj0yJnU9%3D&_kx=a%2Bb%3D.Xy", {}, {}, {"epik": "dj0yJnU9=", "_kx": "a+b=.Xy"}),
        ("https://a.example/?rdt_cid=%5Bobject+Object%5D", {"_rdt_cid": "none", "rdt_cid": "r"}, {}, {"rdt_cid": "r"}),
        ("https://a.example/?msclkid=null", {"_uetmsclkid": "_uetundefined"}, {"msclkid": 7}, {"msclkid": "7"}),
        ("https://a.example/?twclid=a%22%3E", {"_twclid": '{"twclid": "t;"}', "twclid": "t2"}, {}, {"twclid": "t2"}),
    ],
)
def test_click_ids(location: str, cookies: dict[str, str], pushed: dict[str, Any], clicks: dict[str, str]) -> None:
    """The address beats the cookie, the cookie beats the event; values are never changed."""
    assert event({"page": {"location": location}} | pushed, cookies=cookies).clicks == clicks


@pytest.mark.parametrize(
    "location", ["/a?fbclid=F", "?fbclid=F", "a?fbclid=F", "https:///?fbclid=F", "mailto:a?fbclid=F"]
)
def test_what_is_no_address_of_a_host_carries_no_click(location: str) -> None:
    """Nobody clicked their way to a part of an address."""
    assert event({"page": {"location": location}}).clicks == {}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("undefined", "missing value"),
        ("%7B%7Bfbclid%7D%7D", "missing value"),
        ("IwZXneu%3Bpath", "signs"),
        ("IwZXneu%22%3E", "signs"),
        ("Iw+ZX", "signs"),
        ("Q" * 2600, "more than 2048"),
    ],
)
def test_what_is_no_click_is_named(value: str, why: str) -> None:
    """With what was wrong, and without the value; also where a good one beneath it counts."""
    for cookies in ({}, {"_fbc": "fb.1.2.C"}):
        made = event({"page": {"location": f"https://a.example/?fbclid={value}"}}, cookies=cookies)
        assert made.clicks == ({"fbclid": "C"} if cookies else {})
        assert list(made.click_faults) == ["fbclid"]
        assert why in made.click_faults["fbclid"]
    assert event({"page": {"location": "https://a.example/?fbclid=a-_Z9&x=undefined"}}).click_faults == {}


def test_a_sound_cookie_of_the_event_counts_before_a_broken_one_of_the_request() -> None:
    """Of cookies whose shape is not known the request's stand."""
    sent = {"_fbp": "fb.1.2.3", "_ttp": "t-1", "_ga": "GA1.1.2.3", "ttclid": "E.C.P.1", "ab": "sent"}
    broken = {"_fbp": "undefined", "_ttp": "[object Object]", "_ga": "x", "ttclid": "a b", "ab": "undefined"}
    assert event({"cookie": sent}, cookies=broken).cookies == sent | {"ab": "undefined"}
    fine = {"_fbp": "fb.1.2.4", "_ttp": "t-2", "_ga": "GA1.1.2.4", "ttclid": "E.C.P.2"}
    assert event({"cookie": sent}, cookies=fine).cookies == sent | fine


_BYTES = st.sampled_from((b"", b"\0", b"a\0b", b"Cookie", b"X-\xc4", b"x", b"\xe4, 1"))


@given(st.lists(st.tuples(_BYTES, _BYTES), max_size=6))
def test_headers_are_read_together_as_one_by_one(raw: list[tuple[bytes, bytes]]) -> None:
    found: dict[str, list[str]] = {}
    for name, value in raw:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    assert read_headers(raw) == {
        name: ("; " if name == "cookie" else ", ").join(values) for name, values in found.items()
    }


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=40)), max_size=6))
def test_any_headers_make_facts(raw: list[tuple[bytes, bytes]]) -> None:
    """No header breaks the reading."""
    headers = read_headers(raw)
    read_facts("browser", NOW, headers, "x", trusted_proxies=1, geo_headers=list(headers))


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (f"https://{'a' * 63}.example/x", f"{'a' * 63}.example"),
        ("https://shop.example/" + "x" * 5000, "shop.example"),
        ("https://shop.example?" + "x" * 5000, "shop.example"),
        ("https:/\t/" + "a" * 400 + ".example/", None),
        ("https://" + "a" * 400 + ".example/", None),
        ("//" + "a" * 400, None),
    ],
)
def test_a_host_that_no_name_server_knows_is_none(location: str, host: str | None) -> None:
    """A name has at most 253 characters; what is far longer is not even looked at."""
    assert event({"page": {"location": location}}).page.host == host


@given(st.text(max_size=60))
def test_any_location_is_an_address_or_nothing(text: str) -> None:
    """No page address breaks an event."""
    event({"page": {"location": "https://" + text}}).as_dict()
