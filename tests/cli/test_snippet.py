"""`tagserver snippet`: two forms, and the integrity hash for the one that never changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

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


def test_types_for_a_project(shop: Shop) -> None:
    done = shop("snippet", "--types")
    assert done.code == 0
    assert "interface Window" in done.out
    assert "<script" not in done.out


def test_a_package_for_bundlers(shop: Shop, tmp_path: Path) -> None:
    """For this address and version; written again it is the newer one, and nothing else is overwritten."""
    folder = tmp_path / "one" / "page"
    for address in ("https://old.example", 'https://x.example/a"b'):
        assert shop("snippet", address, "--npm", str(folder)).code == 0
    assert {one.name for one in folder.iterdir()} == {"index.js", "index.d.ts", "t.d.ts", "package.json"}
    script = (folder / "index.js").read_text()
    assert 'ADDRESS = "https://x.example/a\\"b";' in script
    assert f'VERSION = "{SCRIPT.version}";' in script
    assert f'INTEGRITY = "{SCRIPT.integrity}";' in script
    assert "STUB" not in script
    assert json.loads((folder / "package.json").read_text())["version"] == f"0.0.0-t{SCRIPT.version}"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "package.json").write_text('{"name": "shop"}')
    done = shop("snippet", "--npm", str(tmp_path / "other"))
    assert (done.code, (tmp_path / "other" / "package.json").read_text()) == (1, '{"name": "shop"}')
    assert shop("snippet", "--npm", str(folder), "--types").code == 2
