"""What is served of the page's scripts: fresh, small, and named by what is in them."""

from __future__ import annotations

import gzip
import re

import brotli
import pytest

from tagserver.server.script import shipped
from tests.browser.build import STATIC, build, integrity, sources

SOURCES = sources()
MOST = 4096
"""Bytes of `t.js` with gzip."""


def test_what_is_served_was_built_from_the_source() -> None:
    """Otherwise: python -m tests.browser.build"""
    for name, content in build(SOURCES).items():
        served = (STATIC / name).read_bytes()
        unpacked = {".gz": gzip.decompress, ".br": brotli.decompress}.get(name[-3:], bytes)
        assert unpacked(served) == unpacked(content), test_what_is_served_was_built_from_the_source.__doc__


@pytest.mark.parametrize(("name", "most"), [("", MOST), ("more", 2048), ("keep", 2048), ("pixel", 4096)])
def test_it_is_small(name: str, most: int) -> None:
    bodies = shipped().files()[name]
    assert len(bodies["br"]) <= len(bodies["gzip"]) <= most
    assert len(bodies["identity"]) < len(SOURCES[name or "t"])


def version(written: dict[str, str]) -> str:
    (found,) = re.findall(rb'version:"([0-9a-f]{12})"', build(written)["t.min.js"])
    return found.decode()


def test_another_script_has_another_version() -> None:
    """However small the change, and nothing but a change of what is run; also of what it may load."""
    shorter = SOURCES["t"].replace("LINGER = 400", "LINGER = 401")
    fewer = SOURCES["more"].replace("CUTS = 40", "CUTS = 41")
    same = SOURCES["t"].replace("(() => {", "// a comment\n(() => {", 1)
    assert version(SOURCES) == shipped().version
    assert version(SOURCES | {"t": shorter}) != shipped().version
    assert version(SOURCES | {"more": fewer}) != shipped().version
    assert version(SOURCES | {"preview": SOURCES["preview"] + "\n"}) != shipped().version
    assert version(SOURCES | {"t": same}) == shipped().version


def test_each_script_names_what_it_loads() -> None:
    files = {name: bodies["identity"] for name, bodies in shipped().files().items()}
    assert integrity(files["more"]).encode() in files[""]
    for name in ("keep", "pixel", "preview"):
        assert integrity(files[name]).encode() in files["more"]


def test_a_script_that_does_not_say_its_version_is_not_built() -> None:
    with pytest.raises(AssertionError, match="unbuilt"):
        build(SOURCES | {"t": SOURCES["t"].replace("unbuilt", "1.0")})
