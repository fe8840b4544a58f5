"""`tagserver reload`, `rollback` and `versions`: publish the files, go back, and see what serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tagserver.cli.options import data_option, json_option, note_option, server_option
from tagserver.cli.remote import call, user_name
from tagserver.cli.terminal import give_up, say, say_json
from tagserver.publishing.store import LONGEST_NOTE, SERVING, Store
from tagserver.queue.data_folder import unusable
from tagserver.system.text import readable_time

MOST = 6
"""Names that one line shows."""


_note = note_option(LONGEST_NOTE, "Why; `tagserver versions` shows it.")


@click.command()
@data_option
@json_option
def versions(data: Path, as_json: bool) -> None:
    """The versions that were published, the newest first, and which one serves. Needs no running server."""
    try:
        os.scandir(data).close()
    except FileNotFoundError:
        give_up(f"there is no data folder {data}: name the right one with --data, or start a server, which makes it")
    except OSError as error:
        give_up(unusable(data, error))
    store = Store(data)
    listed = store.listed()
    say_damaged(store)
    if as_json:
        say_json(listed)
        return
    for one in listed["versions"]:
        mark, by = "serves" if one["serves"] else "", one["by"] or "nobody knows"
        say(f"{one['number']:>6}  {one['version']}  {readable_time(one['published'])}  {mark:6}  by {by}")
        if one["note"]:
            say(f"        {one['note']}")
        if one["changed"]:
            say(f"        changed: {_names(one['changed'])}")
        if (back := listed["rolled_back"]) is not None and back["number"] == one["number"]:
            note = f": {back['note']}" if back["note"] else ""
            say(f"        rolled back to on {readable_time(back['at'])} by {back['by'] or 'nobody knows'}{note}")
    if not listed["versions"]:
        say(f"Nothing was published from the data folder {data} yet.")


@click.command()
@server_option
@_note
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
def rollback(data: Path, env_file: Path | None, note: str, number: int) -> None:
    """Publish version NUMBER of marketing's files again. It serves until somebody publishes, over restarts;
    `server.yaml` stays as it is. `tagserver versions` shows the numbers."""
    done = _ask("/-/rollback", data, env_file, {"number": number, "by": user_name(), "note": note})
    say(f"Version {done['number']} serves now (container {done['version']}), until somebody publishes.")
    _say_more(done)


@click.command()
@server_option
@_note
@click.option("--server", "server_alone", is_flag=True, help="Renew server.yaml and secrets alone; publish nothing.")
def reload(data: Path, env_file: Path | None, note: str, server_alone: bool) -> None:
    """Publish the files, and have the running server read server.yaml and secrets again."""
    if server_alone and note:
        raise click.UsageError("--note is for a publication, and --server publishes nothing")
    if server_alone:
        done = _ask("/-/reload", data, env_file, {"server": True})
        say(f"server.yaml and secrets are renewed; version {done['number']} serves on (container {done['version']}).")
        _say_more(done)
        return
    done = _ask("/-/reload", data, env_file, {"by": user_name(), "note": note})
    say(f"Version {done['number']} serves now (container {done['version']}).")
    _say_more(done)


def _ask(path: str, data: Path, env_file: Path | None, body: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = call("POST", path, data=data, env_file=env_file, body=body, refused=True)
    for one in done["problems"]:
        say(f"{one['file']}:{one['line']}: {one['message']}", err=True)
        if one["hint"]:
            say(f"    {one['hint']}", err=True)
    if not done["ok"]:
        what = "Not all was renewed" if "server" in body else "Nothing was changed"
        goes_on = f"{what}; version {done['number']} goes on (container {done['version']})"
        say(f"{goes_on}. {_sentence(done)}".rstrip(), err=True)
        raise SystemExit(1)
    return done


def _say_more(done: dict[str, Any]) -> None:
    if done["ended"] is not None:
        say(f"This ends the rollback to version {done['ended']}.")
    if done["detail"]:
        say(_sentence(done))


def _sentence(done: dict[str, Any]) -> str:
    detail = str(done["detail"])
    return f"{detail[:1].upper()}{detail[1:]}." if detail else ""


def say_damaged(store: Store) -> None:
    """On standard error, that the data folder does not know any more what serves."""
    if store.damaged:
        why = "cannot be read: a server that starts serves the newest version, one that runs what it served"
        say(f"tagserver: {store.data / SERVING} {why}. `tagserver reload` or `rollback` writes it anew", err=True)


def _names(names: list[str]) -> str:
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")
