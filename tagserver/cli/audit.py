"""`tagserver audit`: what was decided and why, as JSON lines; and whether nothing of it is missing or altered."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from tagserver.audit.chain import BEGINNING, Check, Row
from tagserver.audit.files import FOLDER, read_rows
from tagserver.audit.records import event_key
from tagserver.cli.options import data_option, give_up
from tagserver.cli.output import say
from tagserver.operations.data_folder import KEY_BYTES

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@click.command()
@data_option
@click.option("--since", help="Only rows from then on: 24h, 7d, or a date, or a time in RFC 3339.")
@click.option("--event-id", help="Only rows about this event.")
@click.option("--verify", is_flag=True, help="Check the chain instead of printing it.")
def audit(data: Path, since: str | None, event_id: str | None, verify: bool) -> None:
    """Print the audit as JSON lines, the oldest row first. No row says who it was about.

    A row's `prev` is the hash of the row before: the first 32 hex digits of the SHA-256 of its line. --verify follows
    the chain and exits 1 where it does not hold. It also prints the last number and hash: noted somewhere else, they
    show later that nothing was cut off at the end.
    """
    folder = data / FOLDER
    if not folder.is_dir():
        give_up(f"there is no audit in the data folder {data}")
    if verify:
        raise SystemExit(_verify(read_rows(folder)))
    key = None if event_id is None else event_key(event_id, _install_key(data))
    from_ms = 0 if since is None else _moment(since)
    for row in _chosen(read_rows(folder), from_ms, key):
        say(row.text.decode(errors="backslashreplace"))


def _verify(rows: Iterable[Row]) -> int:
    check = Check()
    breaks = 0
    for found in check.follow(rows):
        breaks += 1
        say(f"✖ {found}")
    for found in check.finish():
        breaks += 1
        say(f"✖ {found}")
    number, digest = (check.end.number, check.end.hash) if check.end else (0, BEGINNING)
    if breaks:
        say(f"{check.rows} rows, and the chain does not hold.")
    else:
        say(f"✔ {check.rows} rows, none is missing or altered. The last is {number}, its hash {digest}.")
    return 1 if breaks else 0


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


def _moment(text: str) -> int:
    """Milliseconds since 1970 UTC."""
    if found := re.fullmatch(r"(\d{1,6})([mhd])", text):
        ago = timedelta(**{_UNITS[found[2]]: int(found[1])})
        return int((time.time() - ago.total_seconds()) * 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError("--since: write 24h, 7d, 2026-11-01 or 2026-11-01T12:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
