"""`tagserver pause` and `resume`: nothing is sent to one destination, until it may go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tagserver.cli.options import (
    config_option,
    data_option,
    json_option,
    note_option,
    open_folder,
    print_problems,
)
from tagserver.cli.remote import call, user_name
from tagserver.cli.terminal import confirm, give_up, say, say_json
from tagserver.pausing.alone import Act, OfAnother, act_alone
from tagserver.pausing.pausing import LONGEST_NOTE, UnknownDestination, term_in, unwritten
from tagserver.pausing.sentences import when_pausing, when_resuming
from tagserver.publishing.serving import NoConfiguration
from tagserver.queue.data_folder import unusable
from tagserver.queue.errors import InUse, OutboxError, OutboxStartError
from tagserver.runtime.server_files import lives
from tagserver.system.text import printable, readable_time
from tagserver.system.time import Time


def _term(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return term_in(text)
    except ValueError as bad:
        raise click.BadParameter(str(bad)) from None


@click.command()
@config_option
@data_option
@click.option("--for", "term", metavar="TIME", callback=_term, help="Go on by itself after 30m, 2h, 3d.")
@note_option(LONGEST_NOTE, "Why; it is shown with the state.")
@json_option
@click.argument("destination")
def pause(
    config: Path, env_file: Path | None, data: Path, term: int | None, note: str, as_json: bool, destination: str
) -> None:
    """Send nothing more to DESTINATION. Its events are accepted and wait.

    It holds over restarts, reloads and rollbacks, until `tagserver resume` or the end of --for. A pause that stands
    gets the new term and note. Where no server runs on the data folder, it holds from the next start on.
    """
    by = user_name()
    done = _carried_out(
        ("/-/pause.json", {"destination": destination, "for": term, "note": note, "by": by}),
        lambda pausing: pausing.pause(destination, by=by, note=note, seconds=term),
        config,
        env_file,
        data,
    )
    if as_json:
        say_json(done)
        return
    name, until = done["destination"], done["pause"]["until"]
    end = f"until {readable_time(until)}" if until is not None else f"until you run tagserver resume {name}"
    if done["server"]:
        say(f"{name} is paused {end}. Nothing more is sent to it; its events are accepted, and wait.")
    else:
        say(f"No server runs on the data folder {data}. {name} is paused {end}:")
        say("a server that starts sends nothing to it; its events are accepted, and wait.")
    if (before := done["replaced"]) is not None:
        why = f": {before['note']}" if before["note"] else ""
        say(f"It was paused already, by {before['by']}{why}.")
    for sentence in when_pausing(done):
        say(sentence)


@click.command()
@config_option
@data_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of what waits.")
@json_option
@click.argument("destination")
def resume(
    config: Path, env_file: Path | None, data: Path, yes: bool, dry_run: bool, as_json: bool, destination: str
) -> None:
    """Let DESTINATION go on: what waits is sent, and its vendor is asked at once.

    First it says what would be sent and what has become too old, and in a terminal it asks.
    """
    by = user_name()
    before = _carried_out(
        ("/-/resume.json", {"destination": destination, "by": by, "dry_run": True}),
        lambda pausing: pausing.before_resuming(destination),
        config,
        env_file,
        data,
    )
    name, was = before["destination"], before["was"]
    if not as_json:
        _say_before(before)
    if dry_run:
        if as_json:
            say_json(before)
        return
    if was is not None:
        confirm(f"Let {name} go on?", yes=yes)
    done = _carried_out(
        ("/-/resume.json", {"destination": destination, "by": by}),
        lambda pausing: pausing.resume(destination, by=by),
        config,
        env_file,
        data,
    )
    if as_json:
        say_json({**done, "outlook": before["outlook"]})
    else:
        say(_resumed(done, data))


def _resumed(done: dict[str, Any], data: Path) -> str:
    name, besides = done["destination"], done["besides"]
    if done["was"] is None and not done["server"]:
        return "Nothing was changed."
    if besides is not None:
        was = "not paused by hand" if done["was"] is None else "not paused by hand any more"
        return f"{name} is {was}, and sends nothing for another reason: {besides}"
    if done["was"] is None:
        return "Its vendor is asked at once."
    if done["server"]:
        return f"{name} goes on."
    return f"No server runs on the data folder {data}. {name} goes on at the next start."


def _say_before(before: dict[str, Any]) -> None:
    name, was = before["destination"], before["was"]
    if was is None:
        say(f"{name} is not paused by hand.")
    else:
        note = f": {was['note']}" if was["note"] else ""
        say(f"{name} is paused by {was['by']} since {readable_time(was['since'])}{note}.")
    for sentence in when_resuming(before):
        say(sentence)


def _carried_out(
    order: tuple[str, dict[str, Any]], alone: Act, config: Path, env_file: Path | None, data: Path
) -> dict[str, Any]:
    """What came of it: by the server that owns the data folder, or on the folder itself where there is none. `server`
    says which."""

    def by_server() -> dict[str, Any]:
        path, body = order
        return {
            **call("POST", path, data=data, env_file=env_file, body=body, wrong_usage=True),
            "server": True,
        }

    try:
        if lives(data):
            return by_server()
        return {**_on_folder(alone, config, env_file, data), "server": False}
    except InUse:  # a server has begun just now
        return by_server()
    except OSError as error:
        give_up(unusable(data, error))


def _on_folder(alone: Act, config: Path, env_file: Path | None, data: Path) -> dict[str, Any]:
    folder = open_folder(config, env_file, data)
    try:
        done = act_alone(folder, data, Time(), alone)
    except NoConfiguration as nothing:
        print_problems(nothing.problems, config)
        give_up(
            f"no server runs on the data folder {data}, and without a sound configuration none can start: {nothing}"
        )
    except InUse:
        raise
    except (OutboxStartError, OfAnother) as error:
        give_up(str(error))
    except UnknownDestination as unknown:
        raise click.UsageError(printable(str(unknown))) from None
    except OutboxError as error:
        give_up(unwritten(error))
    if not done.pop("recorded"):
        say("The audit could not be written: note somewhere else who did this, and why.", err=True)
    return done
