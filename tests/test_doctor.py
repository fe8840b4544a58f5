"""Is this machine fit: each finding from what it is told."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tagserver.configuration import ConfigurationFolder
from tagserver.container.model import ConfiguredDestination
from tagserver.doctor import (
    Finding,
    check_configuration,
    check_destination,
    check_folder,
    check_port,
    check_proxies,
    check_versions,
    connect,
)
from tagserver.plugin import Destination
from tagserver.registry import Registry

ROOT = Path(__file__).parents[1]
TODAY = date(2026, 11, 24)


def one(findings: Any) -> Finding:
    """The only finding."""
    (finding,) = findings
    assert isinstance(finding, Finding)
    return finding


def configured(environ: dict[str, str]) -> Any:
    """The example configuration."""
    return ConfigurationFolder(ROOT / "config", Registry.load(), environ).compile()


def test_this_machine_has_the_versions_it_needs() -> None:
    assert one(check_versions()).level == "ok"


def test_the_configuration_is_judged() -> None:
    sound = {"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "t"}
    assert one(check_configuration(configured(sound))).level == "ok"
    finding = one(check_configuration(configured({})))
    assert finding.level == "error"
    assert "tagserver check" in finding.hint


def test_a_folder_that_can_be_written_is_fine_and_room_is_counted(tmp_path: Path) -> None:
    levels = {finding.matter: finding.level for finding in check_folder(tmp_path, 1)}
    assert levels["room"] == "ok"
    assert levels["disk"] in ("ok", "warning")
    assert [finding.level for finding in check_folder(tmp_path, 1 << 60)][1] == "error"


def test_a_folder_that_is_no_folder() -> None:
    assert one(check_folder(Path("/proc/self/nowhere/data"), 1)).level == "error"


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert one(check_port("127.0.0.1", port)).level == "warning"
    assert one(check_port("127.0.0.1", port)).level == "ok"


def test_geo_headers_without_a_proxy() -> None:
    assert [finding.level for finding in check_proxies(0, ["cf-ipcountry"])] == ["ok", "warning"]
    assert one(check_proxies(1, ["cf-ipcountry"])).level == "ok"


class Dated(Destination):
    """A destination whose API version ends."""

    type = "dated"
    ends: date | None = None

    def version_ends(self, settings: Any) -> date | None:
        """When a test says."""
        return self.ends


@pytest.mark.parametrize(
    ("ends", "level", "says"),
    [
        (None, None, ""),
        (date(2027, 11, 24), None, ""),
        (date(2026, 12, 24), "warning", "in 30 days"),
        (date(2027, 3, 24), "warning", "in 120 days"),
        (date(2027, 3, 25), None, ""),
        (date(2026, 11, 24), "error", "has ended"),
        (date(2026, 11, 1), "error", "has ended"),
    ],
)
def test_the_end_of_an_api_version_is_said_months_before(ends: date | None, level: str | None, says: str) -> None:
    known = configured({"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "t"}).container.destinations["meta"]
    assert isinstance(known, ConfiguredDestination)
    plugin = Dated()
    plugin.ends = ends
    dated = replace(known, plugin=plugin, hosts=())
    findings = list(check_destination("meta", dated, TODAY, lambda host: Finding("ok", host, "")))
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert all(says in finding.message for finding in findings)


def test_a_host_that_is_not_there_or_inside_is_an_error() -> None:
    assert connect("no-such-host.invalid", ()).level == "error"
    assert "not public" in connect("localhost", ()).message
