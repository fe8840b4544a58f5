"""`tagserver dead`: the deliveries that were given up, and what can be done about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from tagserver.cli.options import environment, json_option, server_option
from tagserver.cli.output import say, say_json
from tagserver.cli.remote import call
from tagserver.delivery.dead import LARGEST_ID

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def dead() -> None:
    """Deliveries that were given up: list, retry, drop.

    Retrying sends the payload as it was built when the event came in. It repairs a refused token or an outage; it
    cannot repair a mapping: change the container for that, and send the events again.
    """


def _choice(command: F) -> F:
    for name, text in (
        ("--event-id", "Only of this event."),
        ("--reason", "Only with this reason (rejected, expired, consent …)."),
        ("--destination", "Only of this destination."),
    ):
        command = click.option(name, help=text)(command)
    return click.option("--id", "one", type=click.IntRange(1, LARGEST_ID), help="Only this letter.")(command)


def _asked(one: int | None, destination: str | None, reason: str | None, event_id: str | None) -> dict[str, Any]:
    asked = {"id": one, "destination": destination, "reason": reason, "event_id": event_id}
    return {name: value for name, value in asked.items() if value is not None}


@dead.command("list")
@server_option
@_choice
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@json_option
def list_(
    data: Path,
    env_file: Path | None,
    one: int | None,
    destination: str | None,
    reason: str | None,
    event_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show dead letters, the newest first: when, why, which event. Never a payload."""
    query = _asked(one, destination, reason, event_id) | {"limit": limit}
    letters = call("GET", "/-/dead.json", data=data, environ=environment(env_file), query=query)["letters"]
    if as_json:
        say_json(letters)
        return
    for letter in letters:
        buried = datetime.fromtimestamp(letter["buried"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        say(f"{letter['id']:>8}  {buried}  {letter['destination']}  {letter['name']}  {letter['event_id']}")
        say(f"          {letter['reason']}: {letter['detail']}")
    say(f"{len(letters)} dead letter{'s' if len(letters) != 1 else ''}.")


@dead.command()
@server_option
@_choice
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
def retry(
    data: Path,
    env_file: Path | None,
    one: int | None,
    destination: str | None,
    reason: str | None,
    event_id: str | None,
    everything: bool,
) -> None:
    """Put dead letters back into the queue.

    They are sent as they were built, under the same event_id: a retry cannot repair a mapping. What is too old for its
    vendor stays. A retry later than the vendor's window for equal events (Meta: 48 hours) may be counted twice.
    """
    _order("retry", data, env_file, _asked(one, destination, reason, event_id), everything)


@dead.command()
@server_option
@_choice
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
def drop(
    data: Path,
    env_file: Path | None,
    one: int | None,
    destination: str | None,
    reason: str | None,
    event_id: str | None,
    everything: bool,
) -> None:
    """Remove dead letters for good. They count as erased."""
    _order("drop", data, env_file, _asked(one, destination, reason, event_id), everything)


def _order(action: str, data: Path, env_file: Path | None, choice: dict[str, Any], everything: bool) -> None:
    if not choice and not everything:
        raise click.UsageError("say which: --id, --destination, --reason, --event-id, or --all")
    body = {"action": action, "all": everything, **choice}
    done = call("POST", "/-/dead.json", data=data, environ=environment(env_file), body=body)
    word = {"retry": "put back into the queue", "drop": "removed"}[action]
    say(f"{_letters(done['count'])} {word}.")
    if done.get("too_old"):
        say(f"{_letters(done['too_old'])} too old for the vendor: nothing was done with them.")
    if done.get("late"):
        say(
            f"{_letters(done['late'])} of those came after the vendor's window for equal events: what it has "
            "already may be counted twice."
        )


def _letters(count: int) -> str:
    return f"{count} dead letter{'s' if count != 1 else ''}"
