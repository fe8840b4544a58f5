"""Parquet: rows are collected in a journal of JSON lines, from which whole files are made.

A Parquet file cannot be appended to, and one for each delivery would be thousands of tiny ones. What is in the journal
is on the disk; a file gets its name only when it is complete, and the journal goes only after that. The name of a file
is that of its journal: made twice after a crash, it replaces itself.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from tagserver.plugin.values import os_fault
from tagserver_file.disk import FILE_MODE, append, make_folder, sync_folder
from tagserver_file.row import COLUMNS

JOURNAL = "_journal"
"""Hive, Spark and DuckDB take folders that begin with an underscore for private ones."""
ROWS = 5000
"""Rows that are in memory at a time; each is one row group."""
_TIMES = frozenset({"timestamp", "received_at"})
_JSON = frozenset({"items", "user_data", "params", "campaign", "click_ids"})
MISSING = "format: parquet needs pyarrow; install it with pip install 'tagserver[parquet]'"


def load_pyarrow() -> tuple[Any, Any]:
    """`pyarrow` and `pyarrow.parquet`, loaded when they are needed first. Raises ImportError with a sentence."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(MISSING) from error


def schema() -> Any:
    """The columns, always the same, in this order."""
    arrow, _ = load_pyarrow()
    kinds = {name: arrow.timestamp("us", tz="UTC") for name in _TIMES}
    kinds |= {"value": arrow.float64(), "restricted": arrow.bool_()}
    return arrow.schema([(name, kinds.get(name, arrow.string())) for name in COLUMNS])


def collect(base: Path, name: str, date: str, lines: bytes, now: float) -> None:
    """Append the rows of one date to its journal, or begin one. `now`: seconds since 1970."""
    folder = base / JOURNAL
    make_folder(folder)
    open_ones = [path for path, day, _ in journals(base, name) if day == date]
    if open_ones:
        path = open_ones[-1]
    else:
        begun = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
        path = folder / f"{name}.{date}.{begun}-{secrets.token_hex(4)}.jsonl"
    append(path, lines)


def journals(base: Path, name: str) -> list[tuple[Path, str, float]]:
    """The open journals: file, date of its rows, and when it was begun (seconds since 1970); oldest first."""
    known = re.compile(re.escape(name) + r"\.(\d{4}-\d\d-\d\d)\.(\d{8}T\d{6})-[0-9a-f]{8}\.jsonl").fullmatch
    made = []
    with contextlib.suppress(FileNotFoundError):
        for path in (base / JOURNAL).iterdir():
            if found := known(path.name):
                begun = datetime.strptime(found[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
                made.append((path, found[1], begun.timestamp()))
    return sorted(made, key=lambda one: (one[2], one[0].name))


def close_due(
    base: Path,
    name: str,
    now: float,
    minutes: int,
    most: int,
    compression: str,
    given_up: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Make files of the journals that are old or large enough; sentences about those that could not be made (their
    rows are kept). When it is `given_up`, the rest stays as it is."""
    faults = []
    for path, date, begun in journals(base, name):
        try:
            # A clock that was set back must not keep a journal open for ever.
            if abs(now - begun) < minutes * 60 and path.stat().st_size < most:
                continue
            if given_up():
                break
            _close(base, path, date, compression, given_up)
        except Exception as error:  # the rows are on the disk; whatever is wrong is no reason to deliver them again
            why = os_fault(error) if isinstance(error, OSError) else type(error).__name__
            faults.append(f"the rows of {date} stay in {JOURNAL}: {why}")
    return faults


def _close(base: Path, journal: Path, date: str, compression: str, given_up: Callable[[], bool]) -> None:
    folder = base / f"dt={date}"
    make_folder(folder)
    name, _, begun = journal.stem.split(".")
    final = folder / f"{name}-{begun}.parquet"
    half = folder / f".{final.name}.tmp"
    arrow, parquet = load_pyarrow()
    columns = schema()
    try:
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE), "wb") as out:
            with parquet.ParquetWriter(out, columns, compression=compression) as writer:
                for rows in _chunks(_rows(journal)):
                    if given_up():
                        raise TimeoutError
                    writer.write_table(arrow.Table.from_pylist(rows, schema=columns))
            out.flush()
            os.fsync(out.fileno())
        half.replace(final)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    journal.unlink()


def _rows(journal: Path) -> Iterator[dict[str, Any]]:
    with journal.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):  # a half line was never acknowledged
                yield {key: _cell(key, value) for key, value in json.loads(line).items() if key in COLUMNS}


def _cell(key: str, value: Any) -> Any:
    if key in _TIMES:
        return datetime.fromisoformat(value)
    if key in _JSON:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return float(value) if key == "value" else value


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows = iter(rows)
    while chunk := list(islice(rows, ROWS)):
        yield chunk
