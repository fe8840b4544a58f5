"""The first-party cookies of an answer: a table of requests and of what their answers set, and that nothing a stranger
sends becomes part of a header."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagserver.config.cookies import CookiesConfig, registrable_domains
from tagserver.consent.model.policy import ConsentPolicy
from tagserver.event.click_ids import COOKIES, click_ids
from tagserver.ingest.first_party import CLICKS, ROOM, Visit, cookie_headers
from tests.events import consent_of, event
from tests.fast_yaml import safe_load

CASES = safe_load((Path(__file__).parent / "cookies.yaml").read_text())
RECEIVED = 1764590400000
GRANTED = {"ad_storage": "granted", "analytics_storage": "granted"}
BITS = {31: 1234567, 128: 1}
NEW = {"_fbp": "fb.1.1764590400000.1234567", "ts_id": "00000000-0000-4000-8000-000000000001"}
DOMAIN = "; Path=/; Domain=example.com; SameSite=Lax; Secure"


def settings_of(written: dict[str, Any]) -> CookiesConfig:
    known = {"registrable": registrable_domains(), **written}
    if known.get("visitor") is False:
        known["visitor"] = None
    if known.get("max_age") == "30d":
        known["max_age"] = 30.0 * 86400
    return CookiesConfig(**known)


def answered(case: dict[str, Any]) -> list[str]:
    """The Set-Cookie lines for a request as the table writes it."""
    visit = Visit()
    location = "https://www.shop.example.com/" + case.get("url", "").replace("{2000}", "x" * 2000)
    consent = case.get("consent", GRANTED)
    pushed: dict[str, Any] = {"event": case.get("event", "page_view"), "page": {"location": location}}
    pushed |= {"cookie": case["sent"]} if "sent" in case else {}
    pushed |= {"consent": consent} if consent is not None else {}
    facts = {"received": RECEIVED, "session": case.get("session", ""), "country": case.get("country")}
    for one in (case.get("before"), pushed | case.get("more", {})):
        if one is not None:
            made = event(one, **facts)
            visit.hear(made, consent_of(made, ConsentPolicy()))
    headers = {
        "origin": case.get("origin", "https://www.shop.example.com"),
        "host": case.get("host", "t.shop.example.com"),
        "cookie": case.get("cookie", ""),
    }
    settings = settings_of(case.get("settings", {}))
    found = cookie_headers(settings, visit, headers, case.get("pixel", False), BITS.__getitem__)
    assert {name for name, _ in found} <= {b"set-cookie"}
    return [value.decode("ascii") for _, value in found]


def written_out(line: str) -> str:
    """A line of the table, whole."""
    if found := re.fullmatch(r"(\w+) new (.*)", line):
        line = f"{found[1]}={NEW[found[1]]} {found[2]}"
    line = line.replace("{2000}", "x" * 2000)
    line = line.replace(" 90d", "; Max-Age=7776000 D").replace(" 400d", "; Max-Age=34560000 D; HttpOnly")
    return re.sub(r" D(?=;|\Z)", DOMAIN, line)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_what_is_set(case: dict[str, Any]) -> None:
    assert answered(case) == [written_out(line) for line in case["sets"]]


def test_what_is_written_is_read_again() -> None:
    """Each click comes out of its cookie as it stood in the address."""
    for click, (name, form, _) in CLICKS.items():
        value = form.format(id="Ab_1-x", s=1764590400)
        assert click_ids((), {name: value}, {})[0] == {click: "Ab_1-x"}
        assert name in [cookie for cookie, _ in COOKIES[click]]


LINE = re.compile(
    r"[A-Za-z_][A-Za-z0-9_-]*=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*; Max-Age=[0-9]+; Path=/"
    r"(; Domain=[a-z0-9_.-]+)?(; SameSite=Lax)?(; Secure)?(; HttpOnly)?"
)
HOSTILE = st.text(st.characters(codec="latin-1"), max_size=60) | st.sampled_from(
    ["\r\nset-cookie: a=b", "x; Domain=com", "fb.1.1.a\nb", "example.com;", "x" * 5000, '"', "%0d%0a", "\x00"]
)
PLACES = st.sampled_from(["www.example.com", "localhost", "[::1]", "co.uk", "a.github.io"]) | HOSTILE
NAMED = st.sampled_from(["_fbp", "_fbc", "ts_id", *(name for name, _, _ in CLICKS.values())])


@given(
    origin=PLACES,
    host=PLACES,
    jar=st.lists(st.tuples(NAMED, HOSTILE), max_size=6),
    clicks=st.lists(st.tuples(st.sampled_from([*CLICKS, "fbclid"]), HOSTILE), max_size=6),
    sent=st.dictionaries(NAMED, HOSTILE, max_size=3),
    consent=st.sampled_from([GRANTED, {"ad_storage": "denied"}, GRANTED | {"ad_storage": "denied"}]),
    pixel=st.sampled_from([None, False, True]),
)
def test_nothing_of_a_stranger_becomes_part_of_a_header(
    origin: str,
    host: str,
    jar: list[tuple[str, str]],
    clicks: list[tuple[str, str]],
    sent: dict[str, str],
    consent: dict[str, str],
    pixel: bool | None,
) -> None:
    """Each line is one cookie with our attributes and no others, and all of them together stay small."""
    visit = Visit()
    query = "&".join(f"{name}={value}" for name, value in clicks)
    pushed = {"event": "page_view", "page": {"location": f"https://www.example.com/?{query}"}}
    made = event(pushed | {"cookie": sent, "consent": consent})
    visit.hear(made, consent_of(made, ConsentPolicy()))
    headers = {
        "origin": f"https://{origin}",
        "host": host,
        "cookie": "; ".join(f"{name}={value}" for name, value in jar),
    }
    lines = [value.decode() for _, value in cookie_headers(settings_of({}), visit, headers, pixel)]
    assert all(LINE.fullmatch(line) for line in lines), lines
    assert sum(map(len, lines)) <= ROOM
    own = [line for line in lines if "Max-Age=0" not in line]
    assert (
        not own
        or "ad_storage" not in consent
        or consent["ad_storage"] == "granted"
        or all(line.startswith("ts_id=") for line in own)
    )
