"""A restart under load: nobody is sent away, nobody waits for long, nothing is lost and nothing sent twice."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .onlookers import Seen, watching
from .process import Process, drained, start_sandbox, start_server, write_config

pytestmark = pytest.mark.alone
WAIT_S = 3.0
"""Nobody may wait for longer."""


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Process]:
    """A stand-in for Meta that outlives every server, with the configuration that points to it."""
    process = start_sandbox(tmp_path)
    write_config(tmp_path, process.address)
    yield process
    process.stop()


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """The socket that a service manager holds, whoever serves on it."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def judge(seen: Seen, server: Process, vendor: Process) -> None:
    """After the load."""
    assert seen.failed == []
    assert seen.duplicates == set()
    assert len(seen.accepted) > 200, "too little traffic for the test to mean anything"
    assert seen.longest < WAIT_S
    counts = drained(server)
    assert counts["accepted"] == counts["delivered"] == len(seen.accepted)
    stats = httpx.get(f"{vendor.address}/stats.json", trust_env=False).json()
    assert stats["unique"] == stats["arrivals"] == len(seen.accepted)


def test_a_server_hands_over_to_the_next_program(tmp_path: Path, vendor: Process) -> None:
    """SIGUSR2; the process stays. Many times: row P12 of the fault matrix."""
    server = start_server(tmp_path)
    try:
        with watching(server.address, "handover") as seen:
            until(lambda: len(seen.accepted) > 100)
            server.popen.send_signal(signal.SIGUSR2)
            until(lambda: server.text().count("listens on") == 2)
            before = len(seen.accepted)
            until(lambda: len(seen.accepted) > before + 100)
        judge(seen, server, vendor)
    finally:
        assert server.stop() == 0


def test_a_service_manager_restarts_on_its_own_socket(tmp_path: Path, vendor: Process, held: socket.socket) -> None:
    """SIGTERM, its end, and a start, as `systemctl restart` does it. Many times: row P13 of the fault matrix."""
    server = start_server(tmp_path, held=held)
    try:
        with watching(server.address, "restart") as seen:
            until(lambda: len(seen.accepted) > 100)
            assert server.stop() == 0
            server = start_server(tmp_path, held=held)
            before = len(seen.accepted)
            until(lambda: len(seen.accepted) > before + 100)
        judge(seen, server, vendor)
    finally:
        server.stop()
