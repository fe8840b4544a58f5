"""Is this machine fit: each finding from what it is told."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.model import ConfiguredDestination
from tagserver.doctor.doctor import (
    Finding,
    check_clock,
    check_configuration,
    check_destination,
    check_files,
    check_folder,
    check_forwarded,
    check_port,
    check_proxies,
    check_running_destinations,
    check_secrecy,
    check_server,
    check_versions,
)
from tagserver.plugin import Destination
from tagserver.plugin.registry import Registry
from tagserver.system.machine import clock_is_kept

ROOT = Path(__file__).parents[2]
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

    assert one(check_port("127.0.0.1", port, f"http://127.0.0.1:{port}")).message.endswith("the server that runs")


@pytest.mark.parametrize(
    ("mode", "token", "matters"),
    [
        (0o700, None, []),
        (0o700, "x" * 32, []),
        (0o750, None, ["folder"]),
        (0o704, "secret", ["folder", "token"]),
        (0o700, "", ["token"]),
    ],
)
def test_what_others_could_read_or_guess(tmp_path: Path, mode: int, token: str | None, matters: list[str]) -> None:
    tmp_path.chmod(mode)
    findings = list(check_secrecy(tmp_path, token))
    assert [finding.matter for finding in findings] == matters
    assert all(finding.level == "warning" and (token or "?") not in finding.message for finding in findings)
    assert list(check_secrecy(tmp_path / "not-there", None)) == []


def test_the_clock() -> None:
    assert clock_is_kept() in (True, False, None)
    assert [[finding.level for finding in check_clock(kept)] for kept in (True, False, None)] == [
        ["ok"],
        ["warning"],
        [],
    ]


def test_files_for_all_connections() -> None:
    assert one(check_files(10_000, 20_000)).level == "ok"
    few = one(check_files(10_000, 1024))
    assert few.level == "warning"
    assert "924 of 10000" in few.message


@pytest.mark.parametrize(
    ("readiness", "level", "says"),
    [
        ({"ready": True, "status": "ok", "container": "a1", "problems": []}, "ok", ""),
        ({"ready": True, "status": "degraded", "notice": "rolled back", "problems": []}, "warning", "rolled back"),
        ({"ready": True, "status": "degraded", "problems": [{}, {}]}, "warning", "2 problems"),
        (
            {"ready": True, "status": "degraded", "notice": "1 plugin fails: a", "problems": [{}]},
            "warning",
            "fails: a; 1",
        ),
        (
            {"ready": False, "status": "unavailable", "detail": "disk is full", "problems": []},
            "error",
            "disk is full",
        ),
        ({"ready": False, "status": "unavailable", "detail": "it ends", "problems": []}, "error", "it ends"),
    ],
)
def test_what_a_server_says_that_runs(readiness: dict[str, Any], level: str, says: str) -> None:
    finding = one(check_server(readiness))
    assert finding.level == level
    assert finding.message == f"runs, container {readiness.get('container')}: {readiness['status']}"
    assert says in finding.hint


@pytest.mark.parametrize(
    ("trusted", "seen", "says"),
    [
        (0, {}, None),
        (0, {0: 1000}, None),
        (1, {1: 900, 0: 100}, None),
        (0, {1: 19}, None),
        (0, {1: 900, 0: 100}, "trusted_proxies: 1"),
        (1, {2: 900, 1: 100}, "trusted_proxies: 2"),
        (2, {1: 900, 2: 100}, "nearest proxy"),
        (0, {0: 40, 1: 30, 2: 30}, None),
        (2, {0: 34, 1: 33, 3: 33}, None),
    ],
)
def test_as_many_proxies_as_are_trusted(trusted: int, seen: dict[int, int], says: str | None) -> None:
    """What most requests show counts; some may be forged."""
    findings = list(check_forwarded(trusted, seen))
    assert [says in finding.hint for finding in findings if says] == ([True] if says else [])
    assert len(findings) == (1 if says else 0)


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
    findings = list(check_destination("meta", dated, TODAY))
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert all(says in finding.message for finding in findings)


def status(state: str, reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """Of a server with one destination."""
    return {"destinations": {"meta": {"state": state, "reason": reason, "pending": 0} | fields}, "failing": []}


@pytest.mark.parametrize(
    ("state", "level", "says"),
    [
        (status("ok"), None, ""),
        (status("paused", "190: a new token", pending=7), "error", "paused: 190: a new token (7 deliveries wait)"),
        (
            status("failing", "build fails with KeyError at a.py:7"),
            "error",
            "failing: build fails with KeyError at a.py:7",
        ),
        (status("retrying", "503"), "warning", "retrying: 503"),
        (status("ok", dead_by_reason={"rejected": 3}), None, ""),
        (
            status("ok", dead_by_reason={"restored": 2}),
            "warning",
            "2 deliveries of a restored backup: held until you decide",
        ),
        (status("open", "503"), "warning", "open: 503"),
        (status("disabled", None), "warning", "disabled"),
        ({"failing": [{"variable": "v", "reason": "it fails"}]}, "error", "failing: it fails"),
        ({"failing": [{"destination": "meta", "reason": "it fails"}]}, None, ""),
        ({}, None, ""),
    ],
)
def test_what_a_server_says_of_its_destinations(state: dict[str, Any], level: str | None, says: str) -> None:
    """With the sentence for whoever has to act."""
    found = [(finding.level, finding.message) for finding in check_running_destinations(state)]
    assert found == ([(level, says)] if level else [])


@pytest.mark.parametrize(
    ("reason", "problems", "kept", "restart"),
    [
        ("190: a new token", (), True, False),
        ("plugin_error: classify fails with KeyError at a.py:7, after the answer", (), True, True),
        ("systematic: plugin_error for all 6 events tried; request fails", (), True, True),
        ("Acme: `limits` is not stated", ({"code": "P211", "path": "destinations.meta.type"},), False, True),
        ("META_TOKEN is not set", ({"code": "P210", "path": "destinations.meta.access_token"},), True, False),
        ("190: a new token", ({"code": "P211", "path": "variables.v"},), True, False),
    ],
)
def test_what_helps_a_destination_that_is_paused(
    reason: str, problems: Sequence[Mapping[str, str]], *, kept: bool, restart: bool
) -> None:
    """A plugin is loaded when the process starts, and what cannot be built is not kept."""
    (found,) = check_running_destinations({"container": {"problems": problems}, **status("paused", reason)})
    assert ("everything is kept" in found.hint, "restart" in found.hint) == (kept, restart)


class Odd(Destination):
    """A destination that breaks the contract wherever the doctor asks it."""

    type = "odd"

    def version_ends(self, settings: Any) -> Any:
        """What is no date."""
        return self.ends()

    def ends(self) -> Any:
        """As a test says."""
        raise SystemExit


@pytest.mark.parametrize("ends", [None, "2026-11-24", 7])
def test_a_plugin_that_breaks_the_contract_does_not_end_the_examination(ends: Any) -> None:
    known = configured({"META_PIXEL_ID": "1", "META_ACCESS_TOKEN": "t"}).container.destinations["meta"]
    plugin = Odd()
    if ends is not None:
        plugin.ends = lambda: ends  # type: ignore[method-assign]  # (that day in place of its own)
    odd = replace(known, plugin=plugin, hosts=("api.acme.example",))
    findings = list(check_destination("meta", odd, TODAY))
    assert [(finding.level, finding.matter) for finding in findings] == [("error", "meta")]
    assert "version_ends fails with" in findings[0].message
