"""All that the golden corpus knows of the server's code: the one file to adapt when that code moves.

A `Server` is a configuration folder, loaded, with a data folder of its own. It is asked as the network would ask it, by
ASGI, and at its end tells what lies in its queue's file. Its clock stands where the last request put it, its
installation key is always the same, and nothing is delivered. Ids that the server has minted by chance are replaced by
numbered ones in everything that it tells.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from tagserver import __version__
from tagserver.audit.audit import Audit
from tagserver.audit.records import event_key
from tagserver.backup.keeping import JournaledOutbox, Keeping
from tagserver.config.configuration import ConfigurationFolder
from tagserver.config.records import RecordsConfig
from tagserver.event.event import BROWSER
from tagserver.explain.try_ import try_event
from tagserver.inbound.enrich import read_headers
from tagserver.metrics.meters import Meters
from tagserver.plugin.registry import Registry
from tagserver.publishing.publishing import Publishing
from tagserver.publishing.serving import Configuration, Serving
from tagserver.publishing.store import Store
from tagserver.queue.sqlite.keys import recent
from tagserver.queue.values import Delivery, Receipt, Settlement
from tagserver.records.records import Records
from tagserver.runtime.runtime import Runtime
from tagserver.server.app import create_app
from tagserver.system.time import Time
from tests.records.memory.engine import MemoryRecords

ADMIN_TOKEN = "admin-token-of-the-corpus"
KEY = bytes(range(32))
"""The installation's."""
MINTED = "00000000-0000-7000-8000-"
"""How ids begin that stand for those that were minted by chance; their number follows."""
QUEUE = "queue.db"
COUNTED = re.compile(
    r"tagserver_((?:events|requests_refused|redacted|decisions|variable_failures|duplicates|held_ended|withdrawals)"
    r"_total|held_events|tombstones)(\{[^}]*\})? (\S+)"
)
"""The metrics that count what was decided."""
HOST = (b"host", b"tags.shop.example")
"""As every request has; those of the scenarios name none."""
CHAINED = frozenset({"mac", "hash", "prev", "chain", "h"})
"""Of an audit row, what seals it: it follows from the rest, and from ids that were minted by chance."""

REGISTRY = Registry.load()


class RecordedOutbox(JournaledOutbox):
    """The queue of the server itself, which remembers the key of each delivery that was handed in."""

    handed: dict[str, list[str]]

    async def append(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        for one in deliveries:
            self.handed.setdefault(one.event_id, []).append(one.key.hex())
        return await super().append(deliveries)


class TimeOf(Time):
    """The moment of a scenario; nothing is given up or erased for its age."""

    def __init__(self, server: Server) -> None:
        self._server = server
        super().__init__()

    def now(self) -> int:
        """As the scenario says."""
        return self._server.now

    def monotonic(self) -> float:
        """In step with it."""
        return self._server.now / 1000

    def trusted(self, seconds: float = 0.0) -> bool:
        """Never."""
        return False


class Server:
    """One server over an empty data folder. `problems` are those of its files; `serves` says whether there is a
    server at all. `folder` is empty, and the server's until it is closed."""

    def __init__(self, files: Mapping[str, str], env: Mapping[str, str], folder: Path, now: int) -> None:
        self.now = now
        self._data, config = folder / "data", folder / "config"
        for name, text in files.items():
            path = config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        self._data.mkdir(mode=0o700)
        self._folder = ConfigurationFolder(config, REGISTRY, env, None, self._data, time=TimeOf(self))
        self._loaded = self._folder.compile()
        self.problems = [dataclasses.asdict(one) for one in self._loaded.problems]
        self.serves = self._loaded.container is not None
        self._minted: dict[str, str] = {}

    async def open(self) -> None:
        """Start it; only one that serves."""
        container, server = self._loaded.container, self._loaded.server
        assert container is not None
        assert server is not None
        with (self._data / f"{QUEUE}.ballast").open("wb") as ballast:
            ballast.truncate(16 << 20)  # of holes: it is there already, and the queue need not write one
        time = TimeOf(self)
        self._outbox = await RecordedOutbox.open(self._data / QUEUE, time=time, min_free=0, any_disk=True)
        self._outbox.handed = {}
        self._audit = Audit(self._data, KEY, keep=1e9, max_size=1 << 30, min_free=0, time=time, every=1e6)
        queue = dataclasses.replace(server.queue, min_free=0, file=QUEUE)
        self._keeping = Keeping(self._data, self._outbox, queue, KEY, None, time)
        configuration = Configuration(container, server, Serving(1, {}, b""))
        self._runtime = Runtime(
            Publishing(self._folder, Store(self._data), time),
            configuration,
            self._outbox,
            KEY,
            time,
            Meters(started=self.now / 1000),
            self._audit,
            self._keeping,
            Records(MemoryRecords(time, keep=1.0), RecordsConfig(level="off"), KEY, time),
        )
        self._app: Starlette = create_app(self._runtime, ADMIN_TOKEN)

    # ── questions

    async def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes, peer: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to a request that is received now. What has waited for consent until
        now is decided before."""
        await self._runtime.ingest.decide_waiting(self._runtime.container, self._runtime.server)
        target, _, query = path.partition("?")
        sent: list[Mapping[str, Any]] = []
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Mapping[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [HOST, *lines, (b"content-length", str(len(body)).encode())],
            "client": (peer, 50000),
            "server": ("tags.shop.example", 80),
        }
        await self._app(scope, receive, send)  # type: ignore[arg-type]  # of ASGI's two kinds of dict
        start, content = sent[0], b"".join(message.get("body", b"") for message in sent[1:])
        self._learn(content)
        said = {name.decode(): value.decode() for name, value in start["headers"] if name != b"content-length"}
        return start["status"], dict(sorted(said.items())), content

    def tried(self, event: Any, headers: Sequence[tuple[str, str]], peer: str) -> Any:
        """What `try` says of an event that comes in such a request now. None for a key that there is not."""
        folded = read_headers((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
        source: str | None = BROWSER
        if "authorization" in folded:
            source = self._runtime.sources.of_key(folded)
            del folded["authorization"]
            if source is None:
                return None
        asked = {"event": event, "headers": folded, "ip": peer, "source": source}
        return try_event(self._runtime.container, self._runtime.server, asked, self.now, mint=_numbered_by_time)

    # ── the end

    async def close(self) -> dict[str, Any]:
        """End it. What is in its queue's file, what may still be sent of that, what was counted and is on record."""
        runtime = self._runtime
        await runtime.ingest.decide_waiting(runtime.container, runtime.server, closing=True)
        counted = await self._counted()
        refused = [one async for one in self._refused()]
        await self._outbox.close()
        await self._keeping.close()
        self._audit.close()
        stored = _read(self._data / QUEUE, self.now)
        return stored | {"refused": refused, "counted": counted, "audit": list(self._on_record())}

    async def _counted(self) -> dict[str, str]:
        text = self._runtime.meters.text(await self._runtime.status.picture())
        found = (COUNTED.fullmatch(line) for line in text.splitlines())
        return {f"{one[1]}{one[2] or ''}": one[3] for one in found if one and float(one[3])}

    async def _refused(self) -> Any:
        """Of the rows that wait: what may not be sent any more, and why."""
        for name in sorted(self._outbox.counts()):
            batch = await self._outbox.claim(name, max_items=100_000, max_bytes=1 << 30)
            if batch is None:
                continue
            refused = self._runtime.refusals(batch.rows)
            for row in batch.rows:
                if (why := refused.get(row.id)) is not None:
                    yield [row.event_id, row.tag, *why]
            await self._outbox.settle(batch, Settlement())

    def _on_record(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self._data / "audit").glob("*.jsonl")):
            for line in path.read_text("utf-8").splitlines():
                row = json.loads(line)
                yield {key: value for key, value in row.items() if key not in CHAINED}

    # ── chance

    def _learn(self, content: bytes) -> None:
        """Which ids of an answer were minted by chance: `try` and everybody else get a number instead."""
        try:
            events = json.loads(content).get("events", [])
        except (ValueError, AttributeError):
            return
        for event in events if isinstance(events, list) else []:
            name = event.get("event_id")
            codes = [problem["message"] for problem in event.get("problems", ())]
            if name and name not in self._minted and any(one.startswith("minted: ") for one in codes):
                self._minted[name] = f"{MINTED}{len(self._minted) + 1:012d}"

    def without_chance(self, text: str) -> str:
        """A text of this server's with every id that was minted replaced by its number, and keys made of it; and
        without the program's version, which rises with each commit."""
        text = text.replace(__version__, "VERSION")
        for name, number in self._minted.items():
            text = text.replace(name, number)
            for at, key in enumerate(self._outbox.handed.get(name, ())):
                text = text.replace(key, f"key {at} of {number}")
            text = text.replace(event_key(name, KEY), f"key of {number}")
        return text


def _numbered_by_time(received: int) -> str:
    digits = f"{received:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"


def _read(path: Path, now: int) -> dict[str, Any]:
    """What lies in the file of a queue that is closed."""
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    try:
        return {
            "rows": [_row(one) for one in database.execute("SELECT * FROM delivery ORDER BY id")],
            "known": {
                key.hex(): [ends, (mark or b"").hex()]
                for key, ends, mark in (*database.execute("SELECT key, expires, mark FROM known"), *recent(database))
                if ends > now
            },
            "urgent": [list(one) for one in database.execute("SELECT id, destination FROM urgent ORDER BY id")],
            "taken back": [
                [one["person"].hex(), one["purpose"], one["since"], one["until"], one["expires"]]
                for one in database.execute("SELECT * FROM withdrawal ORDER BY person, purpose")
            ],
            "counters": {
                f"{one['destination']} {one['name']}": one["value"]
                for one in database.execute("SELECT * FROM counter ORDER BY destination, name")
            },
        }
    finally:
        database.close()


COLUMN: Mapping[str, Callable[[Any], Any]] = {
    "person": lambda blob: [blob[at : at + 16].hex() for at in range(0, len(blob), 16)],
    "purposes": lambda text: text.split(),
    "body": lambda blob: blob.decode("utf-8", "backslashreplace"),
}
"""How the columns are shown that are no plain values."""


def _row(record: sqlite3.Row) -> dict[str, Any]:
    row = dict(record)
    return {"group" if name == "grp" else name: COLUMN.get(name, lambda one: one)(row[name]) for name in row}
