"""`tagserver audit`: what was decided and why, as JSON lines; and whether nothing of it is missing or altered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from tagserver.audit.chain import BEGINNING, Check, Row
from tagserver.audit.files import FOLDER, read_rows, rows_about
from tagserver.audit.index import IndexCheck
from tagserver.audit.records import event_key
from tagserver.cli.options import data_option, when_option
from tagserver.cli.terminal import give_up, say
from tagserver.queue.data_folder import KEY_BYTES


@click.command()
@data_option
@when_option("--since", "Only rows from then on: 2h, 3d, 2026-11-01 (UTC), 2026-11-01T22:00:00Z.")
@click.option("--event-id", help="Only rows about this event.")
@click.option("--verify", is_flag=True, help="Check the chain instead of printing it.")
def audit(data: Path, since: int | None, event_id: str | None, verify: bool) -> None:
    """Print the audit as JSON lines, the oldest row first. No row says who it was about.

    A row's `prev` is the hash of the row before: the first 32 hex digits of the SHA-256 of its line. --verify follows
    the chain and exits 1 where it does not hold. It also prints the last number and hash: noted somewhere else, they
    show later that nothing was cut off at the end.

    --event-id asks an index which files to read. It finds each event that was sent or restricted, or whose tag failed,
    repeats too; not those that were blocked or skipped for every tag, which have no rows of their own.
    """
    if verify and (since is not None or event_id is not None):
        raise click.UsageError("--verify looks at all rows: leave out --since and --event-id")
    folder = data / FOLDER
    if not folder.is_dir():
        give_up(f"there is no audit in the data folder {data}")
    if verify:
        raise SystemExit(_verify(folder))
    from_ms = since or 0
    if event_id is None:
        for row in _chosen(read_rows(folder), from_ms, None):
            say(row.text.decode(errors="backslashreplace"))
        return
    key = event_key(event_id, _install_key(data))
    found = False
    for row in _chosen(rows_about(folder, key), from_ms, key):
        found = True
        say(row.text.decode(errors="backslashreplace"))
    if not found:
        say(f"No row is about this event: {NOTHING}.", err=True)


NOTHING = (
    "it was blocked or skipped for every tag (those are counted, without their ids), or it was never here, or its rows "
    "are gone for their age or size"
)


def _verify(folder: Path) -> int:
    check = Check()
    breaks = 0
    indexes = IndexCheck(folder)
    for found in check.follow(indexes.watched(read_rows(folder))):
        breaks += 1
        say(f"✖ {found}")
    for found in check.finish():
        breaks += 1
        say(f"✖ {found}")
    for wrong in indexes.wrong:
        say(f"✖ {wrong} does not fit its file: --event-id may have missed rows. Remove it; the server makes it anew.")
    number, digest = (check.end.number, check.end.hash) if check.end else (0, BEGINNING)
    if breaks:
        say(f"{check.rows} rows, and the chain does not hold.")
    else:
        say(f"✔ {check.rows} rows, none is missing or altered. The last is {number}, its hash {digest}.")
    return 1 if breaks or indexes.wrong else 0


def _chosen(rows: Iterable[Row], from_ms: int, key: str | None) -> Iterator[Row]:
    """The rows that are wanted, each behind the consent state that it names."""
    states: dict[str, Row] = {}
    for row in rows:
        record: Mapping[str, Any] = row.record or {}
        if record.get("kind") == "state":
            states[str(record.get("state"))] = row
            continue
        if record.get("t", 0) < from_ms or (key is not None and record.get("event") != key):
            continue
        state = states.pop(str(record.get("state")), None)
        if state is not None:
            yield state
        yield row


def _install_key(data: Path) -> bytes:
    try:
        key = (data / "install-key").read_bytes()
    except OSError:
        key = b""
    if len(key) != KEY_BYTES:
        give_up(f"{data / 'install-key'} is missing: without it no event can be found")
    return key
