"""`cookies:` of `server.yaml`: off unless it is named, and what it may say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tagserver.config.cookies import LONGEST, registrable_domains

from .world import load

CONTAINER = {"container.yaml": "destinations: {}"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cookies: {}", (None, True, True, True, "ts_id", LONGEST)),
        ("cookies:", (None, True, True, True, "ts_id", LONGEST)),
        ("cookies: {domain: auto, visitor: false}", (None, True, True, True, None, LONGEST)),
        (
            "cookies: {domain: .Shop.co.uk, fbp: false, fbc: false, clicks: false, visitor: vid, max_age: 1d}",
            ("shop.co.uk", False, False, False, "vid", 86400),
        ),
        ("cookies: {domain: shop.local}", ("shop.local", True, True, True, "ts_id", LONGEST)),
    ],
    ids=["defaults", "nothing below it", "without a visitor id", "all of it", "a name nobody can register"],
)
def test_what_is_written_counts(text: str, found: tuple[object, ...]) -> None:
    loaded = load({**CONTAINER, "server.yaml": text})
    assert loaded.problems == ()
    assert loaded.server is not None
    read = loaded.server.cookies
    assert read is not None
    assert (read.domain, read.fbp, read.fbc, read.clicks, read.visitor, read.max_age) == found


def test_it_is_off() -> None:
    loaded = load({**CONTAINER, "server.yaml": "debug: true"})
    assert loaded.server is not None
    assert loaded.server.cookies is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{domain: com}", "is no domain"),
        ("{domain: github.io}", "is a public suffix"),
        ("{domain: 127.0.0.1}", "is no domain"),
        ('{domain: "shop.co.uk; Secure"}', "is no domain"),
        ("{visitor: euconsent-v2}", "with a meaning of its own"),
        ('{visitor: "a=b"}', "is no name of a cookie"),
        ("{visitor: __Host-id}", "is no name of a cookie"),
        ("{max_age: 1h}", "out of range"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str) -> None:
    (problem,) = load({**CONTAINER, "server.yaml": f"cookies: {text}"}).problems
    assert problem.code == "E115"
    assert said in problem.message


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.shop.co.uk", "shop.co.uk"),
        ("shop.co.uk", "shop.co.uk"),
        ("co.uk", None),
        ("ann.github.io", "ann.github.io"),
        ("github.io", None),
        ("a.xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("shop.local", None),
        ("localhost", None),
        ("10.0.0.1", None),
        ("example.com.", None),
        ("a..com", None),
        ("", None),
    ],
)
def test_the_registrable_domain(host: str, domain: str | None) -> None:
    assert registrable_domains()(host) == domain


def test_the_list_is_loaded_where_it_is_named_alone() -> None:
    """It takes a quarter of a second and megabytes."""
    code = (
        "import sys; from tests.config.world import load\n"
        "for text, there in (('debug: true', False), ('cookies: {}', True)):\n"
        "    load({'server.yaml': text, 'container.yaml': 'tags: []'})\n"
        "    assert ('publicsuffixlist' in sys.modules) == there\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
