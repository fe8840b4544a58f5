"""`tagserver versions`, `rollback` and `reload`: the configurations that were served, and which one is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tagserver.cli.options import data_option, json_option
from tagserver.cli.output import say, say_json
from tagserver.cli.remote import call
from tagserver.configuration import process_environ
from tagserver.container.versions import history


@click.command()
@data_option
@json_option
def versions(data: Path, as_json: bool) -> None:
    """The last twenty sound configurations that were served, the newest first. Needs no running server."""
    found = history(data)
    if as_json:
        say_json({"versions": found})
        return
    for one in found:
        since = datetime.fromtimestamp(one.since / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        say(f"{one.number:>6}  {one.version}  since {since}  {', '.join(one.files)}")
    if not found:
        say(f"Nothing was served from the data folder {data} yet.")


@click.command()
@data_option
@click.argument("number", type=int)
def rollback(data: Path, number: int) -> None:
    """Serve version NUMBER again, until the files change. `tagserver versions` shows the numbers."""
    _said(call("POST", "/-/rollback", data=data, environ=process_environ(), body={"number": number}, refused=True))


@click.command()
@data_option
def reload(data: Path) -> None:
    """Have the running server read files and secrets again."""
    _said(call("POST", "/-/reload", data=data, environ=process_environ(), refused=True))


def _said(done: dict[str, object]) -> None:
    problems = done.get("problems")
    for problem in problems if isinstance(problems, list) else []:
        say(f"{problem['file']}:{problem['line']}: {problem['message']}", err=True)
    if not done.get("ok"):
        say(f"Nothing was changed; container {done.get('version')} goes on. {done.get('detail') or ''}".rstrip())
        raise SystemExit(1)
    say(f"Container {done['version']} serves now.")
