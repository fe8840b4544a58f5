"""`tagserver snippet`: two forms, and the integrity hash for the one that never changes."""

from __future__ import annotations

import re

import pytest

from tagserver.server.script import shipped, stub

from .conftest import Shop

SCRIPT = shipped()


def test_both_forms(shop: Shop) -> None:
    done = shop("snippet", "https://tags.shop.example/")
    latest, versioned = re.findall(r"<script [^>]*></script>", done.out)
    assert done.code == 0
    assert done.out.startswith(f"<script>\n{stub()}</script>\n{latest}\n")
    assert 'src="https://tags.shop.example/t.js"' in latest
    assert "integrity" not in latest
    assert "\\n" not in done.out, "line ends are line ends"
    assert f'src="https://tags.shop.example/t/{SCRIPT.version}.js"' in versioned
    assert f'integrity="{SCRIPT.integrity}" crossorigin' in versioned


def test_for_machines(shop: Shop) -> None:
    assert shop("snippet", "--json").json == {
        "version": SCRIPT.version,
        "latest": "https://tags.shop.example/t.js",
        "versioned": f"https://tags.shop.example/t/{SCRIPT.version}.js",
        "integrity": SCRIPT.integrity,
        "inline": stub(),
    }


@pytest.mark.parametrize(
    "address",
    [
        *("tags.shop.example", "ftp://x.example", "https://", "https://x:y/", "https://x/?a"),
        *("https://<your-domain.com>", "https://$HOST", "https://shop..example", "https://key:word@x.example"),
    ],
)
def test_an_address_that_is_none(shop: Shop, address: str) -> None:
    assert shop("snippet", address).code == 2


@pytest.mark.parametrize("address", ["http://localhost:8080", "http://[::1]:8080", "https://Tags.shop.example/sub"])
def test_an_address_that_is_one(shop: Shop, address: str) -> None:
    assert f'src="{address}/t.js"' in shop("snippet", address).out


def test_nothing_gets_out_of_the_attribute(shop: Shop) -> None:
    assert '"onload=' not in shop("snippet", 'https://x.example/"onload="y').out
