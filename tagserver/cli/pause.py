"""`tagserver pause` and `resume`: nothing is sent to one destination, until it may go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from tagserver.pausing.pausing import LONGEST_NOTE, LONGEST_TERM, UnknownDestination, unwritten
from tagserver.publishing.serving import NoConfiguration
from tagserver.queue.data_folder import unusable
from tagserver.queue.errors import InUse, OutboxError, OutboxStartError
from tagserver.runtime.server_files import lives
from tagserver.system.text import deliveries, parse_duration, printable, readable_time, size
from tagserver.system.time import Time

DAYS = 5
"""How many days are listed one by one."""


def _term(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= LONGEST_TERM:
        raise click.BadParameter(f"{text[:40]!r} is no time to pause for: write 30m, 2h, 1h30m or 3d (366d at most)")
    return seconds


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


def when_pausing(done: Mapping[str, Any]) -> Iterator[str]:
    """What will expire, and when there is no more room. `done`: the answer of `/-/pause.json`."""
    if (seen := done.get("outlook")) is not None:
        until = done["pause"]["until"]
        yield _waiting(seen)
        if seen["expired"]:
            yield f"{deliveries(seen['expired'])} {_are(seen['expired'])} too old already (expired)."
        if until is not None and seen["looked"]:
            some = deliveries(seen["before"]) if seen["before"] else "None of them"
            verb = "expire" if seen["before"] > 1 else "expires"
            yield f"{some} {verb} before the pause ends" + (", and will not be sent." if seen["before"] else ".")
        elif seen["first"] is not None:
            yield f"The first expires on {readable_time(seen['first'])}: {_by_day(seen)}."
        elif seen["looked"] > seen["expired"]:
            yield "None of them has an age limit."
    share = done["share"]
    full = f"{size(share['used'])} of {size(share['limit'])}"
    soon = ""
    if share["full_in_s"] is not None:
        soon = f", and at the rate of the last hour ({share['per_s']:.3g} a second) full in {_time(share['full_in_s'])}"
    yield f"Its share of the queue is used to {full}{soon}. Beyond it new deliveries become dead letters (queue_full)."


def when_resuming(done: Mapping[str, Any]) -> Iterator[str]:
    """What will be sent, and what not. `done`: the answer of `/-/resume.json` to a dry run."""
    seen = done["outlook"]
    yield _waiting(seen)
    if seen["expired"]:
        doubt = (
            f"; of {seen['unknown']} of them the vendor may have a copy that it would count again"
            if seen["unknown"]
            else ""
        )
        yield f"{deliveries(seen['expired'])} {_are(seen['expired'])} too old by now: dead letters (expired){doubt}."
    refused = sum(seen["refused"].values())
    if refused:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(seen["refused"].items()))
        yield f"{deliveries(refused)} may not be sent any more: dead letters ({reasons})."


def _waiting(seen: Mapping[str, Any]) -> str:
    waits = "wait" if seen["waiting"] != 1 else "waits"
    if not seen["waiting"]:
        return "Nothing waits now."
    if seen["looked"] < seen["waiting"]:
        return f"{deliveries(seen['waiting'])} {waits}. Of the oldest {seen['looked']:,}:"
    return f"{deliveries(seen['waiting'])} {waits}."


def _by_day(seen: Mapping[str, Any]) -> str:
    days = list(seen["by_day"].items())
    later = seen["later"] + sum(number for _, number in days[DAYS:])
    said = [f"{number:,} on {day}" for day, number in days[:DAYS]]
    return ", ".join([*said, *([f"{later:,} later"] if later else [])])


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _time(seconds: int) -> str:
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit:
            return f"about {seconds // unit:,} {name}s"
    return "less than two minutes"
