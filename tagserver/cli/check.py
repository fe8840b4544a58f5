"""`tagserver check`: all problems of the configuration at once."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from tagserver.cli.options import config_option, json_option, open_folder, print_problems


@click.command()
@config_option
@json_option
def check(config: Path, env_file: Path | None, as_json: bool) -> None:
    """Check the configuration: every problem with file, line, column and a hint. Changes nothing."""
    loaded = open_folder(config, env_file).compile()
    serious = [problem for problem in loaded.problems if problem.severity != "warning"]
    if as_json:
        shown = {
            "ok": not serious,
            "version": loaded.container.version if loaded.container else None,
            "problems": [problem.as_dict() for problem in loaded.problems],
        }
        click.echo(msgspec.json.encode(shown))
    elif loaded.problems:
        print_problems(loaded.problems, config, err=False)
    else:
        assert loaded.container is not None
        container = loaded.container
        parts = (("tag", container.tags), ("trigger", container.triggers), ("destination", container.destinations))
        counts = ", ".join(f"{len(some)} {what}{'s' if len(some) != 1 else ''}" for what, some in parts)
        click.echo(f"No problems: {counts}. Container {container.version}.")
    raise SystemExit(1 if serious else 0)
