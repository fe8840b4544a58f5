"""`tagserver doctor`: is this machine fit to run the server, and does it reach the vendors?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from tagserver.cli.options import config_option, data_option, json_option, open_folder
from tagserver.container.server import ServerConfig
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

MARKS = {"ok": "✔", "warning": "⚠", "error": "✖"}


@click.command()
@config_option
@data_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--offline", is_flag=True, help="Do not call the vendors' hosts.")
@json_option
def doctor(config: Path, env_file: Path | None, data: Path, host: str, port: int, offline: bool, as_json: bool) -> None:
    """Look at versions, configuration, disk, port, clock, and the way to each vendor."""
    loaded = open_folder(config, env_file).compile()
    server = loaded.server or ServerConfig()
    findings = [
        *check_versions(),
        *check_configuration(loaded),
        *check_folder(data, server.queue.min_free),
        *check_port(host, port),
        *check_proxies(server.collect.trusted_proxies, server.collect.geo_headers),
    ]

    def reach(name: str) -> Finding:
        return Finding("ok", name, "not called (--offline)") if offline else connect(name, server.egress)

    if loaded.container is not None:
        today = datetime.now(UTC).date()
        for name, destination in loaded.container.destinations.items():
            findings += check_destination(name, destination, today, reach)
    if as_json:
        click.echo(msgspec.json.encode({"findings": [finding.as_dict() for finding in findings]}))
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.level]} {finding.matter}: {finding.message}")
            if finding.hint:
                click.echo(f"  {finding.hint}")
    raise SystemExit(1 if any(finding.level == "error" for finding in findings) else 0)
