"""`type: file`: rows of events in files by date. A sink: nothing leaves the machine."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagserver.plugin import (
    MISSING,
    Built,
    ConsentNeeds,
    Destination,
    Event,
    Limits,
    Mode,
    Omitted,
    Outcome,
    Payload,
    Request,
    Skip,
)
from tagserver.plugin.identity import OWN_CLEAR, OWN_HASHED
from tagserver.plugin.values import CURRENCY, os_fault
from tagserver_file.disk import locked, writable
from tagserver_file.jsonl import write_lines
from tagserver_file.moved import left_behind
from tagserver_file.parquet import MISSING as NO_PYARROW
from tagserver_file.parquet import close_due, collect, journals, load_pyarrow
from tagserver_file.row import build_row, first_text, valid
from tagserver_file.settings import FileSettings

log = logging.getLogger("tagserver_file")

HERE = Path()
"""Where relative folders lie when nobody hands over a data folder."""
LONGEST = 300
"""Characters of what is said of files that could not be made."""


class FileSink(Destination):
    """JSON lines or Parquet in a folder of yours."""

    type = "file"
    api_version = 1
    pure = True
    Settings = FileSettings
    ads = False
    consent = ConsentNeeds((), restricted=True)
    limits = Limits(events=1000, bytes=8 << 20, requests=1)
    reads = (
        *("event", "event_id", "timestamp", "source", "client_id", "user_id", "session_id"),
        *("page", "ecommerce", "user_data", "click", "ip", "user_agent"),
    )
    hashed = tuple(f"user_data.{field}" for field in OWN_HASHED)
    clear = (*("client_id", "user_id", "session_id", "click_ids"), *(f"user_data.{field}" for field in OWN_CLEAR))
    kinds = dict.fromkeys(("currency",), CURRENCY)
    sink = True
    _writing: asyncio.Task[Sequence[Outcome]] | None = None
    _faults: Sequence[str] = ()

    def hashes(self, settings: FileSettings) -> Sequence[str]:
        """None where `user_data` is kept as it came."""
        return self.hashed if settings.user_data == "hash" else ()

    def in_clear(self, settings: FileSettings) -> Sequence[str]:
        """Ids of browser and visit, and what the settings keep of the request and of the person."""
        kept = [key for key in ("ip", "user_agent") if getattr(settings, key)]
        if settings.user_data == "plain":
            kept.append("user_data")
        return (*self.clear, *kept, *(f"params.{path}" for path in settings.params if _is_personal(path)))

    def sees(self, settings: FileSettings) -> Sequence[str]:
        """What the setting `params` names, too."""
        return (*self.reads, *settings.params)

    def hosts(self, settings: FileSettings) -> Sequence[str]:
        """None: nothing is called."""
        return ()

    def build(self, event: Event, parameters: Mapping[str, Any], settings: FileSettings, mode: Mode) -> Built:
        """One row. Skips nothing but names and ids that are no valid text."""
        omitted: list[Omitted] = []
        given = {key: value for key, value in parameters.items() if value is not None and value is not MISSING}
        name = first_text(given.get("event_name"), given.get("event"), event.name)
        if not valid(event, name):
            raise Skip("missing_required", "the event's name or its event_id is no valid text", omitted)
        row = build_row(event, name, given, settings, mode, omitted)
        return Built(row, name, event.time, None, None, tuple(omitted))

    def request(self, payloads: Sequence[Payload], settings: FileSettings) -> Request:
        """For people: the rows, and the folder they go to."""
        folder = Path(settings.path) / f"dt={_date(payloads[0]) if payloads else ''}"
        return Request("WRITE", folder.as_uri() if folder.is_absolute() else f"DATA/{folder}", {}, _lines(payloads))

    async def open(self, settings: FileSettings, now: int = 0, data_folder: Path = HERE) -> None:
        """See to it that the folder is there and can be written, before anything is delivered. Raises OSError."""
        await asyncio.to_thread(_begin, settings, now / 1000, data_folder / settings.path)

    async def deliver(
        self, payloads: Sequence[Payload], settings: FileSettings, now: int, data_folder: Path = HERE
    ) -> Sequence[Outcome]:
        """Write the rows in a thread; they are on the disk when this returns. One outcome for each.

        A disk that stands still keeps its thread, which cannot be ended: until it comes back no second one is begun, or
        the threads that the whole server shares would be used up."""
        if self._writing is not None and not self._writing.done():
            return [Outcome.retry("os/EBUSY", detail="an earlier write has not come back from the disk")] * len(
                payloads
            )
        base = data_folder / settings.path
        self._writing = asyncio.create_task(asyncio.to_thread(self.write, payloads, settings, now / 1000, base))
        self._writing.add_done_callback(_seen)
        return await asyncio.shield(self._writing)

    async def tick(self, settings: FileSettings, now: int, data_folder: Path = HERE) -> None:
        """Parquet: make files of what has been collected for long enough, also while no rows come."""
        await self._make_files(settings, now, settings.minutes_per_file, data_folder / settings.path)

    async def close(self, settings: FileSettings, now: int, data_folder: Path = HERE) -> None:
        """Parquet: make files of all that has been collected. What there is no time for stays in its journal, and is
        made after the next start."""
        await self._make_files(settings, now, 0, data_folder / settings.path)

    async def _make_files(self, settings: FileSettings, now: int, minutes: int, base: Path) -> None:
        if settings.format != "parquet" or (self._writing is not None and not self._writing.done()):
            return
        given_up = threading.Event()
        try:
            faults = await asyncio.to_thread(_close_due, settings, now / 1000, minutes, base, given_up.is_set)
        except asyncio.CancelledError:
            given_up.set()  # a thread cannot be cancelled; it looks
            raise
        if faults and faults != self._faults:
            log.warning("file sink %s: %s", settings.name, "; ".join(faults)[:LONGEST])
        self._faults = faults

    def write(
        self, payloads: Sequence[Payload], settings: FileSettings, now: float, base: Path | None = None
    ) -> Sequence[Outcome]:
        """The same, at once, at a moment (seconds since 1970), into `base` (the setting's folder, where none is given).
        Dates stand for themselves: what could be written is delivered, the rest comes again."""
        if settings.format == "parquet":
            try:
                load_pyarrow()
            except ImportError:
                return [Outcome.paused("pyarrow_missing", NO_PYARROW)] * len(payloads)
        base, most = base or Path(settings.path), settings.max_file_mb << 20
        days: dict[str, list[int]] = {}
        for index, payload in enumerate(payloads):
            days.setdefault(_date(payload), []).append(index)
        outcomes = [Outcome.delivered()] * len(payloads)
        with locked(base, settings.name):
            for date, indexes in days.items():
                lines = _lines([payloads[index] for index in indexes])
                try:
                    if settings.format == "parquet":
                        collect(base, settings.name, date, lines, now)
                    else:
                        write_lines(base, settings.name, date, lines, most)
                except OSError as error:
                    for index in indexes:
                        outcomes[index] = _failed(error)
            if settings.format == "parquet" and (
                faults := close_due(base, settings.name, now, settings.minutes_per_file, most, settings.compression)
            ):
                warned = Outcome.delivered(warning="; ".join(faults)[:LONGEST])
                outcomes = [warned if one.kind == "delivered" else one for one in outcomes]
        return outcomes


def _begin(settings: FileSettings, now: float, base: Path) -> None:
    writable(base, settings.name)
    before = left_behind(settings.path, base)
    if before is None:
        return
    log.warning(
        "file sink %s: rows from before this version lie in %s, and stay there; new ones are written to %s",
        *(settings.name, before, base),
    )
    faults: Sequence[str]
    try:  # what was collected for a file and not made into one yet
        faults = _close_due(settings, now, 0, before, lambda: False) if settings.format == "parquet" else ()
    except OSError as error:
        faults = [os_fault(error)]
    if faults:
        log.error("file sink %s: of the rows in %s: %s", settings.name, before, "; ".join(faults)[:LONGEST])


def _close_due(
    settings: FileSettings, now: float, minutes: int, base: Path, given_up: Callable[[], bool]
) -> Sequence[str]:
    """Make files of the journals that are `minutes` old; sentences about those that could not be made."""
    most = settings.max_file_mb << 20
    if not journals(base, settings.name):
        return ()  # nothing to lock, nor a folder to make
    try:
        load_pyarrow()
    except ImportError:
        return (NO_PYARROW,)
    with locked(base, settings.name):
        return close_due(base, settings.name, now, minutes, most, settings.compression, given_up)


_PERSONAL = frozenset({"client_id", "user_id", "session_id", "ip", "user_agent", "click", "cookie", "header"})


def _is_personal(path: str) -> bool:
    return path.partition(".")[0] in _PERSONAL


def _seen(task: asyncio.Task[Sequence[Outcome]]) -> None:
    """Nobody may be left who asks how it ended."""
    if not task.cancelled():
        task.exception()


def _failed(error: OSError) -> Outcome:
    code = errno.errorcode.get(error.errno or 0, "EIO")
    return Outcome.retry(f"os/{code}", detail=f"the rows could not be written: {os_fault(error)}")


def _date(payload: Payload) -> str:
    """The day of the event, UTC."""
    return datetime.fromtimestamp(payload.time // 1000, UTC).strftime("%Y-%m-%d")


def _lines(payloads: Sequence[Payload]) -> bytes:
    """The stored bytes, one row a line: JSON as the server encodes it holds no line break."""
    return b"".join(payload.body + b"\n" for payload in payloads)
