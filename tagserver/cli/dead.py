"""`tagserver dead`: the deliveries that were given up, and what can be done about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from tagserver.cli.options import json_option, server_option, when_option
from tagserver.cli.remote import call, user_name
from tagserver.cli.terminal import can_ask, confirm, say, say_json
from tagserver.queue.dead_letter_sentences import when_retried
from tagserver.queue.dead_letters import LARGEST_ID
from tagserver.system.text import iso_time, letters, readable_time

F = TypeVar("F", bound=Callable[..., Any])

SECONDS = 5.0
"""That one request works before it says how far it is. Between two of them the command can be interrupted."""
PATIENCE = 300.0
"""Seconds for one answer. The first question to a great queue of an earlier version takes some more than others."""
PATH = "/-/dead.json"
_NAMES = (
    ("--destination", "Only of this destination, as the configuration calls it or has called it."),
    ("--tag", "Only of this tag."),
    ("--reason", "Only with this reason (rejected, expired, consent …)."),
    ("--code", "Only with this code of the vendor's, as `dead summary` shows it (100/2804003)."),
    ("--event-id", "Only of this event."),
)


@click.group()
def dead() -> None:
    """Deliveries that were given up: summary, list, retry, drop.

    Retrying sends the payload as it was built when the event came in. It repairs a refused token or an outage; it
    cannot repair a mapping: change the container for that, and send the events again.

    All four choose alike. What is given is combined with and; an option that is given several times, with or.
    """


def choice_options(command: F) -> F:
    """The options that choose letters; they arrive as keywords of those names."""
    for name, text in (
        ("--until", "Only those that were given up before then."),
        ("--since", "Only those that were given up since then: 2h, 3d, 2026-11-01 (UTC), 2026-11-01T22:00:00Z."),
    ):
        command = when_option(name, text)(command)
    for name, text in reversed(_NAMES):
        command = click.option(name, multiple=True, help=text)(command)
    number = click.IntRange(1, LARGEST_ID)
    return click.option("--id", type=number, multiple=True, help="Only this letter, as `dead list` numbers it.")(
        command
    )


def _asked(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a choice that are given, as the server takes them."""
    lists = {name: list(value) for name, value in chosen.items() if isinstance(value, tuple) and value}
    return lists | {name: iso_time(value) for name in ("since", "until") if (value := chosen[name]) is not None}


def _ask(method: str, data: Path, env_file: Path | None, **what: Any) -> Any:
    return call(method, PATH, data=data, env_file=env_file, timeout=PATIENCE, wrong_usage=True, **what)


@dead.command()
@server_option
@choice_options
@json_option
def summary(data: Path, env_file: Path | None, as_json: bool, **chosen: Any) -> None:
    """Why deliveries were given up: one line for each destination, tag, reason and code, and what helps."""
    found = _ask("GET", data, env_file, query={**_asked(chosen), "summary": "yes"})
    if as_json:
        say_json(found)
    else:
        _say_summary(found)


@dead.command("list")
@server_option
@choice_options
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Letters of one page.")
@click.option("--after", metavar="CURSOR", help="The page that follows, by what the one before names.")
@click.option("--all", "everything", is_flag=True, help="All pages.")
@json_option
def list_(
    data: Path,
    env_file: Path | None,
    limit: int,
    after: str | None,
    everything: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Show dead letters, newest first: when, why, which event. Never a payload.

    The pages hold still: letters that come or go meanwhile move no other one to another page.
    """
    if after == "":
        raise click.UsageError("--after is empty: there is no next page")
    asked: dict[str, Any] = {**_asked(chosen), "limit": 1000 if everything else limit}
    total: int | None = None
    while True:
        query = asked | ({"after": after} if after else {}) | ({} if total is None else {"total": "no"})
        page = _ask("GET", data, env_file, query=query)
        shown, after = page["letters"], page["next"]
        if total is None:
            total = int(page["total"])
            if not as_json:
                part = f"Showing {len(shown):,} of " if after and not everything else ""
                say(f"{part}{letters(total)}, newest first." if total else "No dead letters.")
        if as_json:
            say_json({"dead": shown, "total": total, "next": after})
        else:
            _say_letters(shown)
        if after is None or not everything:
            break
    if after is not None and not as_json:
        say(f"The next page: the same with --after {after}")


@dead.command()
@server_option
@choice_options
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
def retry(data: Path, env_file: Path | None, everything: bool, dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Put dead letters back into the queue.

    They are sent as they were built, under the same event_id: a retry cannot repair a mapping. What is too old for its
    vendor stays, and what would be given up again at once. A retry later than the vendor's window for equal events
    (Meta: 48 hours) may be counted twice. To interrupt it does no harm, and it can be given again.
    """
    order = _Order("retry", data, env_file, _asked(chosen), everything)
    done = order.run(dry_run=dry_run)
    if as_json:
        say_json(done)
    else:
        for sentence in when_retried(done, dry_run=dry_run):
            say(sentence)


@dead.command()
@server_option
@choice_options
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--dry-run", is_flag=True, help="Say how many there are, and remove none.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop(
    data: Path, env_file: Path | None, everything: bool, dry_run: bool, yes: bool, as_json: bool, **chosen: Any
) -> None:
    """Remove dead letters for good. They count as erased. In a terminal it asks first."""
    order = _Order("drop", data, env_file, _asked(chosen), everything)
    begin = None
    if dry_run or can_ask(yes=yes):
        there = order.run(dry_run=True)
        if dry_run:
            _say_dropped(there, as_json, "would be removed")
            return
        begin = there["begin"]
        if there["count"]:
            confirm(f"Remove {letters(there['count'])} for good?")
    _say_dropped(order.run(begin), as_json, "removed")


def _say_dropped(done: Mapping[str, Any], as_json: bool, were: str) -> None:
    if as_json:
        say_json(done)
    else:
        say(f"{letters(done['count'])} {were}.")


class _Order:
    """An order to the server, in as many requests as it takes."""

    def __init__(
        self, action: str, data: Path, env_file: Path | None, chosen: Mapping[str, Any], everything: bool
    ) -> None:
        if not chosen and not everything:
            options = ", ".join(f"--{name}" for name in ("id", "event-id", "destination", "tag", "reason", "code"))
            raise click.UsageError(f"say which: {options}, --since, --until, or --all")
        self._body = {"action": action, "all": everything, "seconds": SECONDS, "by": user_name(), **chosen}
        self._data = data
        self._env_file = env_file

    def run(self, after: str | None = None, *, dry_run: bool = False) -> dict[str, Any]:
        """What all requests have done together. `after`: where it begins, for a choice that was looked at before."""
        whole: dict[str, Any] = {"count": 0}
        waiting: dict[str, dict[str, Any]] = {}
        begin = None
        while True:
            body = self._body | ({"dry_run": True} if dry_run else {}) | ({"after": after} if after else {})
            try:
                done = _ask("POST", self._data, self._env_file, body=body)
            except KeyboardInterrupt:
                if not dry_run:
                    sure = f"Interrupted. {letters(whole['count'])} are done, and some more within {SECONDS:.0f} s"
                    say(f"{sure}; the same command goes on with what is left.", err=True)
                raise
            begin = begin or done.get("begin")
            before = whole["count"]
            for name in ("count", "too_old", "late"):
                if name in done:
                    whole[name] = whole.get(name, 0) + done[name]
            if "refused" in done:
                whole["refused"] = dict(Counter(whole.get("refused", {})) + Counter(done["refused"]))
            for one in done.get("waiting", ()):
                known = waiting.setdefault(one["destination"], one | {"count": 0})
                known |= one | {"count": known["count"] + one["count"]}
            whole["left"] = done["left"] - before if dry_run else done["left"]
            after = done["next"]
            if after is None:
                break
            if not dry_run:
                say(f"{whole['count']:,} so far, {whole['left']:,} left …", err=True)
        if "refused" in whole:
            whole["waiting"] = list(waiting.values())
        return whole | ({"dry_run": True, "begin": begin} if dry_run else {})


def _say_letters(found: Sequence[Mapping[str, Any]]) -> None:
    """Two lines for each dead letter."""
    for one in found:
        whose = "  ".join(one[key] for key in ("destination", "tag", "name", "event_id"))
        say(f"{one['id']:>8}  {readable_time(one['buried'])}  {whose}")
        say(f"          {_why(one)}")


def _why(letter: Mapping[str, Any]) -> str:
    """Reason, code and detail, the code once."""
    code, detail = letter["code"], letter["detail"]
    rest = detail[len(code) :].lstrip() if code and detail.startswith(code) else detail
    name = f"{letter['reason']} {code}".rstrip()
    return f"{name}: {rest}" if rest else name


def _say_summary(found: Mapping[str, Any]) -> None:
    """A table, the largest group first; then what helps, once for each reason."""
    groups = found["summary"]
    if not groups:
        say("No dead letters.")
        return
    head = ("letters", "destination", "tag", "reason", "code", "oldest", "newest", "one event")
    rows = [
        (
            f"{one['count']:,}",
            *(one[key] or "-" for key in ("destination", "tag", "reason", "code")),
            readable_time(one["oldest"]),
            readable_time(one["newest"]),
            one["event_id"],
        )
        for one in groups
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head) - 1)]
    for row in (head, *rows):
        first, *middle = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        say("  ".join((first.strip().rjust(widths[0]), *middle, row[-1])))
    if found["more"]:
        say(f"And {found['more']:,} smaller groups: choose, or take --json.")
    say(f"{letters(found['total'])}.")
    for reason, sentence in {one["reason"]: one["advice"] for one in groups}.items():
        say(f"{reason}: {sentence}.")
