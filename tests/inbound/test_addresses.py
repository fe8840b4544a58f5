"""Which client has an address, by table."""

from __future__ import annotations

import pytest

from tagserver.inbound.addresses import LONGEST, Claims, params_of
from tagserver.plugin.inbound import Endpoint


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/data", "/data", {}),
        ("/data", "/data/", None),
        ("/webhook/{name}", "/webhook/shop", {"name": "shop"}),
        ("/webhook/{name}", "/webhook/", None),
        ("/webhook/{name}", "/webhook", None),
        ("/webhook/{name}", "/webhook/a/b", None),
        ("/webhook/{name}", "//webhook/a", None),
        ("/v{version}/{pixel}/events", "/v25.0/123/events", {"version": "25.0", "pixel": "123"}),
        ("/v{version}/{pixel}/events", "/v/123/events", None),
        ("/v{version}/{pixel}/events", "/x25.0/123/events", None),
        ("/a{b}a", "/aa", None),
        ("/a{b}a", "/aba", {"b": "b"}),
        ("/a{b}a", "/" + "a" * 2000, {"b": "a" * 1998}),
        ("/{x}/" * 3, "/" * 5000, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_the_braces_stand_for(pattern: str, path: str, expected: dict[str, str] | None) -> None:
    assert params_of(pattern, path) == expected


def test_who_has_an_address() -> None:
    """In the order of the file; by any method, so that a wrong one is told as such."""
    claims = Claims(
        [
            ("hooks", (Endpoint("POST", "/webhook/{name}"), Endpoint("GET", "/webhook/{name}"))),
            ("meta", (Endpoint("POST", "/v{version}/{pixel}/events"),)),
            ("other", (Endpoint("POST", "/webhook/shop"),)),
        ]
    )
    assert [name for name, _ in claims.of("/webhook/shop")] == ["hooks", "other"]
    assert [name for name, _ in claims.of("/webhook/a")] == ["hooks"]
    assert [name for name, _ in claims.of("/v25.0/1/events")] == ["meta"]
    assert claims.of("/webhook") == claims.of("/") == claims.of("") == claims.of("/webhook/" + "a" * LONGEST) == []
    (_, addresses), *_ = claims.of("/webhook/a")
    assert addresses.methods("/webhook/a") == ("POST", "GET")
    assert addresses.params("PUT", "/webhook/a") is None
