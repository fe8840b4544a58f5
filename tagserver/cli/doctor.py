"""`tagserver doctor`: is this machine fit to run the server, and does it reach the vendors?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tagserver.backup.hold import WAY_OUT, read_restored
from tagserver.backup.restoring import unfinished
from tagserver.cli.options import config_option, data_option, json_option, open_folder, without_env_file
from tagserver.cli.remote import Server
from tagserver.cli.terminal import say, say_json
from tagserver.config.references import ADMIN_TOKEN
from tagserver.config.server import ServerConfig
from tagserver.config.yaml.problems import Problem
from tagserver.doctor.doctor import (
    Finding,
    check_audit,
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
from tagserver.doctor.reach import check_allowed, check_proxy, check_reached, look_at_all, ways_of
from tagserver.queue.sqlite.snapshot import newer_than_this
from tagserver.runtime.server_files import UNREACHABLE, NoServer, Unanswered, lives
from tagserver.system.machine import clock_is_kept, file_descriptors

LONGEST = 10.0
"""Seconds for an answer."""
MARKS = {"ok": "✔", "warning": "⚠", "error": "✖"}


@dataclass(frozen=True)
class RunningServer:
    """What a server that runs on the data folder says of itself; `address` is empty when there is none. `unreachable`:
    why nothing is known of one that should run."""

    address: str = ""
    readiness: Mapping[str, Any] | None = None
    status: Mapping[str, Any] = field(default_factory=dict)
    forwarded: Mapping[int, int] = field(default_factory=dict)
    unreachable: Finding | None = None

    @classmethod
    def of(cls, data: Path, environ: Mapping[str, str]) -> RunningServer:
        """Ask it."""
        try:
            server = Server.of(data, environ)
        except NoServer:
            return cls()
        except Unanswered as nothing:
            return cls(unreachable=_unreachable(nothing))
        try:
            status = server.json(server.ask("GET", "/-/status.json", timeout=LONGEST))
            readiness = server.json(server.ask("GET", "/readyz", timeout=LONGEST))
            metrics = server.ask("GET", "/-/metrics", timeout=LONGEST).text
        except Unanswered as nothing:
            runs = server.address if nothing.code != UNREACHABLE else ""
            return cls(runs, unreachable=_unreachable(nothing))
        found = re.findall(r'^tagserver_forwarded_requests_total\{entries="(\d+)"\} (\d+)', metrics, re.MULTILINE)
        return cls(server.address, readiness, status, {int(entries): int(number) for entries, number in found})


def _unreachable(nothing: Unanswered) -> Finding:
    why, _, todo = str(nothing).partition("; ")
    return Finding("warning", "server", why, todo)


def _more_in_a_file(env_file: Path | None, problems: Iterable[Problem]) -> Iterator[Finding]:
    if said := without_env_file(env_file, problems):
        what, _, todo = said.partition(". ")
        yield Finding("warning", "env file", what, todo)


def check_at_rest(data: Path, queue: str) -> Iterator[Finding]:
    """What can be said of a data folder on which no server runs: whether one would start, and deliver. `queue`: the
    name of its file; a folder without one is one that no server has used yet."""
    if os.path.lexists(data / queue):
        hint = "start it; why it has ended stands at the end of its log (journalctl -u tagserver -n 50)"
        yield Finding("warning", "server", f"none runs on the data folder {data}: nothing is taken in or sent", hint)
    else:
        yield Finding("ok", "server", f"none runs on the data folder {data}, and none has yet")
    if (why := unfinished(data)) is not None:
        yield Finding("error", "restore", why, "until then the server refuses to start")
    if (why := newer_than_this(data / queue)) is not None:
        hint = "start the newer one again, or restore the backup that was made before the upgrade"
        yield Finding("error", "queue", why, hint)
    if (known := read_restored(data)) is not None and known.waits:
        yield Finding("warning", "restore", f"a server that starts delivers nothing: {known.waits}", WAY_OUT)


@click.command()
@config_option
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--offline", is_flag=True, help="Do not call the vendors' hosts.")
@json_option
def doctor(config: Path, env_file: Path | None, data: Path, host: str, port: int, offline: bool, as_json: bool) -> None:
    """Look at versions, configuration, disk, clock, limits, port, proxies, a server that runs, and the way to each
    vendor."""
    folder = open_folder(config, env_file)
    loaded = folder.compile()
    server = loaded.server or ServerConfig()
    running = RunningServer.of(data, folder.environment())
    findings = [
        *check_versions(),
        *_more_in_a_file(env_file, loaded.problems),
        *check_configuration(loaded),
        *check_folder(data, server.queue.min_free),
        *check_secrecy(data, folder.environment().get(ADMIN_TOKEN)),
        *check_audit(data, server.audit.max_size, server.audit.keep),
        *check_clock(clock_is_kept()),
        *check_files(server.collect.max_connections, file_descriptors()),
        *check_port(host, port, running.address),
        *check_proxies(server.collect.trusted_proxies, server.collect.geo_headers),
        *check_forwarded(server.collect.trusted_proxies, running.forwarded),
    ]
    if running.unreachable is not None:
        findings.append(running.unreachable)
    if running.readiness is None and not lives(data):
        stopped = check_at_rest(data, server.queue.file)
        findings += (one for one in stopped if running.unreachable is None or one.matter != running.unreachable.matter)
    if running.readiness is not None:
        findings += check_server(running.readiness)
    found = list(check_running_destinations(running.status))
    findings += found
    paused = {finding.matter for finding in found if finding.message.startswith("paused")}

    if loaded.container is not None:
        today = datetime.now(UTC).date()
        destinations = loaded.container.destinations
        for name, destination in destinations.items():
            files = check_destination(name, destination, today)
            # What the server says of a pause is what the files say, and how much waits.
            findings += (one for one in files if not (name in paused and one.message.startswith("paused")))
        ways = ways_of(destinations.values())
        findings += check_proxy(folder.environment())
        findings += check_allowed(server.egress, ways)
        if offline:
            findings += (Finding("ok", way.name, "not called (--offline)") for way in ways)
        else:
            findings += check_reached(look_at_all(ways))
    if as_json:
        say_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        for finding in findings:
            say(f"{MARKS[finding.level]} {finding.matter}: {finding.message}")
            if finding.hint:
                say(f"  {finding.hint}")
    raise SystemExit(1 if any(finding.level == "error" for finding in findings) else 0)
