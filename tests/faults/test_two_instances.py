"""Two servers behind haproxy, as their page has it: one is restarted, one is killed, and nothing accepted is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import OPERATE, blocks
from tests.docs.proxies import command, free_port, running

from .onlookers import Seen, watching
from .process import SERVER, Process, drained, start_sandbox, start_server, status, write_config

pytestmark = pytest.mark.alone
(PAGE,) = (page for page in OPERATE if page.name == "restarts.md")
WAIT_S = 3.0
FRONT = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend tags
    bind 127.0.0.1:PORT
    http-request set-header X-Forwarded-For %[src]
    default_backend tagserver
"""


@dataclass
class Pair:
    """Two servers with a folder and a port each; `address` is the proxy's."""

    address: str
    folders: list[Path]
    ports: list[int]
    servers: list[Process]
    vendor: Process

    def start(self, number: int) -> None:
        """One of them, at its own port."""
        self.servers[number] = start_server(self.folders[number], "--port", str(self.ports[number]))

    def at_vendor(self) -> dict[str, int]:
        """How many different events have arrived there, and how many in all."""
        stats: dict[str, int] = httpx.get(f"{self.vendor.address}/stats.json", trust_env=False).json()
        return stats


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """The page's configuration, with free ports; and a vendor that outlives all."""
    words = command("haproxy", tmp_path / "conf")
    vendor = start_sandbox(tmp_path)
    (shown,) = blocks(PAGE, language="yaml")
    (backend,) = (one.text for one in blocks(PAGE, language="haproxy"))
    front, ports, folders, servers = free_port(), [free_port(), free_port()], [], []
    for name, port in zip(("8081", "8082"), ports, strict=True):
        folders.append(tmp_path / f"data-{name}")
        folders[-1].mkdir()
        write_config(folders[-1], vendor.address)
        settings = SERVER.replace("collect: {", "collect: {trusted_proxies: 1, ")
        (folders[-1] / "config" / "server.yaml").write_text(settings + shown.text.splitlines()[0] + "\n")
        servers.append(start_server(folders[-1], "--port", str(port)))
        assert f"127.0.0.1:{name}" in backend
        backend = backend.replace(f"127.0.0.1:{name}", f"127.0.0.1:{port}")
    (tmp_path / "conf").write_text(FRONT.replace("PORT", str(front)) + backend)
    made = Pair(f"http://127.0.0.1:{front}", folders, ports, servers, vendor)
    try:
        with running(words, front, tmp_path / "haproxy.log"):
            yield made
    finally:
        for server in made.servers:
            server.popen.send_signal(signal.SIGTERM)
            server.popen.send_signal(signal.SIGTERM)
        for server in made.servers:
            server.stop()
        vendor.stop()


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def more(seen: Seen, number: int = 100) -> None:
    """Wait for so many events more."""
    before = len(seen.accepted)
    until(lambda: len(seen.accepted) >= before + number)


def takes_again(server: Process) -> None:
    """Wait until the proxy knows that it is there."""
    before = status(server)["accepted"]
    until(lambda: status(server)["accepted"] > before)


def test_one_is_restarted_and_the_other_killed(pair: Pair) -> None:
    """At a restart nobody is sent away, and nothing is lost or sent twice. At a kill the proxy answers for what was in
    hand, and what is sent again the other one takes; what had been accepted is delivered after the next start."""
    with watching(pair.address, "pair") as seen:
        more(seen)
        assert pair.servers[0].stop() == 0
        more(seen)
        pair.start(0)
        takes_again(pair.servers[0])
        assert seen.failed == []
        assert seen.duplicates == set()
        pair.servers[1].kill()
        more(seen)
        pair.start(1)
        takes_again(pair.servers[1])
    # 0: on a connection that was used before haproxy closes, without an answer, so that the client tries again.
    assert {code for _, code in seen.failed} <= {0, 502, 503}
    assert len(seen.failed) < 20
    assert seen.longest < WAIT_S
    counts = [drained(server) for server in pair.servers]
    assert all(one["accepted"] == one["delivered"] > 0 for one in counts)
    stats = pair.at_vendor()
    assert stats["unique"] == len(seen.accepted | seen.duplicates)
    assert stats["arrivals"] - stats["unique"] < 100, "only what was under way at the kill may come again"
