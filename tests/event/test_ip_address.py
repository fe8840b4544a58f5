"""Regions of addresses: what a database says, through the configuration and the whole way of an event."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tagserver.config.compile import Loaded
from tagserver.event.ip_address import UNKNOWN, open_database, region_of_record
from tagserver.explain.try_ import try_event
from tagserver.inbound.enrich import read_facts
from tests.config.world import load
from tests.events import NOW
from tests.inbound.test_datalayer import JSON
from tests.region_database import region_database

CALIFORNIA = {"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}]}
RECORDS: dict[str, Any] = {
    "198.51.100.0/24": {"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BE"}, {"iso_code": "X"}]},
    "203.0.113.0/25": CALIFORNIA,
    "203.0.113.128/25": {"registered_country": {"iso_code": "US"}},
}
CONTAINER = """
destinations: {box: {type: box}}
tags: [{name: Box, destination: box, triggers: [all], consent: [analytics_storage]}]
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "regions.mmdb"
    path.write_bytes(region_database(RECORDS))
    return path


def configured(collect: str) -> Loaded:
    return load({"server.yaml": f"collect: {{{collect}}}".encode(), "container.yaml": CONTAINER.encode()})


@pytest.mark.parametrize(
    ("ip", "region"),
    [
        ("198.51.100.7", ("DE", "DE-BE")),
        ("203.0.113.7", ("US", "US-CA")),
        ("203.0.113.200", UNKNOWN),
        ("192.0.2.1", UNKNOWN),
        ("2001:db8::1", UNKNOWN),
        ("nonsense", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_an_address(database: Path, ip: str | None, region: tuple[str | None, str | None]) -> None:
    """Country and first part; where a network is only registered says nothing."""
    assert open_database(str(database))(ip) == region


@given(JSON)
def test_any_record_is_a_region_or_unknown(record: Any) -> None:
    """Databases of operations hold what they hold."""
    country, part = region_of_record(record)
    assert country is None or (len(country) == 2 and country.isalpha())
    assert part is None or (country is not None and part.startswith(f"{country}-"))


def test_a_header_goes_before_the_database(database: Path) -> None:
    """The proxy knows more of the connection; where it knows nothing, the database is asked."""
    locate = open_database(str(database))
    for said, country in (("FR", "FR"), ("XX", "DE"), (None, "DE")):
        headers = {"cf-ipcountry": said} if said else {}
        headers["x-forwarded-for"] = "198.51.100.7"
        made = read_facts(
            "browser", NOW, headers, "10.0.0.1", trusted_proxies=1, geo_headers=["cf-ipcountry"], locate=locate
        )
        assert (made.ip, made.country) == ("198.51.100.7", country)


def test_where_a_backend_is_the_visitor_is_not(database: Path) -> None:
    """Neither its headers nor its address tell; what it says of the visitor's address does."""
    loaded = configured(f"keys: {{crm: {{secret: '${{env:BACKEND_KEY}}'}}}}, geo_database: {database}")
    assert loaded.server is not None, loaded.problems
    assert loaded.container is not None
    preset = {"default": {"analytics_storage": "granted"}}
    for ip, country, decision in (
        ("203.0.113.7", "US", "send"),
        ("198.51.100.7", "DE", "block"),
        (None, None, "block"),
    ):
        pushed = {"event": "sign_up", "consent": preset} | ({"ip_override": ip} if ip else {})
        shown = try_event(loaded.container, loaded.server, {"event": pushed, "source": "crm", "ip": "203.0.113.9"}, NOW)
        assert shown["consent"]["region"]["country"] == shown["event"].get("geo", {}).get("country") == country
        assert shown["tags"][0]["decision"] == decision


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """A warning, and everything goes on: an unknown region asks for an opt-in."""
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"nonsense")
    for path, why in ((tmp_path / "gone.mmdb", "there is no such file"), (broken, "it is no database")):
        loaded = configured(f"geo_database: {path}")
        (problem,) = loaded.problems
        assert problem.code == "W308"
        assert why in problem.message
        assert loaded.server is not None
        assert loaded.server.collect.locate("203.0.113.7") == UNKNOWN


WITHOUT = """
import sys
sys.modules["maxminddb"] = None
from tests.config.world import load
found = load({"server.yaml": "collect: {geo_database: /var/lib/city.mmdb}", "container.yaml": "consent: {}"})
print([(one.code, one.message, one.hint) for one in found.problems])
"""


def test_the_library_is_missing() -> None:
    """An error that says how to get it."""
    said = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True).stdout
    assert "collect.geo_database needs the library maxminddb" in said
    assert "tagserver[geo]" in said
