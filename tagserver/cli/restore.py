"""`tagserver restore`: a backup becomes a data folder again, and what is decided about it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec

from tagserver.backup.archive import OURS, BadBackup
from tagserver.backup.hold import WAY_OUT
from tagserver.backup.journal import BadJournal
from tagserver.backup.restoring import Done, NotRestored, deliver, play
from tagserver.backup.restoring import restore as restore_into
from tagserver.cli.backup import as_it_was
from tagserver.cli.options import PATH, json_option, server_option
from tagserver.cli.remote import call
from tagserver.cli.terminal import confirm, give_up, say, say_json
from tagserver.queue.data_folder import unusable
from tagserver.queue.dead_letters import RESTORED
from tagserver.queue.errors import OutboxStartError
from tagserver.queue.sqlite.snapshot import facts_of, queue_in
from tagserver.runtime.server_files import lives
from tagserver.system.files import os_fault
from tagserver.system.machine import this_user
from tagserver.system.text import counted, deliveries, letters, readable_time
from tagserver.system.time import Time

EVERY = "*"
LONGEST = 3600.0
"""Seconds that a server gets for a decision about all that is held."""


@click.command()
@click.argument("file", type=PATH, required=False)
@server_option
@click.option("--journal", type=PATH, help="Withdrawals and erasures since the backup, as serve --journal wrote them.")
@click.option("--without-journal", is_flag=True, help="Deliver without one.")
@click.option("--force", is_flag=True, help="Move what is in the data folder aside, into the folder before-restore-….")
@click.option("--resend", is_flag=False, flag_value=EVERY, help="Send what is held, all of it or of one DESTINATION.")
@click.option("--drop", is_flag=False, flag_value=EVERY, help="Drop what is held, all of it or of one DESTINATION.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def restore(
    file: Path | None,
    data: Path,
    env_file: Path | None,
    journal: Path | None,
    without_journal: bool,
    force: bool,
    resend: str | None,
    drop: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a data folder from the backup FILE, while no server runs on it.

    Deliveries that waited when the backup was made are held as dead letters with the reason restored, because they may
    have been sent since: nothing of them goes out before --resend or --drop says so, of a server that runs. Without a
    journal that reaches beyond the backup nothing at all is delivered before --without-journal.
    """
    decisions = [one for one in (resend, drop) if one is not None]
    if len(decisions) + (file is not None) > 1 or (
        file is None and not decisions and not journal and not without_journal
    ):
        raise click.UsageError("one of: FILE, --resend, --drop; or --journal or --without-journal after a restore")
    if decisions and (journal or without_journal or force):
        raise click.UsageError("--resend and --drop stand alone, or with the name of a destination")
    if decisions:
        action = "retry" if resend is not None else "drop"
        _decide(action, decisions[0], data, env_file, yes=yes, as_json=as_json)
    elif file is None and journal is None:
        _deliver(data, env_file, as_json=as_json)
    else:
        _restore(file, data, journal, without=without_journal, force=force, as_json=as_json)


def _restore(file: Path | None, data: Path, journal: Path | None, *, without: bool, force: bool, as_json: bool) -> None:
    try:
        if file is not None:
            done: Done | None = restore_into(file, data, journal, Time(), without=without, force=force)
        else:
            assert journal is not None
            done = play(data, journal, Time())
            if done is not None and without and deliver(data):
                done = msgspec.structs.replace(done, waits="")
    except (BadBackup, BadJournal, NotRestored, OutboxStartError) as error:
        give_up(f"nothing was restored: {error}")
    except OSError as error:
        give_up(f"nothing was restored: {os_fault(error)} (as {this_user()})")
    if done is None:
        give_up(f"the data folder {data} does not come from a backup: name the file, too")
    if as_json:
        say_json({name: value for name, value in msgspec.to_builtins(done).items() if name != "manifest"})
        return
    _say(done, data)


def _say(done: Done, data: Path) -> None:
    if done.manifest is not None:
        say(f"{data} is what it was at {readable_time(done.backup)} (tagserver {done.manifest.tagserver}).")
        if done.held:
            say(
                f"{deliveries(done.held)} waited then, and may have been sent since: held as dead letters with the "
                f"reason {RESTORED}. Start the server, then tagserver restore --resend or --drop."
            )
        else:
            say("Nothing waited then, so nothing is held.")
        say("What was accepted since is not here, nor are its keys: a repeat of it would be sent again.")
    if done.journal is not None:
        was = "was" if done.erased == 1 else "were"
        say(f"The journal reaches until {readable_time(done.journal)}; {deliveries(done.erased)} {was} erased by it.")
    if done.waits:
        say(f"The server will take events in and deliver nothing: {done.waits}. {WAY_OUT}.")
    if done.aside:
        for sentence in _what_lies_aside(data / done.aside):
            say(sentence)


def _what_lies_aside(folder: Path) -> Iterator[str]:
    """The folder that was there may hold the only copy of something."""
    yield f"What was there is in {folder}: remove it when nobody needs it any more."
    queue, waiting = queue_in(folder), 0
    if queue is not None:
        with suppress(OutboxStartError, OSError):
            waiting = facts_of(queue).pending
            as_it_was(queue)
    if waiting:
        it = "it" if waiting == 1 else "them"
        yield (
            f"{deliveries(waiting)} accepted there {'waits' if waiting == 1 else 'wait'} in its queue, and may have "
            f"been sent: tagserver serve --data {folder} --port 0 sends {it}, beside the other server."
        )
    if rows := [path.name for path in sorted(folder.iterdir()) if path.is_dir() and path.name not in OURS]:
        yield f"It also has folders of others, such as a file destination's rows: {', '.join(rows[:5])}."


def _deliver(data: Path, env_file: Path | None, *, as_json: bool) -> None:
    try:
        held = (
            call("POST", "/-/restore", data=data, env_file=env_file, body={"action": "deliver"})["held"]
            if lives(data)
            else deliver(data)
        )
    except OutboxStartError as error:
        give_up(str(error))
    except OSError as error:
        give_up(unusable(data, error))
    if as_json:
        say_json({"held": held})
    else:
        say("Delivery goes on, without a journal." if held else "Nothing was held for want of a journal.")


def _decide(action: str, name: str, data: Path, env_file: Path | None, *, yes: bool, as_json: bool) -> None:
    body: dict[str, Any] = {"action": action, "reason": RESTORED}
    if name != EVERY:
        body["destination"] = name
    of = "of all destinations" if name == EVERY else f"of {name}"
    confirm(
        f"Send what is held {of}? What the vendor has got since the backup may be counted twice."
        if action == "retry"
        else f"Drop what is held {of}, for good?",
        yes=yes,
    )
    done = call("POST", "/-/dead.json", data=data, env_file=env_file, body=body, timeout=LONGEST, wrong_usage=True)
    if as_json:
        say_json(done)
        return
    held = counted(done["count"], "held delivery", "held deliveries")
    say(f"{held} {'put back into the queue' if action == 'retry' else 'dropped'}.")
    for reason, number in (done.get("refused") or {}).items():
        say(f"May not be sent as things stand ({reason}), and held on: {letters(number)}.")
    if done.get("too_old"):
        old = letters(done["too_old"])
        say(f"Too old for the vendor, and held on: {old}. tagserver restore --drop removes them.")
