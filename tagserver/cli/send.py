"""`tagserver send`: the events of a file, such as a week's sales of a till, to a running server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
import msgspec

from tagserver.cli.file_reader import Reading, look_through, opened
from tagserver.cli.options import GivenPath, config_option, data_option, environment, json_option, open_folder
from tagserver.cli.options import print_problems as print_all
from tagserver.cli.send_done import Done, InUse, Mark, beside, chained, done_of, first_chain
from tagserver.cli.sending import AT_ONCE, LARGEST, Fate, Sending, Stopped
from tagserver.cli.terminal import can_ask, confirm, give_up, say, say_json, stream
from tagserver.inbound.clients.datalayer import LONGEST_WAIT
from tagserver.inbound.files.faults import BadFile, RefusedRow
from tagserver.inbound.files.rows import Choices, FileEvent
from tagserver.records.words.tables import VERDICTS
from tagserver.runtime.server_files import Unanswered, address_in
from tagserver.system.text import counted, parse_duration, printable, span

KEY = "TAGSERVER_KEY"
"""The variable that holds the key, where no --source names it."""
FIRST = 3
"""Events that a dry run shows."""
TOLD = 10
"""Refused rows that are told in the terminal."""
TIMEOUT = 60.0


def _pairs(context: click.Context, parameter: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for one in given:
        name, equals, value = one.rpartition("=") if parameter.name == "column_map" else one.partition("=")
        if not equals or not name:
            raise click.BadParameter("write NAME=VALUE", context, parameter)
        pairs[name.strip()] = value.strip()
    return pairs


def _patience(context: click.Context, parameter: click.Parameter, given: str) -> int:
    try:
        return parse_duration(given)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def _wait(context: click.Context, parameter: click.Parameter, given: str) -> int:
    if (seconds := _patience(context, parameter, given)) > LONGEST_WAIT:
        raise click.BadParameter("at most 24h", context, parameter)
    return seconds


@click.command()
@config_option
@data_option
@click.argument("file", type=GivenPath(dir_okay=False, allow_dash=True))
@click.option(
    "--source", metavar="NAME", help=f"The key NAME of collect.keys. Without it the variable {KEY} holds one."
)
@click.option("--server", metavar="URL", help="A server elsewhere, with its path_prefix; else that of --data.")
@click.option("--map", "column_map", metavar="COLUMN=FIELD", multiple=True, callback=_pairs, help="Not as guessed.")
@click.option("--set", "always", metavar="FIELD=VALUE", multiple=True, callback=_pairs, help="Of every event.")
@click.option("--timezone", metavar="ZONE", default="", help="Of times without one: Europe/Berlin, +01:00. Else UTC.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="What 01/02/2026 means.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark of all amounts.")
@click.option("--dry-run", is_flag=True, help="Show what the columns mean and the first events; send nothing.")
@click.option("--patience", default="10m", show_default=True, callback=_patience, help="For a server that is away.")
@click.option(
    "--wait", default="0s", show_default=True, callback=_wait, help="For the page's copies of these orders; up to 24h."
)
@click.option("--yes", is_flag=True, help="Send without being asked.")
@json_option
def send(
    config: Path,
    env_file: Path | None,
    data: Path,
    file: Path,
    source: str | None,
    server: str | None,
    column_map: dict[str, str],
    always: dict[str, str],
    timezone: str,
    dates: Any,
    decimal: Any,
    dry_run: bool,
    patience: int,
    wait: int,
    yes: bool,
    as_json: bool,
) -> None:
    """Send the events of a file to a running server: a table (.csv), JSON lines (.jsonl), or - for standard input.

    Run it again when it was interrupted, or when the file has grown: FILE.sent knows how far it came, and an order
    counts once anyway. Rows that are refused stand in FILE.refused.csv with the reason. Exit 1 when there are any.
    """
    path = None if str(file) == "-" else file
    lines = None if path is None else {".jsonl": True, ".csv": False}.get(path.suffix.lower())
    try:
        with closing(opened(path)) as content:
            reading = look_through(content, lines, column_map, Choices(always, dates=dates, decimal=decimal), timezone)
            if dry_run:
                raise SystemExit(_show(reading, as_json))
            address, key = _way(config, env_file, data, source, server)
            _explain(reading, address)
            if not yes and not can_ask(yes=yes):
                raise click.UsageError("look at it with --dry-run first, and say --yes to send")
            confirm(f"Send {counted(reading.total, 'event')}?", yes=yes)
            with done_of(path, reading.header, reading.separator) as done, httpx.Client(trust_env=False) as client:
                post = _post(client, address, key)
                sending = Sending(post, time.sleep, patience, _told_wait, wait)
                start = first_chain(address if server else str(data.resolve()), source or "")
                counts, codes = _send_all(reading, done, start, sending)
    except (BadFile, ValueError) as error:
        give_up(
            f"{file}: {error}" if isinstance(error, BadFile) else str(error), 1 if isinstance(error, BadFile) else 2
        )
    except InUse:
        give_up(f"{file} is being sent by another command: wait until it has ended")
    except Stopped as stopped:
        give_up(printable(str(stopped)), stopped.code)
    raise SystemExit(_report(path, counts, codes, as_json))


def _way(config: Path, env_file: Path | None, data: Path, source: str | None, server: str | None) -> tuple[str, str]:
    """The address to post to, and the key. Ends the command where either is missing."""
    prefix = ""
    if source is not None:
        loaded = open_folder(config, env_file).compile()
        if loaded.server is None:
            print_all(loaded.problems, config)
            give_up("the configuration has problems")
        keys, prefix = loaded.server.collect.keys, loaded.server.path_prefix or ""
        if source not in keys:
            known = f"it has {', '.join(sorted(keys))}" if keys else "it has none"
            raise click.UsageError(f"--source: collect.keys has no {source} ({known})")
        key = keys[source].secret.reveal()
    else:
        key = environment(env_file).get(KEY, "")
        if not key:
            raise click.UsageError(f"name the key of collect.keys with --source, or set {KEY}")
    if not key.isascii() or not key.isprintable():
        give_up("the key has characters that no header can hold", 2)
    if server is None:
        try:
            return f"{address_in(data)}{prefix}/collect", key
        except Unanswered as nothing:
            give_up(printable(str(nothing)), nothing.code)
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise click.UsageError("--server: write https://t.shop.example")
    return f"{server.rstrip('/').removesuffix('/collect')}/collect", key


def _post(client: httpx.Client, address: str, key: str) -> Any:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return lambda body: client.post(address, content=body, headers=headers, timeout=TIMEOUT)


def _told_wait(seconds: float, why: str) -> None:
    say(f"{why}: again in {span(seconds)}", err=True)


def _send_all(reading: Reading, done: Done, start: str, sending: Sending) -> tuple[Counter[str], Counter[str]]:
    """All that is not done yet: how many came to each end, and how often each problem was said. Raises Stopped."""
    mark = done.resumed(start, reading.events())
    counts: Counter[str] = Counter({"done_before": mark.done})
    codes: Counter[str] = Counter()
    chain = mark.chain
    progress: Any = click.progressbar(length=reading.total, label="Sent", file=stream(err=True))
    with progress as bar:
        bar.update(mark.done)
        for batch in _batches(reading.events(mark.done)):
            events = [one for one in batch if isinstance(one, FileEvent)]
            answered = sending.send([one.raw for one in events]) if events else []
            fates = iter(answered)
            refused: list[RefusedRow] = []
            for one in batch:
                chain = chained(chain, one)
                if isinstance(one, RefusedRow):
                    refused.append(one)
                    continue
                fate = next(fates)
                counts[fate.status] += 1
                codes.update(fate.codes)
                if fate.status == "rejected":
                    refused.append(_refused(one, fate))
            counts["refused"] += len(refused)
            mark = Mark(mark.done + len(batch), chain, done.refuse(refused))
            done.note(mark)
            _tell(refused, counts["refused"])
            bar.update(len(batch))
    return counts, codes


def _refused(one: FileEvent, fate: Fate) -> RefusedRow:
    return RefusedRow(one.number, one.line, fate.field, f"the server: {fate.reason}", one.rows)


def _tell(refused: Sequence[RefusedRow], all_of_them: int) -> None:
    before = all_of_them - len(refused)
    for one in refused[: max(0, TOLD - before)]:
        say(_line(one), err=True)


def _line(one: RefusedRow) -> str:
    return f"line {one.line}{f', {one.column}' if one.column else ''}: {one.reason}"


def _batches(found: Iterator[FileEvent | RefusedRow]) -> Iterator[list[FileEvent | RefusedRow]]:
    batch: list[FileEvent | RefusedRow] = []
    size = 0
    for one in found:
        more = len(msgspec.json.encode(one.raw)) if isinstance(one, FileEvent) else 0
        if batch and (len(batch) == AT_ONCE or size + more > LARGEST):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += more
    if batch:
        yield batch


def _explain(reading: Reading, address: str) -> None:
    """What the columns are taken for, for people."""
    if reading.columns is not None and reading.found is not None:
        if reading.columns.export:
            say(f"This is an export of {reading.columns.export}.", err=True)
        width = max(len(one.name) for one in reading.columns.columns)
        for one in reading.columns.columns:
            mark = f" (decimal mark {reading.found.marks[one.at]})" if one.at in reading.found.marks else ""
            say(f"  {one.name:{width}}  {one.field or '-'}{mark}", err=True)
        say(f"Times without a zone are of {reading.zone}.", err=True)
    if address:
        say(f"{counted(reading.total, 'event')} to {address}", err=True)


def _show(reading: Reading, as_json: bool) -> int:
    """A dry run: the first events, and the rows that are refused before anything is sent."""
    refused = 0
    first: list[dict[str, Any]] = []
    if not as_json:
        _explain(reading, "")
    for one in reading.events():
        if isinstance(one, RefusedRow):
            refused += 1
            if refused <= TOLD:
                say(_line(one), err=True)
        elif len(first) < FIRST:
            first.append(one.raw)
    if as_json:
        columns = {} if reading.columns is None else {one.name: one.field for one in reading.columns.columns}
        say_json({"columns": columns, "events": reading.total, "refused": refused, "first": first})
    else:
        for raw in first:
            say_json(raw)
        say(f"{counted(reading.total, 'event')}, {refused} refused. Nothing was sent.")
    return 1 if refused else 0


def _report(path: Path | None, counts: Counter[str], codes: Counter[str], as_json: bool) -> int:
    """The end, for people or machines, and the exit code."""
    kept = path is not None and beside(path, ".refused.csv").exists()
    if as_json:
        say_json({"counts": dict(counts), "problems": dict(codes)})
    else:
        ends = (("accepted", "accepted"), ("duplicate", "known before"), ("held", VERDICTS["held"].word))
        said = [f"{counts[one]:,} {words}" for one, words in ends if counts[one] or one == "accepted"]
        if counts["done_before"]:
            said.append(f"{counts['done_before']:,} done in an earlier run")
        said.append(f"{counts['refused']:,} refused")
        say(f"{', '.join(said)}.")
        for code, count in codes.most_common(TOLD):
            say(f"  {code}: {count:,}")
        if kept and path is not None:
            say(f"Correct the rows in {beside(path, '.refused.csv')}, and send that file.")
    return 1 if counts["refused"] or kept else 0
