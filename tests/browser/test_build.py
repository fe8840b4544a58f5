"""What is served of the page's script: fresh, small, and named by what is in it."""

from __future__ import annotations

import gzip
import re

import brotli
import pytest

from tagserver.server.script import shipped
from tests.browser.build import STATIC, build

SOURCE = (STATIC / "t.js").read_text("utf-8")
MOST = 4096
"""Bytes with gzip."""


def test_what_is_served_was_built_from_the_source() -> None:
    """Otherwise: python -m tests.browser.build"""
    (plain, *_packed) = (content for name, content in sorted(build(SOURCE).items(), key=lambda one: len(one[0])))
    assert (STATIC / "t.min.js").read_bytes() == plain, test_what_is_served_was_built_from_the_source.__doc__
    assert gzip.decompress((STATIC / "t.min.js.gz").read_bytes()) == plain
    assert brotli.decompress((STATIC / "t.min.js.br").read_bytes()) == plain


def test_it_is_small() -> None:
    bodies = shipped().bodies
    assert len(bodies["br"]) < len(bodies["gzip"]) <= MOST < len(bodies["identity"]) < len(SOURCE)


def test_another_script_has_another_version() -> None:
    """However small the change, and nothing but a change of what is run."""

    def version(source: str) -> str:
        (found,) = re.findall(rb'version:"([0-9a-f]{12})"', build(source)["t.min.js"])
        return found.decode()

    assert version(SOURCE) == shipped().version
    assert version(SOURCE.replace("LINGER = 400", "LINGER = 401")) != shipped().version
    assert version(SOURCE.replace("(() => {", "// a comment\n(() => {", 1)) == shipped().version


def test_a_script_that_does_not_say_its_version_is_not_built() -> None:
    with pytest.raises(AssertionError, match="unbuilt"):
        build(SOURCE.replace("unbuilt", "1.0"))
