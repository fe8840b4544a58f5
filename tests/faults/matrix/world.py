"""The world of one row: a folder, vendors, a server, a producer, each a process of its own; and what was observed.

A row makes faults here and says what must hold; `judge` asks the questions that every row has in common.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.matrix.child import Child
from tests.faults.matrix.events import COLLECT, ORIGIN
from tests.faults.matrix.web import Answer, call
from tests.faults.process import passing

ADMIN = "admin-token-of-the-matrix"
TOKEN = "vendor-token-of-the-matrix"
ROOT = Path(__file__).parents[3]
SERVER = {
    "collect": {"origins": ["https://shop.example"]},
    "queue": {"min_free": "1MiB"},
    "egress": {"allow": ["127.0.0.0/8"]},
}


def meta(address: str, **settings: Any) -> dict[str, Any]:
    """A destination for Meta's API at this address, in words of the configuration."""
    return {"type": "meta_capi", "pixel_id": "1", "access_token": "${env:META_TOKEN}", "api_url": address, **settings}


def everything_to(destinations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A container that sends every event to each of these destinations."""
    tags = [{"name": f"Tag {name}", "destination": name, "triggers": ["all"]} for name in destinations]
    return {"destinations": dict(destinations), "tags": tags}


class Cannot(Exception):
    """This machine does not allow the fault to be made; the text says why."""


@dataclass
class Vendor:
    """An oracle: where the server sends to, and where it is told what to do."""

    child: Child
    address: str
    control: str

    def order(self, **order: Any) -> None:
        """Tell it how to behave: see `oracle.py`."""
        call("POST", f"{self.control}/control", order)

    def stats(self) -> dict[str, Any]:
        """Its counts."""
        stats: dict[str, Any] = call("GET", f"{self.control}/stats", timeout=60).json()
        return stats

    def requests(self) -> list[tuple[float, int]]:
        """The moment and the size of every request, in the machine's monotonic seconds."""
        return [(at, size) for at, size in call("GET", f"{self.control}/requests", timeout=60).json()]

    def ids(self) -> dict[str, Any]:
        """What arrived: id → [arrivals, first arrival, fingerprint]."""
        seen: dict[str, Any] = call("GET", f"{self.control}/ids", timeout=60).json()
        return seen


class Server(Child):
    """A `tagserver serve`."""

    address: str = ""

    def up(self, seconds: float = 60) -> Server:
        """Wait until it listens. Raises DidNotStart."""
        self.address = self.says(r"listens on (http://127\.0\.0\.1:\d+)", seconds).group(1)
        return self

    def get(self, path: str, timeout: float = 10) -> Answer:
        """Ask as the administrator."""
        return call("GET", f"{self.address}{path}", headers={"authorization": f"Bearer {ADMIN}"}, timeout=timeout)

    def post(self, path: str, body: Any = None, timeout: float = 60) -> Answer:
        """Post as the administrator."""
        headers = {"authorization": f"Bearer {ADMIN}"}
        return call("POST", f"{self.address}{path}", body, headers, timeout)

    def status(self, destination: str = "meta") -> dict[str, Any]:
        """The counts and the state of one destination."""
        counts: dict[str, Any] = self.get("/-/status.json").json()["destinations"][destination]
        return counts

    def letters(self, **choice: Any) -> list[dict[str, Any]]:
        """Dead letters."""
        query = "&".join(f"{name}={text}" for name, text in ({"limit": 1000} | choice).items())
        letters: list[dict[str, Any]] = self.get(f"/-/dead.json?{query}").json()["letters"]
        return letters


@dataclass
class World:
    """Everything of one run of one row. `chance` follows from the seed alone."""

    folder: Path
    seed: int
    long: bool = False
    untimed: bool = False
    chance: random.Random = field(init=False)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    histories: list[Path] = field(default_factory=list)
    server: Server | None = None
    environment: dict[str, str] = field(default_factory=dict)
    at_end: list[Callable[[], None]] = field(default_factory=list)
    held: socket.socket | None = None
    """A listening socket that is passed to servers, as a service manager does."""
    _children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    # ── making

    def start(
        self, name: str, *command: str, kind: type[Child] = Child, prepare: Callable[[], None] | None = None
    ) -> Any:
        """A process of this world; ended with it."""
        log = self.folder / f"{name}-{len(self._children)}.log"
        keeps = [self.held.fileno()] if self.held else []
        child = kind(command, self.folder, log, self.environment_of_children(), prepare, keeps)
        self._children.append(child)
        return child

    def environment_of_children(self) -> dict[str, str]:
        """What programs of this world find in their environment: nothing of the machine's but the path."""
        base = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self.folder / 'plugins'}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "META_TOKEN": TOKEN,
            "TAGSERVER_ADMIN_TOKEN": ADMIN,
        }
        return base | self.environment

    def vendor(self, name: str = "meta") -> Vendor:
        """One more vendor."""
        child: Child = self.start(f"oracle-{name}", sys.executable, "-m", "tests.faults.matrix.oracle")
        found = child.says(r"vendor (\S+) control (\S+)")
        self.vendors[name] = Vendor(child, found.group(1), found.group(2))
        return self.vendors[name]

    def configure(self, server: Mapping[str, Any] | None = None, container: Mapping[str, Any] | None = None) -> None:
        """Write the configuration: every event to every vendor, unless `container` says else. JSON is YAML."""
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        merged = {name: {**SERVER.get(name, {}), **(server or {}).get(name, {})} for name in {*SERVER, *(server or {})}}
        (config / "server.yaml").write_text(json.dumps(merged, indent=1))
        self.write("container.yaml", self.container() | dict(container or {}))

    def container(self) -> dict[str, Any]:
        """The container that sends every event to every vendor."""
        return everything_to({name: meta(vendor.address) for name, vendor in self.vendors.items()})

    def write(self, name: str, content: Mapping[str, Any] | str) -> Path:
        """Replace a file of the configuration in one go, as editors do."""
        path = self.folder / "config" / name
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        aside = path.with_name(f".{name}.new")
        aside.write_text(text)
        return aside.replace(path)

    def plugin(self, package: str, source: str) -> None:
        """Install a destination plugin for the servers of this world: a module and its entry point."""
        folder = self.folder / "plugins"
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (folder / f"{package}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[tagserver]\n{package} = {package}\n")

    def serve(self, *words: str, prepare: Callable[[], None] | None = None) -> Server:
        """Start the server as a user would; `up()` waits until it listens."""
        tagserver = ["-m", "tagserver", "serve", "--port", "0", *words]
        command = passing(self.held, *tagserver) if self.held else [sys.executable, *tagserver]
        self.server = self.start("serve", *command, kind=Server, prepare=prepare)
        return self.server

    def restart(self) -> Server:
        """Stop the server and start it again at the same address."""
        assert self.server is not None
        port = self.server.address.rpartition(":")[2]
        self.expect(self.server.stop() == 0, "it does not end with 0")
        return self.serve("--port", port).up()

    def command(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `tagserver WORDS` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "tagserver", *words],
            cwd=self.folder,
            env=self.environment_of_children(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def produce(
        self,
        prefix: str,
        count: int,
        *,
        connections: int = 16,
        seconds: float = 30,
        items: int = 0,
        rate: float = 0,
        address: str = "",
        fresh: bool = False,
        door: str = COLLECT,
    ) -> Child:
        """Events from a process of its own; `ends()` waits for the last one. `fresh`: each by a new connection. `door`:
        the path to which they are posted, signed where it is a webhook's."""
        assert self.server is not None
        history = self.folder / f"history-{prefix}.jsonl"
        self.histories.append(history)
        words = [
            address or self.server.address,
            str(history),
            prefix,
            count,
            connections,
            seconds,
            items,
            rate,
            int(fresh),
            door,
        ]
        command = [sys.executable, "-m", "tests.faults.matrix.producer", *map(str, words)]
        producer: Child = self.start(f"producer-{prefix}", *command)
        return producer

    def send(self, prefix: str, events: Sequence[Mapping[str, Any]], **batch: Any) -> list[dict[str, Any]]:
        """Events in one request from here, noted as the producer notes its own; the answer's line for each.
        `batch`: what else the request says about all of them."""
        assert self.server is not None
        sent = time.monotonic()
        answer = call("POST", f"{self.server.address}/collect", {"events": list(events)} | batch, {"origin": ORIGIN})
        now = time.monotonic()
        lines: list[dict[str, Any]] = answer.json().get("events", [])
        history = self.folder / f"history-{prefix}.jsonl"
        self.histories.append(history)
        with history.open("w") as log:
            for one, line in zip(events, lines, strict=True):
                outcome = "ok" if line["status"] in ("accepted", "duplicate") else "refused"
                log.write(json.dumps([one["event_id"], outcome, answer.status, now, now - sent, line["status"]]) + "\n")
        return lines

    def history(self, prefix: str) -> list[list[Any]]:
        """The producer's attempts: id, outcome, status, moment, seconds, the event's own status."""
        path = self.folder / f"history-{prefix}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    # ── observing

    def fault(self, name: str, number: int = 1) -> None:
        """So many faults were really made."""
        self.faults[name] += number

    def expect(self, holds: object, sentence: str) -> None:
        """What must hold; the sentence says what is wrong otherwise."""
        if not holds:
            self.failures.append(sentence)

    def until(self, holds: Callable[[], object], seconds: float = 20, sentence: str = "") -> bool:
        """Wait until it holds; whether it did. With a sentence it must."""
        end = time.monotonic() + seconds
        while not (held := self._ask(holds)) and time.monotonic() < end:
            time.sleep(0.05)
        if sentence:
            self.expect(held, f"{sentence} (not within {seconds:g} s)")
        return held

    @staticmethod
    def _ask(holds: Callable[[], object]) -> bool:
        try:
            return bool(holds())
        except OSError:
            return False  # not up yet, or not any more

    def latencies(self, prefix: str, vendor: Vendor) -> tuple[list[float], list[float]]:
        """Of what one producer sent: the ms until each answer, and until each arrival at a vendor, sorted."""
        history = [line for line in self.history(prefix) if line[1] == "ok"]
        seen = vendor.ids()
        answers = sorted(seconds * 1000 for _, _, _, _, seconds, _ in history)
        arrivals = sorted((seen[one][1] - at + took) * 1000 for one, _, _, at, took, _ in history if one in seen)
        return answers, arrivals

    def settled(self, destination: str = "meta", seconds: float = 30) -> dict[str, Any]:
        """The counts of a destination once nothing of it is pending."""
        assert self.server is not None
        server = self.server
        self.until(lambda: not server.status(destination)["pending"], seconds, f"{destination} is not drained")
        return server.status(destination)

    def judge(self, **allowed: Any) -> dict[str, Any]:
        """Ask all questions of `judge.py`, in a process of its own. `allowed` is what this row's faults excuse."""
        assert self.server is not None
        case = {
            "server": self.server.address,
            "pid": self.server.pid,
            "admin": ADMIN,
            "vendors": {name: vendor.control for name, vendor in self.vendors.items()},
            "histories": [str(path) for path in self.histories],
            "logs": [str(child.log) for child in self._children if isinstance(child, Server)],
            "secrets": [ADMIN, TOKEN],
            "faults": dict(self.faults),
        } | allowed
        if self.untimed:
            case.setdefault("live", 10.0)  # somebody else may have the processor just then
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.matrix.judge"],
            cwd=ROOT,
            input=json.dumps(case),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            self.failures.append(f"the judge failed: {done.stderr[-500:]}")
            return {}
        verdict: dict[str, Any] = json.loads(done.stdout)
        self.failures += verdict["failures"]
        self.void += verdict["void"]
        self.numbers |= verdict["numbers"]
        return verdict

    def end(self) -> None:
        """End every process of this world, the youngest first; then undo what `at_end` says, the youngest first."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.kill()
        for undo in reversed(self.at_end):
            undo()
